"""A run's files in an object store: the same names below a URL as in a run directory."""

from __future__ import annotations

import posixpath
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from avatarrig.photos.object_store import has_folders, open_store_at, reaching
from avatarrig.runs.atomic import RunStorageError
from avatarrig.runs.layout import ESTIMATE, OBSERVATIONS, SUBJECTS

_MARK = ".avatarrig"
_MARK_TEXT = b"Files that avatarrig detect --out writes lie here.\n"


class RunStore:
    """Writes a run's files to a store, and takes them away.

    A file appears whole or not at all: that is how object stores are, and elsewhere it is renamed
    when it is whole.

    Args:
        url: ``s3://bucket/prefix``, or another store's that fsspec knows.

    Raises:
        StoreUrlError: It names no store.
        StoreAwayError: The library for it is not installed.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._has_folders = has_folders(url)
        self._store, self._root = open_store_at(url)

    def check(self) -> None:
        """Writes a mark, so that a mistake is told before the first photo.

        Raises:
            RunStorageError: There is no such bucket, or it may not be written.
        """
        self.write({_MARK: _MARK_TEXT})

    def write(self, files: Mapping[str, bytes]) -> None:
        """Writes files one after the other, in the order given.

        Args:
            files: Path below the URL to content.

        Raises:
            RunStorageError: There is no such bucket, or it may not be written.
        """
        for path, data in files.items():
            with self._reaching(path):
                self._write(self._named(path), data)

    def observations(self) -> Iterator[tuple[str, bytes]]:
        """Reads every observation.

        Yields:
            Path below the URL, and content.

        Raises:
            RunStorageError: It may not be read.
        """
        yield from self._documents(OBSERVATIONS)

    def estimates(self) -> Iterator[tuple[str, bytes]]:
        """Reads every estimate.

        Yields:
            Path below the URL, and content.

        Raises:
            RunStorageError: It may not be read.
        """
        if self._holds(ESTIMATE):
            with self._reaching(ESTIMATE):
                yield ESTIMATE, self._store.cat_file(self._named(ESTIMATE))
        yield from self._documents(SUBJECTS)

    def remove(self, paths: Iterable[str]) -> int:
        """Removes those files that are there.

        Returns:
            How many there were.

        Raises:
            RunStorageError: They may not be removed.
        """
        wanted = set(paths)
        beside = [path for path in sorted(wanted) if not posixpath.dirname(path)]
        there = [path for path in beside if self._holds(path)]
        for folder in sorted({posixpath.dirname(path) for path in wanted.difference(beside)}):
            there += [path for path in self._listed(folder) if path in wanted]
        for path in there:
            with self._reaching(path):
                self._store.rm_file(self._named(path))
        return len(there)

    def _holds(self, path: str) -> bool:
        with self._reaching(path):
            return bool(self._store.exists(self._named(path)))

    def _documents(self, folder: str) -> Iterator[tuple[str, bytes]]:
        for path in self._listed(folder):
            if path.endswith(".json"):
                with self._reaching(path):
                    yield path, self._store.cat_file(self._named(path))

    def _write(self, name: str, data: bytes) -> None:
        if not self._has_folders:
            self._store.pipe_file(name, data)
            return
        folder, last = posixpath.split(name)
        unfinished = f"{folder}/.{last}.{secrets.token_hex(4)}.part"
        self._store.makedirs(folder, exist_ok=True)
        self._store.pipe_file(unfinished, data)
        self._store.mv(unfinished, name)

    def _listed(self, folder: str) -> list[str]:
        with self._reaching(folder):
            found: list[str] = self._store.find(self._named(folder))
        return sorted(posixpath.relpath(name, self._root) for name in found)

    def _named(self, path: str) -> str:
        return f"{self._root}/{path}"

    @contextmanager
    def _reaching(self, path: str) -> Iterator[None]:
        where = f"{self._url}/{path}"
        try:
            with reaching(where):
                yield
        except FileNotFoundError as error:
            raise _refused(error, "there is no such bucket: make it first", where) from error
        except PermissionError as error:
            raise _refused(error, "refused: check credentials and rights", where) from error


def _refused(error: OSError, advice: str, where: str) -> RunStorageError:
    return RunStorageError(error.errno, advice, where)
