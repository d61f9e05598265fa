"""Keeps child processes at work: starts them, restarts those that die, stops them in order.

The parent's half of `avatarrig.process.protocol`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Self, cast

import msgspec
import structlog

from avatarrig.errors import ExitCode
from avatarrig.files import open_to_append
from avatarrig.process.background import Background
from avatarrig.process.protocol import HOPELESS, Status
from avatarrig.process.sharing import part_environment

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 15.0
_LAST_SECONDS = 5.0
"""For the end of a child that was killed: one that waits for a disk cannot die."""
STEADY_SECONDS = 60.0
"""A child that has worked so long is well; what ends it then is news."""

MOST_FAILURES = 5
GIVE_UP_AFTER = 60.0
"""A part is given up after that many exits of its own in a row, and that many seconds."""

KILLED = frozenset(
    -number
    for number in (
        getattr(signal, name, None) for name in ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")
    )
    if number is not None
)
"""Ends that somebody else chose: they say nothing of the child."""

_log = structlog.get_logger(__name__)


class Child(msgspec.Struct, frozen=True):
    """A process to keep at work.

    Attributes:
        name: Unique among its supervisor's; names its log.
        module: What is run as ``python -P -m MODULE``.
        settings: First line it is given, as JSON.
    """

    name: str
    module: str
    settings: msgspec.Struct


class ChildState(msgspec.Struct, frozen=True, kw_only=True):
    """How one child is.

    Attributes:
        state: ``starting``, ``working``, ``waiting``, ``restarting``, ``stopped`` or ``failed``.
        pid: Its process; None while there is none.
        restarts: How often it was started anew.
        failures: Exits of its own in a row. Being killed is none, and a minute of work ends the
            row.
        failing_since: When the row began, on the monotonic clock; None while there is none.
        message: For a person; empty where there is nothing to say.
        ended_with: Exit status of the process before; None where there was none.
    """

    name: str
    state: str = "starting"
    pid: int | None = None
    ended_with: int | None = None
    restarts: int = 0
    failures: int = 0
    failing_since: float | None = None
    message: str = ""

    def is_given_up(self, now: float) -> bool:
        """Whether it ended by itself too often, and for too long, to be worth another start."""
        since = self.failing_since
        return self.failures >= MOST_FAILURES and since is not None and now - since >= GIVE_UP_AFTER


class Supervisor:
    """Starts children, restarts those that die, stops them in order.

    The children run in sessions of their own, so that Ctrl-C in a terminal reaches their owner
    alone. They end with their owner, also where that is killed.

    Args:
        log_directory: Where each child's log goes (``NAME.log``); None: stderr.
        metrics_directory: Where each child leaves its metrics for this process to serve; None
            where nobody asks for them.
        background: Owns the threads that look after the children.
        held: Whether children whose settings say that they are held back wait for `release`.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        log_directory: Path | None = None,
        metrics_directory: Path | None = None,
        background: Background | None = None,
        held: bool = False,
    ) -> None:
        if not children:
            raise ValueError("there is nothing to supervise")
        self._background = background or Background()
        self._slots = [_Slot(child, log_directory, metrics_directory) for child in children]
        if not held:
            self.release()

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
            slot.start(self._background)

    def release(self) -> None:
        """Has children that are held back begin, and those that are started from now on."""
        for slot in self._slots:
            slot.release()

    def forgive(self) -> None:
        """Has each child's row of exits begin anew with the next one: something else was why."""
        for slot in self._slots:
            slot.forgive()

    def ask_to_stop(self) -> None:
        """Has each child finish what it has in hand and end; `stop` waits for that."""
        for slot in self._slots:
            slot.ask_to_stop()

    def stop(self, seconds: float = 10.0) -> None:
        """Asks each child to stop and waits until all have ended, but for what cannot be ended.

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
        self._forgiven = threading.Event()
        self._released = self._knows_settings = False
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None

    def release(self) -> None:
        with self._lock:
            self._released = True
            if self._process is not None and self._knows_settings:
                self._say(self._process, b"")

    def forgive(self) -> None:
        self._forgiven.set()

    def start(self, background: Background) -> None:
        self._thread = background.start(self.state.name, self._run)

    def ask_to_stop(self) -> None:
        with self._lock:
            self._stopping.set()
            if self._process is not None:
                self._process.terminate()

    def join(self, give_up: float) -> None:
        if self._thread is None:
            return
        self._thread.join(max(0.0, give_up - time.monotonic()))
        with self._lock:
            if self._process is not None:
                self._process.kill()
        self._thread.join(_LAST_SECONDS)
        if self._thread.is_alive():
            _log.warning("a child cannot be ended before its disk answers", child=self.state.name)

    def _run(self) -> None:
        while not self._stopping.is_set():
            code = self._one_process()
            if self._stopping.is_set() or code in HOPELESS:
                self._note(state="stopped" if self._stopping.is_set() else "failed", pid=None)
                return
            pause = self._pause_after(self.state.failures)
            # What may be tried again, the child has told why it ended.
            say = _log.debug if code == ExitCode.TRY_AGAIN else _log.warning
            say("a child ended", child=self.state.name, status=code, pause=pause)
            self._note(state="restarting", pid=None, restarts=self.state.restarts + 1)
            self._stopping.wait(pause)
        self._note(state="stopped", pid=None)

    def _one_process(self) -> int | None:
        """Starts a process and follows it to its end; returns its exit status, None if none was."""
        try:
            process = self._launch()
        except OSError as error:  # no process, no memory, no file can be had now
            self._note(message=f"it cannot be started: {error}")
            self._count_exit(None, steady=False)
            return None
        if process is None:
            return None
        begun = time.monotonic()
        has_worked = self._listen(process)
        code = self._reap(process)
        self._note(ended_with=code)
        self._count_exit(code, steady=has_worked and time.monotonic() - begun >= STEADY_SECONDS)
        return code

    def _count_exit(self, code: int | None, *, steady: bool) -> None:
        if steady or self._forgiven.is_set():
            self._forgiven.clear()
            self._note(failures=0, failing_since=None)
        if code is None or code not in KILLED:
            since = self.state.failing_since
            self._note(
                failures=self.state.failures + 1,
                failing_since=time.monotonic() if since is None else since,
            )

    @staticmethod
    def _pause_after(failures: int) -> float:
        return float(min(_FIRST_PAUSE * 2 ** min(failures, 20), _LONGEST_PAUSE))

    def _launch(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._stopping.is_set():
                return None
            with self._open_log() as log:
                process = subprocess.Popen(  # noqa: S603 - our own module, by this interpreter
                    # Never from the working directory, in which anything may lie.
                    (sys.executable, "-P", "-m", self._child.module),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env=self._environment,
                    start_new_session=True,
                )
            self._process = process
            self._knows_settings = False
        self._note(state="starting", pid=process.pid)
        self._say(process, msgspec.json.encode(self._child.settings))
        with self._lock:
            self._knows_settings = True
            if self._released:
                self._say(process, b"")
        return process

    def _say(self, process: subprocess.Popen[bytes], line: bytes) -> None:
        """Writes a line to a child: first its settings, then an empty one to have it begin."""
        try:
            stdin = cast("IO[bytes]", process.stdin)
            stdin.write(line + b"\n")
            stdin.flush()
        except (OSError, ValueError):  # it died at once; its exit status tells more
            _log.warning("a child died at its start", child=self.state.name)

    def _open_log(self) -> IO[bytes]:
        if self._log_directory is None:
            return open(2, "ab", closefd=False)
        try:
            self._log_directory.mkdir(parents=True, exist_ok=True)
            return open_to_append(self._log_directory / f"{self.state.name}.log")
        except OSError as error:  # work goes on without its log
            _log.warning("no log can be kept", child=self.state.name, why=str(error))
            return Path(os.devnull).open("ab")

    def _listen(self, process: subprocess.Popen[bytes]) -> bool:
        """Follows a child's states until it ends; tells whether it came to work."""
        has_worked = False
        for line in cast("IO[bytes]", process.stdout):
            try:
                status = msgspec.json.decode(line, type=Status)
            except (msgspec.MsgspecError, ValueError):
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
                with contextlib.suppress(OSError):  # settings that a dead child never read
                    stream.close()
        return code

    def _note(self, **changes: object) -> None:
        self.state = msgspec.structs.replace(self.state, **changes)
