"""Where photos come from: a folder of this machine. What the watcher needs to know of it."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import msgspec

from avatarrig.errors import AvatarRigError
from avatarrig.photos.named_people.written import NamedFace
from avatarrig.photos.passed_over import FileCounts, is_photo_name, junk_among
from avatarrig.photos.uri import to_file_uri
from producers.content import read_found, wanted_suffixes
from producers.events import FolderEvents
from producers.hashing import Looks, PhotoContent
from producers.naming import Beside, people_named
from producers.references import Photo
from producers.scan import FoundPhoto, look_at, problem_of, scan
from producers.settling import Stamp, has_end, is_temporary

_END_BYTES = 32


class SourceAwayError(AvatarRigError, RuntimeError):
    """The folder, or the store, does not answer; the message is for a person."""


class Entry(msgspec.Struct, frozen=True):
    """A photo as it was found at a look.

    Attributes:
        has_end: Whether it ends as its format does.
        is_whole: Whether the storage shows whole photos only.
    """

    photo: Photo
    stamp: Stamp
    has_end: bool
    is_whole: bool = False


class Source(Protocol):
    """Something that photos are found in."""

    @property
    def uri(self) -> str:
        """Where it lies: what the URIs of its photos begin with."""

    def check(self) -> None:
        """Raises DatasetError or SourceAwayError where there is nothing to look at."""

    def scan(self, counts: FileCounts | None = None) -> Iterator[Entry]:
        """Looks at every photo; raises SourceAwayError where it does not answer.

        Args:
            counts: Hears of everything, also of what is no photo.
        """

    def look(self, path: str) -> Entry | None:
        """Looks at what was found at a path within the dataset; None where nothing is any more."""

    def read(self, photo: Photo) -> PhotoContent:
        """Reads hash, size and capture time; raises OSError."""

    def names(self, photo: Photo) -> Sequence[NamedFace]:
        """Reads whom the photo's files name."""

    @property
    def identity(self) -> tuple[int, int] | None:
        """Tells the place from another one that took its name; None where nothing tells it."""

    def events(self) -> AbstractContextManager[FolderEvents | None]:
        """What tells of changes at once; None where nothing does."""

    def path_of(self, file: Path) -> str | None:
        """Path within the dataset of a file that an event names; None where it is no photo's."""


class LocalFolder:
    """A folder and what is below it.

    Args:
        leave_out: Folders within it that are not looked into.
        clips: Whether clips are looked into.
        looks: Looks at each photo that is read, where that is asked for.
        names: Whether a photo is another one when a file beside it says who is in it.
    """

    def __init__(
        self,
        folder: Path,
        leave_out: Sequence[Path] = (),
        *,
        clips: bool = False,
        looks: Looks | None = None,
        names: bool = False,
    ) -> None:
        self.folder = folder
        self._root = folder.absolute()
        self._leave_out = tuple(leave_out)
        self._suffixes = wanted_suffixes(clips=clips)
        self._looks = looks
        self._beside = Beside() if names else None

    @property
    def uri(self) -> str:
        """Where the folder lies, without links."""
        return to_file_uri(self._root.resolve())

    @property
    def identity(self) -> tuple[int, int] | None:
        """Tells the folder from another one that took its place; None while there is none."""
        try:
            status = self._root.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def events(self) -> FolderEvents:
        """What the file system tells of changes."""
        return FolderEvents(self.folder)

    def check(self) -> None:
        """Looks whether the folder is there.

        Raises:
            DatasetError: It is missing, no folder, or may not be listed.
        """
        next(scan(self._root, leave_out=self._leave_out), None)

    def scan(self, counts: FileCounts | None = None) -> Iterator[Entry]:
        """Looks at every photo.

        Args:
            counts: Hears of everything, also of what is no photo.

        Raises:
            DatasetError: The folder is away.
        """
        for photo in scan(
            self._root, leave_out=self._leave_out, counts=counts, suffixes=self._suffixes
        ):
            if not is_temporary(photo.path):
                yield self._entry(photo)

    def look(self, path: str) -> Entry | None:
        """Looks at a photo, or at a folder that could not be listed, by its path within it."""
        root = self._root.resolve()
        file = root / path
        if any(file.is_relative_to(out) for out in self._left_out()):
            return None
        if not os.path.lexists(file):
            return None
        photo = look_at(file, root, self._suffixes)
        return None if photo is None else self._entry(photo)

    def path_of(self, file: Path) -> str | None:
        """Path within the dataset of a file that changed; None where it is no photo's."""
        try:
            path = file.relative_to(self._root.resolve()).as_posix()
        except ValueError:
            return None
        return path if self._is_candidate(path) else None

    def read(self, photo: Photo) -> PhotoContent:
        """Reads hash, size and capture time. Raises OSError: It cannot be read."""
        if not isinstance(photo, FoundPhoto):
            raise TypeError(f"{photo.uri} lies in no folder")
        return read_found(photo, self._looks)

    def names(self, photo: Photo) -> Sequence[NamedFace]:
        """Reads whom the photo's files name."""
        return people_named(photo.file) if isinstance(photo, FoundPhoto) else ()

    def _entry(self, photo: FoundPhoto) -> Entry:
        entry = _entry(photo)
        if self._beside is None or entry.photo.problem is not None:
            return entry
        return msgspec.structs.replace(
            entry, stamp=_with_files_beside(entry.stamp, photo.file, self._beside)
        )

    def _left_out(self) -> list[Path]:
        return [folder.resolve() for folder in self._leave_out]

    def _is_candidate(self, path: str) -> bool:
        *folders, name = path.split("/")
        return (
            is_photo_name(name, self._suffixes)
            and not is_temporary(name)
            and junk_among(folders) is None
        )


def _entry(photo: FoundPhoto) -> Entry:
    if photo.problem is not None:
        # It may be a matter of a moment, as with permissions that are set after a copy.
        return Entry(photo, Stamp(0, math.inf, photo.problem.reason), has_end=False)
    try:
        status = photo.file.stat()
        ends = _ends(photo.file, status.st_size)
    except OSError as error:
        problem = problem_of(error)
        unread = msgspec.structs.replace(photo, problem=problem)
        return Entry(unread, Stamp(0, math.inf, problem.reason), has_end=False)
    changed_at = max(status.st_mtime, status.st_ctime)
    version = f"{status.st_ino}.{status.st_mtime_ns}"
    return Entry(photo, Stamp(status.st_size, changed_at, version), has_end=ends)


def _with_files_beside(stamp: Stamp, photo: Path, beside: Beside) -> Stamp:
    """A photo's stamp, by which changes of the files are noticed as well that name people in it."""
    with contextlib.suppress(OSError):
        for file in beside.files(photo):
            with contextlib.suppress(OSError):
                status = file.stat()
                changed_at = max(stamp.changed_at, status.st_mtime, status.st_ctime)
                version = f"{stamp.version} {status.st_size}.{status.st_mtime_ns}"
                stamp = Stamp(stamp.size, changed_at, version)
    return stamp


def _ends(file: Path, size: int) -> bool:
    descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb", buffering=0) as stream:
        head = stream.read(_END_BYTES)
        stream.seek(max(0, size - _END_BYTES))
        return has_end(head, stream.read(_END_BYTES), size)
