"""One run of the detector process, seen from its parent: pipes, and how it ended."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from typing import IO, BinaryIO, cast

import msgspec

from avatarrig.process.isolated import environment_without_secrets
from avatarrig.process.supervision import KILLED
from avatarrig.wire.framing import GarbledError
from processors.sandbox.messages import Answer, parse_answer, read_frame, write_frame

_COMMAND = (sys.executable, "-P", "-m", "processors.sandbox.process")
_TAIL_BYTES = 8192
_GOODBYE_SECONDS = 5.0


class Ended(msgspec.Struct, frozen=True):
    """The process is gone.

    Attributes:
        status: Exit status; negative: the signal that killed it.
        garbled: It wrote something that is no message, and was killed for it.
        tail: The last of what it and its native libraries wrote to stderr.
    """

    status: int
    garbled: bool
    tail: str

    @property
    def by_signal(self) -> bool:
        """Whether native code brought it down, rather than Python."""
        return self.status < 0 or self.garbled

    @property
    def was_killed(self) -> bool:
        """Whether somebody else ended it: that says nothing of how it starts."""
        return self.status in KILLED and not self.garbled

    def __str__(self) -> str:
        if self.garbled:
            return "its memory was damaged"
        if self.status >= 0:
            return f"exit status {self.status}"
        try:
            name = signal.Signals(-self.status).name
        except ValueError:
            return f"signal {-self.status}"
        return f"{name}, {signal.strsignal(-self.status) or 'a signal'}"


class ChildProcess:
    """A detector process and the threads that listen to it.

    It must be made on a thread that lives as long as the process shall.

    Args:
        settings: First message to it.
    """

    def __init__(self, settings: msgspec.Struct) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own module, by this interpreter
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment_without_secrets(),
        )
        self._tail = bytearray()
        self.events: queue.SimpleQueue[Answer | Ended] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._drain = threading.Thread(target=self._keep_tail, daemon=True)
        self._listener.start()
        self._drain.start()
        self.send(settings)

    @property
    def pid(self) -> int:
        """Process identifier."""
        return self._process.pid

    def send(self, message: msgspec.Struct) -> None:
        """Writes a message; where the process is gone, its `Ended` tells."""
        try:
            write_frame(cast("BinaryIO", self._process.stdin), message)
        except OSError:
            return

    def kill(self) -> None:
        """Ends the process now and waits for it."""
        self._process.kill()
        self._finish()

    def close(self) -> None:
        """Has the process end by itself, killing it where it takes long."""
        _close(self._process.stdin)
        try:
            self._process.wait(_GOODBYE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._finish()

    def _finish(self) -> None:
        try:
            self._process.wait(_GOODBYE_SECONDS)
        except subprocess.TimeoutExpired:
            return  # it waits for a disk and cannot die before that answers
        self._listener.join(_GOODBYE_SECONDS)
        _close(self._process.stdin)

    def _listen(self) -> None:
        garbled = False
        with cast("BinaryIO", self._process.stdout) as stream:
            try:
                while (frame := read_frame(stream)) is not None:
                    self.events.put(parse_answer(frame))
            except GarbledError:
                garbled = True
                self._process.kill()
        status = self._process.wait()
        self._drain.join(_GOODBYE_SECONDS)
        tail = bytes(self._tail).decode("utf-8", "replace")
        self.events.put(Ended(status, garbled, tail))

    def _keep_tail(self) -> None:
        with cast("BinaryIO", self._process.stderr) as stream:
            while chunk := os.read(stream.fileno(), _TAIL_BYTES):
                self._tail += chunk
                del self._tail[:-_TAIL_BYTES]


def _close(stream: IO[bytes] | None) -> None:
    try:
        if stream is not None:
            stream.close()
    except OSError:  # unsent bytes for a process that is gone
        return
