"""Modules of ours in processes of their own, which native code may crash, without credentials."""

from __future__ import annotations

import os
import re
import subprocess
import sys

_SECRET = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|_KEY|SASL", re.IGNORECASE)


def environment_without_secrets() -> dict[str, str]:
    """This process's environment without what looks like a credential."""
    return {name: value for name, value in os.environ.items() if not _SECRET.search(name)}


def _command(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-P", "-m", name, *arguments)


def start_module(name: str) -> subprocess.Popen[bytes]:
    """Starts a module that answers on its standard output what it is asked on its input."""
    return subprocess.Popen(  # noqa: S603 - our own module, by this interpreter
        _command(name),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment_without_secrets(),
    )


def run_module(
    name: str, *arguments: str, given: bytes = b"", seconds: float
) -> subprocess.CompletedProcess[bytes]:
    """Runs a module to its end.

    Args:
        given: Its standard input.

    Raises:
        TimeoutExpired: It took longer than that, and was killed.
    """
    return subprocess.run(  # noqa: S603 - our own module, by this interpreter
        _command(name, *arguments),
        input=given,
        capture_output=True,
        env=environment_without_secrets(),
        timeout=seconds,
        check=False,
    )
