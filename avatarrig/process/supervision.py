"""Keeps child processes at work: starts them, restarts those that die, stops them in order.

A child is one of our own modules. It reads its settings as one line of JSON from standard
input, which stays open: when it closes, the parent is gone. It writes a `Status` a line to
standard output and ends with an `ExitCode`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import IO, Self, cast

import msgspec
import structlog

from avatarrig.process.sharing import part_environment

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 15.0
_log = structlog.get_logger(__name__)


class ExitCode(IntEnum):
    """How a child ends; numbers as in BSD's sysexits.h."""

    DONE = 0
    FAILED = 1
    CANNOT_WRITE = 73
    TRY_AGAIN = 75
    UNUSABLE = 78


HOPELESS = frozenset({ExitCode.CANNOT_WRITE, ExitCode.UNUSABLE})
"""Ends that a restart cannot mend: a person has to do something first."""


class Status(msgspec.Struct, frozen=True):
    """A line that a child writes to its standard output.

    Attributes:
        state: ``starting``, ``working``, ``waiting`` (for storage or the broker), ``stopped``
            or ``failed``.
        message: For a person; empty where there is nothing to say.
    """

    state: str
    message: str = ""


class Child(msgspec.Struct, frozen=True):
    """A process to keep at work.

    Attributes:
        name: Unique among its supervisor's; names its log.
        module: What is run as ``python -m MODULE``.
        settings: First line it is given, as JSON.
    """

    name: str
    module: str
    settings: msgspec.Struct


class ChildState(msgspec.Struct, frozen=True, kw_only=True):
    """How one child is.

    Attributes:
        name: Its name.
        state: ``starting``, ``working``, ``waiting``, ``restarting``, ``stopped`` or ``failed``.
        pid: Its process; None while there is none.
        restarts: How often it was started anew.
        failures: How often in a row it ended without having come to work.
        message: For a person; empty where there is nothing to say.
    """

    name: str
    state: str = "starting"
    pid: int | None = None
    restarts: int = 0
    failures: int = 0
    message: str = ""

    @property
    def is_alive(self) -> bool:
        """Whether there is a process that works, or soon will."""
        return self.pid is not None and self.state in {"starting", "working", "waiting"}


class Supervisor:
    """Starts children, restarts those that die, stops them in order.

    The children run in sessions of their own, so that Ctrl-C in a terminal reaches their owner
    alone. They end with their owner, also where that is killed.

    Args:
        children: What to keep at work.
        log_directory: Where each child's log goes (``NAME.log``); None: stderr.
        metrics_directory: Where each child leaves its metrics for this process to serve; None
            where nobody asks for them.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        log_directory: Path | None = None,
        metrics_directory: Path | None = None,
    ) -> None:
        if not children:
            raise ValueError("there is nothing to supervise")
        self._slots = [_Slot(child, log_directory, metrics_directory) for child in children]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def states(self) -> tuple[ChildState, ...]:
        """How each child is, in the order given."""
        return tuple(slot.state for slot in self._slots)

    @property
    def failure(self) -> str | None:
        """What a person has to do before a child can work. None while all can."""
        return next((s.message for s in self.states if s.state == "failed" and s.pid is None), None)

    def start(self) -> None:
        """Starts the children and returns; `states` tells how they come along."""
        for slot in self._slots:
            slot.start()

    def ask_to_stop(self) -> None:
        """Has each child finish what it has in hand and end; `stop` waits for that."""
        for slot in self._slots:
            slot.ask_to_stop()

    def stop(self, seconds: float = 10.0) -> None:
        """Asks each child to stop and waits until all have ended.

        Args:
            seconds: After that, the ones that are left are killed; what they had not
                committed will be done again.
        """
        self.ask_to_stop()
        give_up = time.monotonic() + seconds
        for slot in self._slots:
            slot.join(give_up)


class _Slot:
    """One child's place: a thread that starts its process as often as needed."""

    def __init__(
        self, child: Child, log_directory: Path | None, metrics_directory: Path | None
    ) -> None:
        self.state = ChildState(name=child.name)
        self._child = child
        self._log_directory = log_directory
        self._environment = None
        if metrics_directory is not None:
            self._environment = os.environ | part_environment(metrics_directory, child.name)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name=child.name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask_to_stop(self) -> None:
        with self._lock:
            self._stopping.set()
            if self._process is not None:
                self._process.terminate()

    def join(self, give_up: float) -> None:
        if self._thread.ident is None:
            return
        self._thread.join(max(0.0, give_up - time.monotonic()))
        with self._lock:
            if self._process is not None:
                self._process.kill()
        self._thread.join()

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while (process := self._launch()) is not None:
            has_worked = self._listen(process)
            code = self._reap(process)
            if self._stopping.is_set() or code in HOPELESS:
                self._note(state="stopped" if self._stopping.is_set() else "failed", pid=None)
                return
            pause = _FIRST_PAUSE if has_worked else min(2 * pause, _LONGEST_PAUSE)
            _log.warning("a child ended", child=self.state.name, status=code, pause=pause)
            self._note(
                state="restarting",
                pid=None,
                restarts=self.state.restarts + 1,
                failures=0 if has_worked else self.state.failures + 1,
            )
            self._stopping.wait(pause)
        self._note(state="stopped", pid=None)

    def _launch(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._stopping.is_set():
                return None
            with self._open_log() as log:
                process = subprocess.Popen(  # noqa: S603 - our own module, by this interpreter
                    (sys.executable, "-m", self._child.module),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env=self._environment,
                    start_new_session=True,
                )
            self._process = process
        self._note(state="starting", pid=process.pid)
        try:
            stdin = cast("IO[bytes]", process.stdin)
            stdin.write(msgspec.json.encode(self._child.settings) + b"\n")
            stdin.flush()
        except OSError:  # it died at once; its exit status tells more
            _log.warning("a child died at its start", child=self.state.name)
        return process

    def _open_log(self) -> IO[bytes]:
        if self._log_directory is None:
            return open(2, "ab", closefd=False)
        self._log_directory.mkdir(parents=True, exist_ok=True)
        return (self._log_directory / f"{self.state.name}.log").open("ab")

    def _listen(self, process: subprocess.Popen[bytes]) -> bool:
        """Follows a child's states until it ends; tells whether it came to work."""
        has_worked = False
        for line in cast("IO[bytes]", process.stdout):
            try:
                status = msgspec.json.decode(line, type=Status)
            except msgspec.MsgspecError:
                _log.warning("a child said", child=self.state.name, line=line[:200])
                continue
            has_worked |= status.state == "working"
            self._note(state=status.state, message=status.message)
        return has_worked

    def _reap(self, process: subprocess.Popen[bytes]) -> int:
        code = process.wait()
        with self._lock:
            self._process = None
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        return code

    def _note(self, **changes: object) -> None:
        self.state = msgspec.structs.replace(self.state, **changes)
