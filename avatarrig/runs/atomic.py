"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

import msgspec

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class RunStorageError(OSError):
    """The run directory cannot take a file; nothing half-written is left behind."""


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a file under a temporary name and renames it.

    Args:
        path: Where the file shall be; its folder is made where it is missing.
        data: The whole content.

    Raises:
        RunStorageError: The disk is full, read-only or not permitted.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        # mkstemp makes files private; a run's files follow the user's umask instead.
        os.chmod(temporary, 0o666 & ~_umask())  # noqa: PTH101 - a name, not yet a path
        os.replace(temporary, path)  # noqa: PTH105 - the same
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise RunStorageError(error.errno, _advice(error), str(path)) from error


def write_json(path: Path, document: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Writes a document as indented JSON, atomically."""
    text = msgspec.json.format(msgspec.json.encode(document), indent=2)
    write_atomically(path, text + b"\n")


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current


def _advice(error: OSError) -> str:
    if error.errno in _NO_SPACE:
        return "no space left: free some and run the same command again, it resumes"
    return f"{error.strerror}: choose a folder that can be written with --out"
