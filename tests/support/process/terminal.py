"""A command on a pseudo-terminal: what it draws, and how it leaves the terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import pytest
from support.waiting import PATIENCE

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-B0-2]|\x1b\][^\x07]*\x07")


def _open_pseudo_terminal() -> tuple[int, int]:
    try:
        return pty.openpty()
    except OSError as error:  # a bare root without /dev/pts
        pytest.skip(f"there are no pseudo-terminals here: {error}")


class Terminal:
    """Runs ``avatarrig`` on a terminal of its own, so that Ctrl-C works as it does for people."""

    def __init__(
        self,
        *arguments: str,
        columns: int = 120,
        rows: int = 40,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._master, self._slave = _open_pseudo_terminal()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(self._slave)
        inherited = {
            key: value
            for key, value in os.environ.items()
            if key not in {"COLUMNS", "LINES", "NO_COLOR"}
        }
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", sys.executable, "-m", "avatarrig", *arguments],
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            cwd=Path(__file__).parents[3],
            env={**inherited, "TERM": "xterm-256color", **(environment or {})},
        )
        self.output = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)
        os.close(self._slave)

    @property
    def settings(self) -> list[Any]:
        """How the terminal is set now."""
        return termios.tcgetattr(self._slave)

    @property
    def text(self) -> str:
        """What was written, without colours and movements."""
        return _CONTROL.sub("", self.output)

    def read(self, seconds: float = 0.1) -> None:
        """Takes in what was written."""
        while select.select([self._master], [], [], seconds)[0]:
            self.output += os.read(self._master, 1 << 16).decode(errors="replace")
            seconds = 0

    def wait_for(self, words: str) -> float:
        """Waits until words are written; returns the seconds since the start."""
        give_up = time.monotonic() + PATIENCE
        while words not in self.text:
            assert time.monotonic() < give_up, f"{words!r} never came: {self.text[-2000:]}"
            self.read()
        return time.monotonic() - self.started

    def type(self, keys: str) -> None:
        """Types on the keyboard."""
        os.write(self._master, keys.encode())

    def wait(self) -> int:
        """Waits for the end; returns the exit code."""
        give_up = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < give_up, f"it does not end: {self.text[-2000:]}"
            self.read()
        self.read()
        return self.process.returncode
