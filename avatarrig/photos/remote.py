"""Photos of an object store, fetched for the detector process.

That process decodes what strangers made and may be taken over, so it holds no credentials: this
one fetches the photo into a folder, and tells the detector process the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from avatarrig.photos.object_store import (
    StoreAwayError,
    StoreUrlError,
    from_store_url,
    is_store_url,
    open_store,
    reaching,
)
from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.photos.source import StorageUnreachableError, check_content, refuse_size
from avatarrig.photos.uri import to_file_uri
from avatarrig.wire import PhotoReference
from avatarrig.wire.reasons import RejectReason

FETCHES = 3
"""Photos fetched at once by a replica."""

_Key = tuple[str, str]


class RemotePhotos:
    """Fetches photos and keeps them until they are not needed any more.

    Args:
        roots: URLs below which photos may lie; none refuses every store.
        max_bytes: Larger objects are refused unread.
        folder: Where fetched photos are put.
    """

    def __init__(self, roots: Sequence[str], max_bytes: int, folder: Path) -> None:
        self._roots = [from_store_url(root).rstrip("/") for root in roots]
        self._max_bytes = max_bytes
        self._folder = folder
        self._store: Any = open_store() if self._roots else None
        self._pool = ThreadPoolExecutor(FETCHES, thread_name_prefix="fetch")
        self._fetches: dict[_Key, Future[Path]] = {}
        self._last_number = 0

    def locally(self, reference: PhotoReference) -> PhotoReference | None:
        """Gives the reference by which the detector process finds a photo.

        Returns:
            Itself where the photo needs no fetching; None while it is on its way.

        Raises:
            PhotoRefusedError: It can never be read: outside the roots, missing, changed, …
            StorageUnreachableError: The store does not answer; try again later.
        """
        if not is_store_url(reference.uri):
            return reference
        key = _key(reference)
        if key not in self._fetches:
            name = self._within_roots(reference.uri)
            self._last_number += 1
            file = self._folder / f"{self._last_number}.photo"
            self._fetches[key] = self._pool.submit(self._fetch, name, reference, file)
        fetch = self._fetches[key]
        if not fetch.done():
            return None
        if fetch.exception() is not None:
            del self._fetches[key]
        return msgspec.structs.replace(reference, uri=to_file_uri(fetch.result()))

    def keep_only(self, references: Iterable[PhotoReference]) -> None:
        """Deletes what was fetched for others than these."""
        wanted = {_key(reference) for reference in references}
        for key in [key for key in self._fetches if key not in wanted]:
            fetch = self._fetches.pop(key)
            if not fetch.cancel():
                fetch.add_done_callback(_delete)

    def close(self) -> None:
        """Gives up what is on its way."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _within_roots(self, uri: str) -> str:
        try:
            name = from_store_url(uri)
        except StoreUrlError as error:
            raise PhotoRefusedError(RejectReason.OUTSIDE_ROOTS, str(error)) from error
        if not any(name == root or name.startswith(f"{root}/") for root in self._roots):
            allowed = ", ".join(f"s3://{root}" for root in self._roots) or "none"
            raise PhotoRefusedError(
                RejectReason.OUTSIDE_ROOTS,
                f"{uri!r} lies outside of the stores that are allowed: {allowed}",
            )
        return name

    def _root_of(self, name: str) -> str:
        return next(root for root in self._roots if name == root or name.startswith(f"{root}/"))

    def _fetch(self, name: str, reference: PhotoReference, file: Path) -> Path:
        try:
            with reaching(reference.uri, root=(self._store, self._root_of(name))):
                size = int(self._store.info(name)["size"])
                refuse_size(size, self._max_bytes)
                # Of an empty object no store gives a range.
                data: bytes = (
                    self._store.cat_file(name, start=0, end=self._max_bytes + 1) if size else b""
                )
        except StoreAwayError as error:
            raise StorageUnreachableError(str(error)) from error
        except FileNotFoundError as error:
            raise PhotoRefusedError(
                RejectReason.MISSING, "the object is gone since it was found"
            ) from error
        except PermissionError as error:
            raise PhotoRefusedError(
                RejectReason.PERMISSION,
                f"the store refuses {reference.uri}: check rights and credentials",
            ) from error
        except OSError as error:
            raise PhotoRefusedError(
                RejectReason.UNREADABLE,
                f"the store never hands over {reference.uri} ({error}): copy it anew",
            ) from error
        refuse_size(len(data), self._max_bytes)
        check_content(hashlib.sha256(data).hexdigest(), reference)
        try:
            file.write_bytes(data)
        except OSError as error:
            raise StorageUnreachableError(
                f"{file.parent} cannot take the photo ({error.strerror}): free some space there"
            ) from error
        return file


def _key(reference: PhotoReference) -> _Key:
    return reference.uri, reference.content_hash


def _delete(fetch: Future[Path]) -> None:
    if not fetch.cancelled() and fetch.exception() is None:
        fetch.result().unlink(missing_ok=True)
