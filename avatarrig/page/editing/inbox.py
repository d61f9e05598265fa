"""Taking photos into the watched folder: whole or not at all, once, over nobody else's file."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Final

import msgspec

from avatarrig.page.editing.names import UploadRefusedError
from avatarrig.photos.formats import sniff_format
from avatarrig.photos.passed_over import is_junk, is_photo_name

_UNFINISHED: Final = ".avatarrig-uploads"
"""Folder, hidden from those who look for photos, of what is on its way."""

_HEAD: Final = 1 << 20
_ABANDONED_SECONDS: Final = 86_400.0
_LEFT_FREE: Final = 256 << 20
"""Bytes that stay free on the disk."""

_LOOK_SECONDS: Final = 30.0
_MOST_NAMES: Final = 10_000
_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EACCES})


class Placed(msgspec.Struct, frozen=True):
    """Where a photo lies now.

    Attributes:
        path: Within the watched folder, POSIX separators.
        is_new: False where the same file lay there already.
    """

    path: str
    is_new: bool


class Inbox:
    """The watched folder, as far as photos are put into it.

    Args:
        people: Whether each first-level folder holds the photos of somebody else: what is there
            of one person is not there of another.
    """

    def __init__(self, root: Path, *, people: bool) -> None:
        self._root = root
        self._people = people
        self._lock = threading.Lock()
        self._by_size: dict[int, set[str]] = {}
        self._digests: dict[str, tuple[int, bytes]] = {}
        self._looked_at = float("-inf")

    @contextlib.contextmanager
    def arriving(self, size: int) -> Iterator[Arriving]:
        """Gives a file to write into, out of sight; what was not placed is deleted in the end.

        Args:
            size: Bytes that will come.

        Raises:
            UploadRefusedError: The folder is gone, cannot be written, or the disk is full.
        """
        with _told_in_words():
            folder = self._unfinished()
            if shutil.disk_usage(folder).free < size + _LEFT_FREE:
                raise UploadRefusedError("the disk is full: free some space, then try again", 507)
            file = folder / f"{secrets.token_hex(16)}.part"
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as opened:
                yield Arriving(file, opened)
        finally:
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # others are on their way
                folder.rmdir()

    def place(self, arrived: Arriving, path: PurePosixPath) -> Placed:
        """Puts a file that has come whole where those who look for photos find it.

        Args:
            path: Where to; a number is added where another file lies there.

        Raises:
            UploadRefusedError: It is no picture, or cannot be put there.
        """
        with _told_in_words():
            arrived.finish()
            if arrived.size == 0:
                raise UploadRefusedError("the file holds nothing")
            if sniff_format(arrived.head) is None:
                raise UploadRefusedError("no picture of a format that is read here")
            with self._lock:
                return self._place(arrived, path)

    def _place(self, arrived: Arriving, path: PurePosixPath) -> Placed:
        there = self._same(arrived, path)
        if there is not None:
            return Placed(there, is_new=False)
        folder = self._folder(path)
        for name in _names(path):
            target = folder / name
            if _took(arrived.file, target):
                relative = target.relative_to(self._root).as_posix()
                self._by_size.setdefault(arrived.size, set()).add(relative)
                return Placed(relative, is_new=True)
        raise UploadRefusedError("there are too many photos of that name", 409)

    def _same(self, arrived: Arriving, path: PurePosixPath) -> str | None:
        """Finds the same file among those that are there."""
        if time.monotonic() - self._looked_at > _LOOK_SECONDS:
            self._by_size = _sizes(self._root)
            self._looked_at = time.monotonic()
        for there in sorted(self._by_size.get(arrived.size, ())):
            if self._people and PurePosixPath(there).parts[0] != path.parts[0]:
                continue
            with contextlib.suppress(OSError):
                if self._digest(there) == arrived.digest:
                    return there
        return None

    def _digest(self, there: str) -> bytes:
        """SHA-256 of a file, read once as long as it does not change."""
        file = self._root / there
        changed = file.stat().st_mtime_ns
        known = self._digests.get(there)
        if known is None or known[0] != changed:
            with file.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").digest()
            known = self._digests[there] = (changed, digest)
        return known[1]

    def _folder(self, path: PurePosixPath) -> Path:
        """Makes the folders of a path; nothing is made behind a link."""
        folder = self._root
        for name in path.parts[:-1]:
            folder /= name
            if folder.is_symlink():
                raise UploadRefusedError("the folder of that name is a link to another", 409)
            folder.mkdir(exist_ok=True)
        return folder

    def _unfinished(self) -> Path:
        if not self._root.is_dir():
            raise UploadRefusedError("the watched folder is gone", 409)
        folder = self._root / _UNFINISHED
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink():
            raise UploadRefusedError(f"{_UNFINISHED} in the watched folder is a link", 409)
        for left in folder.iterdir():  # of a process that was killed
            with contextlib.suppress(OSError):
                if time.time() - left.lstat().st_mtime > _ABANDONED_SECONDS:
                    left.unlink()
        return folder


class Arriving:
    """A file on its way.

    Attributes:
        size: Bytes that have come.
        head: The first of them.
    """

    def __init__(self, file: Path, opened: IO[bytes]) -> None:
        self.file = file
        self.size = 0
        self.head = b""
        self._opened = opened
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Takes what has come."""
        with _told_in_words():
            self._opened.write(data)
        self._hash.update(data)
        self.size += len(data)
        if len(self.head) < _HEAD:
            self.head += data[: _HEAD - len(self.head)]

    def finish(self) -> None:
        """Has the disk hold all of it before anybody sees it."""
        self._opened.flush()
        os.fsync(self._opened.fileno())

    @property
    def digest(self) -> bytes:
        """SHA-256 of what has come."""
        return self._hash.digest()


def _names(path: PurePosixPath) -> Iterator[str]:
    yield path.name
    for number in range(2, _MOST_NAMES):
        yield f"{path.stem} ({number}){path.suffix}"


def _took(file: Path, target: Path) -> bool:
    """Gives a file its place, whole and at once; tells whether it was free."""
    try:
        os.link(file, target, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(target):  # such a disk knows one name a file
            return False
        file.rename(target)
    return True


def _sizes(root: Path) -> dict[int, set[str]]:
    sizes: dict[int, set[str]] = {}
    folders = [root]
    while folders:
        folder = folders.pop()
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if is_junk(entry.name, folder.name) or entry.is_symlink():
                    continue
                if entry.is_dir():
                    folders.append(Path(entry.path))
                elif is_photo_name(entry.name):
                    relative = Path(entry.path).relative_to(root).as_posix()
                    sizes.setdefault(entry.stat().st_size, set()).add(relative)
    return sizes


@contextlib.contextmanager
def _told_in_words() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            words = "the disk is full: free some space, then try again"
        else:
            words = f"it cannot be written: {error.strerror or error}"
        raise UploadRefusedError(words, 507) from error
