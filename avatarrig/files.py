"""Opening files in whose place anything may lie: a folder, a pipe, a device, far too much.

Whoever waits for a pipe or reads a device to its end waits for ever. All here raise `OSError` with
the file's name, and `IsADirectoryError` for whatever is no file.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MOST_BYTES: Final = 1 << 31
"""Of a file that is read whole: far more than a run of a million photos writes into one."""

NO_FILE: Final = "this is no file: a folder, pipe or device"

_READ: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_APPEND: Final = (
    os.O_WRONLY
    | os.O_APPEND
    | os.O_CREAT
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)
_MODE: Final = 0o666


@contextmanager
def opened(
    file: Path, *, follow: bool = True
) -> Iterator[tuple[io.BufferedReader, os.stat_result]]:
    """Opens a file for reading; also tells its status.

    Args:
        follow: Whether a link is followed.

    Raises:
        OSError: It cannot be opened, or is none.
    """
    descriptor = os.open(file, _READ | (0 if follow else getattr(os, "O_NOFOLLOW", 0)))
    with os.fdopen(_regular(descriptor, file), "rb") as stream:
        yield stream, os.fstat(descriptor)


def read_file(file: Path, most: int = MOST_BYTES) -> bytes:
    """Reads a file whole.

    Args:
        most: Bytes; what is larger is not read.

    Raises:
        OSError: It cannot be read, is none, or is larger.
    """
    with opened(file) as (stream, status):
        # What is said of its size need not be true of what it gives, as below /proc.
        data = stream.read(most + 1) if status.st_size <= most else b""
        if max(status.st_size, len(data)) > most:
            raise OSError(errno.EFBIG, f"it is larger than {most} bytes", str(file))
        return data


def told(file: Path, error: Exception) -> str:
    """Says that a file cannot be read, or what it holds not be understood."""
    if isinstance(error, OSError):
        return f"{file} cannot be read ({error.strerror})"
    return f"{file} is damaged ({error})"


def open_to_append(file: Path) -> io.BufferedWriter:
    """Opens a file to write at its end, and makes it where it is missing.

    Raises:
        OSError: It cannot be written, or is none.
    """
    make_way(file)
    return os.fdopen(_regular(os.open(file, _APPEND, _MODE), file), "ab")


def make_way(file: Path) -> None:
    """Removes what lies in a file's place and is none, where nothing is lost by that.

    Such as an empty folder, a pipe, or a link that leads nowhere; what cannot be removed is left.
    """
    with contextlib.suppress(OSError):
        mode = file.lstat().st_mode
        if stat.S_ISDIR(mode):
            file.rmdir()  # which fails where something is in it
        elif stat.S_ISLNK(mode):
            if not file.exists():
                file.unlink()
        elif not stat.S_ISREG(mode):
            file.unlink()


def _regular(descriptor: int, file: Path) -> int:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise IsADirectoryError(errno.EISDIR, NO_FILE, str(file))
    return descriptor
