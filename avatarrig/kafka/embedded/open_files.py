"""How many files the embedded broker and its parts may have open at once."""

from __future__ import annotations

import contextlib
import sys
from typing import Final

from avatarrig.kafka.embedded.errors import BrokerError

LEAST: Final = 256
"""Kafka opens some 200: jars, and two files of each partition that is in use."""

_ENOUGH: Final = 4096


def allow_open_files() -> None:
    """Takes as many as are needed, as far as this process may; children inherit it.

    Raises:
        BrokerError: They are too few, with what to do.
    """
    if sys.platform == "win32":  # it knows no such limit
        return
    import resource  # noqa: PLC0415 - not to be had on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    is_hard_limited = hard != resource.RLIM_INFINITY
    most = min(hard, _ENOUGH) if is_hard_limited else _ENOUGH
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(OSError, ValueError):  # then it goes on with what it has
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
    if soft != resource.RLIM_INFINITY and soft < LEAST:
        raise BrokerError(
            f"only {soft} files may be open at once here, and the embedded Kafka needs {LEAST}: "
            f"allow more (ulimit -n {_ENOUGH}; in a container or a service, its own setting for "
            "open files), or use a Kafka that runs already with --bootstrap-servers HOST:PORT"
        )
