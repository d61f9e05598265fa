"""What the system allows the embedded broker and its parts: open files, memory, size of a file."""

from __future__ import annotations

import contextlib
import sys
from typing import Final, NamedTuple

from avatarrig.kafka.embedded.errors import BrokerError

_MEGABYTE: Final = 2**20


class _Limit(NamedTuple):
    """A limit of a process.

    Attributes:
        name: Of the resource in `resource`.
        unit: What it is told in.
        least: Units below which Kafka fails, at its start or later.
        enough: Units that are asked for; None asks for no limit.
        said: What is allowed, and what needs more.
        option: Of the shell's ulimit.
        asked: The number to give it.
        setting: What the same is called elsewhere.
    """

    name: str
    unit: int
    least: int
    enough: int | None
    said: str
    option: str
    asked: str
    setting: str


_LIMITS: Final = (
    # Kafka opens some 200: jars, and two files of each partition that is in use.
    _Limit(
        "RLIMIT_NOFILE", 1, 256, 4096,
        "only {allowed} files may be open at once here, and the embedded Kafka needs {least}",
        "n", "4096", "open files",
    ),
    # Java reserves far more addresses than it uses: with 3 GiB it works, with 2.5 it does not.
    _Limit(
        "RLIMIT_AS", _MEGABYTE, 3072, None,
        "only {allowed} MiB of memory may be reserved here, and the embedded Kafka needs {least}",
        "v", "unlimited", "address space",
    ),
    # What a partition's file may grow to.
    _Limit(
        "RLIMIT_FSIZE", _MEGABYTE, 128, None,
        "a file may have only {allowed} MiB here, and the embedded Kafka needs {least}",
        "f", "unlimited", "file size",
    ),
)  # fmt: skip


def raise_limits() -> None:
    """Takes as much as is needed, as far as this process may; children inherit it.

    Raises:
        BrokerError: It is too little, with what to do.
    """
    if sys.platform == "win32":  # it knows no such limits
        return
    for limit in _LIMITS:
        _raise(limit)


def _raise(limit: _Limit) -> None:
    import resource  # noqa: PLC0415 - not to be had on Windows

    which = getattr(resource, limit.name)
    soft, hard = resource.getrlimit(which)
    enough = resource.RLIM_INFINITY if limit.enough is None else limit.enough * limit.unit
    most = _lower(hard, enough, resource.RLIM_INFINITY)
    if soft != most and _lower(soft, most, resource.RLIM_INFINITY) == soft:
        with contextlib.suppress(OSError, ValueError):  # then it goes on with what it has
            resource.setrlimit(which, (most, hard))
            soft = most
    if soft != resource.RLIM_INFINITY and soft < limit.least * limit.unit:
        said = limit.said.format(allowed=soft // limit.unit, least=limit.least)
        raise BrokerError(
            f"{said}: allow more (ulimit -{limit.option} {limit.asked}; in a container or a "
            f"service, its own setting for {limit.setting}), or use a Kafka that runs already "
            "with --bootstrap-servers HOST:PORT"
        )


def _lower(left: int, right: int, infinite: int) -> int:
    if infinite in {left, right}:
        return right if left == infinite else left
    return min(left, right)
