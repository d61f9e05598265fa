"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import secrets
from pathlib import Path

import msgspec

from avatarrig.errors import AvatarRigError
from avatarrig.files import make_way

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_IN_THE_WAY = {errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY}


class RunStorageError(AvatarRigError, OSError):
    """The run directory cannot take a file; nothing half-written is left behind."""

    @property
    def message(self) -> str:
        """The file, and what is wrong with it."""
        return f"{self.filename}: {self.strerror}"


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a file under a temporary name and renames it, over an empty folder as over a file.

    Args:
        path: Where the file shall be; its folder is made where it is missing.

    Raises:
        RunStorageError: The disk is full, read-only or not permitted.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        make_way(path)
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):  # where no file could be made, none is left
            temporary.unlink()
        raise refused(error, path) from error


def refused(error: OSError, path: Path) -> RunStorageError:
    """Says of a file system's error what to do about it."""
    return RunStorageError(error.errno, _advice(error), str(path))


def make_folder(path: Path) -> None:
    """Makes a folder of a run where it is missing.

    Raises:
        RunStorageError: The disk is full, read-only or not permitted, or a file is in its place.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refused(error, path) from error


def remove_unfinished(folder: Path) -> None:
    """Removes what writers that were killed have left; none may be at work."""
    for left in folder.glob(".*.part"):
        with contextlib.suppress(OSError):  # it is in nobody's way
            left.unlink()


def write_json(path: Path, document: object) -> None:
    """Writes a document as indented JSON, atomically."""
    text = msgspec.json.format(msgspec.json.encode(document), indent=2)
    write_atomically(path, text + b"\n")


def _advice(error: OSError) -> str:
    if error.errno in _NO_SPACE:
        return "no space left: free some and run the same command again, it resumes"
    if error.errno in _IN_THE_WAY:
        return f"{error.strerror}: move away what is in its place, or choose another --out"
    return f"{error.strerror}: choose a folder that can be written with --out"
