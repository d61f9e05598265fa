"""Looks at photos in a process of its own: native code decodes there, without credentials."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from typing import TYPE_CHECKING, BinaryIO, Final, Self, cast

import msgspec
import structlog

from avatarrig.process.isolated import start_module
from avatarrig.wire.framing import GarbledError, read_framed, write_framed

if TYPE_CHECKING:
    from types import TracebackType

    from avatarrig.photos.looks.look import Look

_SECONDS: Final = 30.0
"""A photo that takes longer is one that nothing can be told of."""

_LONGEST: Final = 1 << 20
_GOODBYE_SECONDS: Final = 5.0
_log = structlog.get_logger(__name__)


class Looking:
    """Looks at photos, one at a time; a photo that ends the process is none to compare.

    The process starts with the first photo.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __call__(self, data: bytes) -> Look | None:
        """Looks at a photo.

        Args:
            data: The file's bytes.

        Returns:
            What was seen; None where it cannot be decoded.
        """
        from avatarrig.photos.looks.look import Look  # noqa: PLC0415 - needs OpenCV

        with self._lock:
            try:
                answer = self._asked(data)
                if answer is not None:
                    return msgspec.msgpack.decode(answer, type=Look | None)
            except (OSError, GarbledError, msgspec.MsgspecError) as error:
                _log.debug("nothing can be told of a photo's look", why=str(error))
            self._end()
            return None

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            self._end()

    def _asked(self, data: bytes) -> bytes | None:
        if self._process is None:
            self._process = start_module("avatarrig.photos.looks")
        process = self._process
        overdue = threading.Timer(_SECONDS, process.kill)
        overdue.start()
        try:
            write_framed(cast("BinaryIO", process.stdin), data)
            return read_framed(cast("BinaryIO", process.stdout), _LONGEST)
        finally:
            overdue.cancel()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):  # it waits for a disk
            process.wait(_GOODBYE_SECONDS)
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):  # unsent bytes for a process that is gone
                cast("BinaryIO", stream).close()
