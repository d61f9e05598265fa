"""Keeps a number of detector replicas at work."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Self, cast

import msgspec
import structlog

from processors.settings import HOPELESS, ReplicaSettings, Status

_COMMAND = (sys.executable, "-P", "-m", "processors")
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 15.0
_log = structlog.get_logger(__name__)


class ReplicaState(msgspec.Struct, frozen=True, kw_only=True):
    """How one replica is.

    Attributes:
        slot: Its number.
        state: ``starting``, ``working``, ``waiting``, ``restarting``, ``stopped`` or ``failed``.
        pid: Its process; None while there is none.
        restarts: How often it was started anew.
        message: For a person; empty where there is nothing to say.
    """

    slot: int
    state: str = "starting"
    pid: int | None = None
    restarts: int = 0
    message: str = ""

    @property
    def is_alive(self) -> bool:
        """Whether there is a process that works, or soon will."""
        return self.pid is not None and self.state in {"starting", "working", "waiting"}


class Supervisor:
    """Starts replicas, restarts those that die, stops them in order.

    The replicas run in sessions of their own, so that Ctrl-C in a terminal reaches their owner
    alone. They end with their owner, also where that is killed.

    Args:
        settings: For each replica; the slot is filled in.
        replicas: How many.
        log_directory: Where each replica's log goes (``detector-0.log``, …); None: stderr.
    """

    def __init__(
        self, settings: ReplicaSettings, replicas: int, *, log_directory: Path | None = None
    ) -> None:
        if replicas < 1:
            raise ValueError(f"{replicas} replicas: at least 1 is needed")
        self._slots = [
            _Slot(msgspec.structs.replace(settings, slot=slot), log_directory)
            for slot in range(replicas)
        ]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def states(self) -> tuple[ReplicaState, ...]:
        """How each replica is, by slot."""
        return tuple(slot.state for slot in self._slots)

    @property
    def failure(self) -> str | None:
        """Why a replica gave up for good: a person has to do something. None while all go on."""
        failed = (s for s in self.states if s.state == "failed" and s.pid is None)
        return next((state.message for state in failed), None)

    def start(self) -> None:
        """Starts the replicas and returns; `states` tells how they come along."""
        for slot in self._slots:
            slot.start()

    def stop(self, seconds: float = 10.0) -> None:
        """Has each replica finish the photo in hand and commit.

        Args:
            seconds: After that, the ones that are left are killed; what they had not
                committed will be detected again.
        """
        for slot in self._slots:
            slot.ask_to_stop()
        give_up = time.monotonic() + seconds
        for slot in self._slots:
            slot.join(give_up)


class _Slot:
    """One replica's place: a thread that starts its process as often as needed."""

    def __init__(self, settings: ReplicaSettings, log_directory: Path | None) -> None:
        self.state = ReplicaState(slot=settings.slot)
        self._settings = settings
        self._log_directory = log_directory
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(
            target=self._run, name=f"replica-{settings.slot}", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def ask_to_stop(self) -> None:
        with self._lock:
            self._stopping.set()
            if self._process is not None:
                self._process.terminate()

    def join(self, give_up: float) -> None:
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
            _log.warning("a replica ended", slot=self.state.slot, status=code, pause=pause)
            self._note(state="restarting", pid=None, restarts=self.state.restarts + 1)
            self._stopping.wait(pause)
        self._note(state="stopped", pid=None)

    def _launch(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._stopping.is_set():
                return None
            with self._open_log() as log:
                process = subprocess.Popen(  # noqa: S603 - our own module, by this interpreter
                    _COMMAND,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    start_new_session=True,
                )
            self._process = process
        self._note(state="starting", pid=process.pid)
        try:
            stdin = cast("IO[bytes]", process.stdin)
            stdin.write(msgspec.json.encode(self._settings) + b"\n")
            stdin.flush()
        except OSError:  # it died at once; its exit status tells more
            _log.warning("a replica died at its start", slot=self.state.slot)
        return process

    def _open_log(self) -> IO[bytes]:
        if self._log_directory is None:
            return open(2, "ab", closefd=False)
        self._log_directory.mkdir(parents=True, exist_ok=True)
        return (self._log_directory / f"detector-{self.state.slot}.log").open("ab")

    def _listen(self, process: subprocess.Popen[bytes]) -> bool:
        """Follows a replica's states until it ends; tells whether it came to work."""
        has_worked = False
        for line in cast("IO[bytes]", process.stdout):
            try:
                status = msgspec.json.decode(line, type=Status)
            except msgspec.MsgspecError:
                _log.warning("a replica said", slot=self.state.slot, line=line[:200])
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
