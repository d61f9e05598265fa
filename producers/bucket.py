"""Photos of an object store, found by listing it again and again."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from avatarrig.photos.capture import read_capture_time
from avatarrig.photos.named_people.written import NamedFace, people_in_photo
from avatarrig.photos.object_store import (
    StoreAwayError,
    StoreUrlError,
    from_store_url,
    open_store,
    reaching,
    to_store_url,
)
from avatarrig.photos.passed_over import (
    FileCounts,
    Passed,
    is_photo_name,
    junk_among,
    kind_of_file,
)
from avatarrig.photos.sizes import LARGEST_FILE
from avatarrig.photos.source import too_large
from avatarrig.wire.reasons import RejectReason
from producers.hashing import HEAD_BYTES, Looks, PhotoContent, read_stream
from producers.references import Photo
from producers.scan import DatasetError, Problem
from producers.settling import Stamp
from producers.source import Entry, SourceAwayError

_DOTS = {".", ".."}
"""Not hidden, as names that begin with a dot are, but no names at all."""

Answer = TypeVar("Answer")


class StoredPhoto(msgspec.Struct, frozen=True):
    """An object that goes by a photo's name.

    Attributes:
        problem: Why no reference can name it, None where nothing speaks against it.
    """

    name: str
    path: str
    problem: Problem | None = None

    @property
    def uri(self) -> str:
        """Where it lies."""
        return to_store_url(self.name)

    @property
    def printable_path(self) -> str:
        """The path; keys are text."""
        return self.path.encode("utf-8", "backslashreplace").decode()


class Bucket:
    """A bucket, or what is below a prefix of it.

    Objects appear whole, so that none has to be looked at twice.

    Args:
        url: ``s3://bucket/prefix``.
        looks: Looks at each photo that is read, where that is asked for.

    Raises:
        DatasetError: It is no such URL.
        SourceAwayError: The library for it is missing.
    """

    def __init__(self, url: str, looks: Looks | None = None) -> None:
        self._looks = looks
        try:
            self._root = from_store_url(url).rstrip("/")
            self._store = open_store()
        except StoreUrlError as error:
            raise DatasetError(f"{error}: write s3://BUCKET/PREFIX") from error
        except StoreAwayError as error:
            raise SourceAwayError(str(error)) from error

    @property
    def uri(self) -> str:
        """Where the store, or the prefix, lies."""
        return to_store_url(self._root)

    def check(self) -> None:
        """Lists the store, so that a mistake is told at once.

        Raises:
            DatasetError: There is no such bucket, or it may not be listed.
            SourceAwayError: It does not answer.
        """
        bucket = self._root.split("/")[0]
        self._ask(lambda: self._store.ls(bucket, detail=False), bucket)

    def scan(self, counts: FileCounts | None = None) -> Iterator[Entry]:
        """Lists every photo.

        Args:
            counts: Hears of everything, also of what is no photo.

        Raises:
            DatasetError: There is no such bucket, or it may not be listed.
            SourceAwayError: It does not answer.
        """
        found = self._ask(lambda: self._store.find(self._root, detail=True), self._root)
        for name, details in sorted(cast("dict[str, dict[str, Any]]", found).items()):
            # Not `relpath`, which takes "a/../b" for "b": to a store they are two objects.
            path = name.removeprefix(self._root).removeprefix("/") or posixpath.basename(name)
            *folders, last = path.split("/")
            junk = junk_among([each for each in folders if each not in _DOTS])
            if counts is not None:
                _count(counts, path, junk)
            if is_photo_name(last) and junk is None:
                photo = StoredPhoto(name, path, _problem_of(name, int(details["size"])))
                yield Entry(photo, _stamp(details), has_end=True, is_whole=True)

    def look(self, path: str) -> Entry | None:
        """Objects are whole, so none is ever looked at again."""
        del path
        return None

    def read(self, photo: Photo) -> PhotoContent:
        """Reads hash, size and capture time.

        Raises:
            OSError: It cannot be read.
            SourceAwayError: The store does not answer.
        """
        name = from_store_url(photo.uri)
        try:
            root = (self._store, self._root)
            with reaching(photo.uri, root=root), self._store.open(name, "rb") as stream:
                return read_stream(
                    stream,
                    partial(read_capture_time, name=name),
                    self._looks,
                    most=LARGEST_FILE,
                )
        except StoreAwayError as error:
            raise SourceAwayError(str(error)) from error

    def names(self, photo: Photo) -> Sequence[NamedFace]:
        """Reads whom the photo itself names; files beside it are not looked for in a store."""
        try:
            with reaching(photo.uri), self._store.open(from_store_url(photo.uri), "rb") as stream:
                return people_in_photo(stream.read(HEAD_BYTES))
        except OSError:
            return ()
        except StoreAwayError as error:
            raise SourceAwayError(str(error)) from error

    @property
    def identity(self) -> None:
        """A name means one bucket for good."""

    def events(self) -> AbstractContextManager[None]:
        """A store tells of nothing."""
        return nullcontext()

    def path_of(self, _: Path) -> None:
        """Objects are no files."""

    def _ask(self, ask: Callable[[], Answer], what: str) -> Answer:
        try:
            with reaching(to_store_url(what)):
                return ask()
        except StoreAwayError as error:
            raise SourceAwayError(str(error)) from error
        except FileNotFoundError as error:
            raise DatasetError(f"{to_store_url(what)} does not exist: check the name") from error
        except PermissionError as error:
            raise DatasetError(
                f"{to_store_url(what)} may not be listed: check AWS_ACCESS_KEY_ID and its rights"
            ) from error


def _count(counts: FileCounts, path: str, junk: str | None) -> None:
    name = path.rsplit("/", maxsplit=1)[-1]
    if junk is not None:
        if junk not in counts.folders:
            counts.passed_over(Passed.FOLDER, junk)
    elif is_photo_name(name):
        counts.found(path)
    elif name:  # otherwise it stands for a folder
        counts.passed_over(kind_of_file(name), name)


def _problem_of(name: str, size: int) -> Problem | None:
    """Tells whether an object can be a photo that a reference names."""
    if size > LARGEST_FILE:
        return Problem(RejectReason.TOO_LARGE, too_large(size, LARGEST_FILE))
    try:
        if from_store_url(to_store_url(name)) == name:
            return None
    except (StoreUrlError, UnicodeError):
        pass
    return Problem(
        "unsupported",
        "the object's key has a part '.' or '..', or a character that no URL can hold: copy the "
        "object to a plain name",
    )


def _stamp(details: dict[str, Any]) -> Stamp:
    changed = details.get("LastModified")
    at = changed.timestamp() if isinstance(changed, datetime) else 0.0
    return Stamp(int(details["size"]), at, str(details.get("ETag", "")))
