"""Each photo counts once: where it was seen for the first time."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import numpy as np

from avatarrig.wire.keys import joined

if TYPE_CHECKING:
    from collections.abc import Mapping

    from avatarrig.wire.keys import Series

PAGE_PHOTOS: Final = 512
"""Sights on a full page; a page is written whole, so this bounds what one photo writes."""

_PHOTO: Final = np.dtype([("digest", "<u8"), ("offset", "<i8")])
_SETTLE_AT: Final = 65_536


def digest_of(series: Series, image_id: str, since: int = -1) -> int:
    """Returns 64 bits that stand for a photo of a series.

    The same photo may be shown for two subjects, and seen by two detectors: it counts in each.
    It counts anew after its subject was forgotten.

    Args:
        since: Offset at which the subject was forgotten; -1 where it never was.
    """
    parts = (*series, image_id) if since < 0 else (*series, image_id, str(since))
    return int.from_bytes(hashlib.blake2b(joined(*parts), digest_size=8).digest(), "little")


class Deduplication:
    """Remembers the offset at which each photo of one partition was first seen.

    A photo takes 16 bytes in memory and on its page. Recent seen lie in a dictionary, older
    ones in sorted arrays.

    Args:
        pages: Page number to its bytes, as `take_unsaved` gave them.

    Attributes:
        last: Highest offset among the seen; -1 where there is none.

    Raises:
        ValueError: A page is no whole number of seen.
    """

    def __init__(self, pages: Mapping[int, bytes] | None = None) -> None:
        pages = pages or {}
        self._recent: dict[int, int] = {}
        self._page = max(pages, default=0)
        self._lines = bytearray(pages.get(self._page, b""))
        self._unsaved: dict[int, bytes] = {}
        seen = np.concatenate(
            [np.frombuffer(page, _PHOTO) for page in pages.values()] or [np.empty(0, _PHOTO)]
        )
        seen.sort(order=("digest", "offset"))
        self._digests = np.ascontiguousarray(seen["digest"])
        self._offsets = np.ascontiguousarray(seen["offset"])
        self.last = int(self._offsets.max(initial=-1))

    def __len__(self) -> int:
        return len(self._recent) + len(self._digests)

    def first(self, digest: int, offset: int) -> int:
        """Returns where a photo was first seen, which is here if it was not seen before."""
        known = self.where(digest)
        if known is not None:
            return known
        self._recent[digest] = offset
        self.last = max(self.last, offset)
        self._write(digest, offset)
        if len(self._recent) >= _SETTLE_AT:
            self._settle()
        return offset

    def where(self, digest: int) -> int | None:
        """Returns where a photo was first seen; None where it never was."""
        known = self._recent.get(digest)
        return self._settled(digest) if known is None else known

    def take_unsaved(self) -> dict[int, bytes]:
        """Returns the pages that changed since the last call."""
        unsaved, self._unsaved = self._unsaved, {}
        if self._page in unsaved:
            unsaved[self._page] = bytes(self._lines)
        return unsaved

    def _write(self, digest: int, offset: int) -> None:
        if len(self._lines) >= PAGE_PHOTOS * _PHOTO.itemsize:
            if self._page in self._unsaved:
                self._unsaved[self._page] = bytes(self._lines)
            self._page += 1
            self._lines.clear()
        self._lines += digest.to_bytes(8, "little") + offset.to_bytes(8, "little")
        self._unsaved[self._page] = b""  # the bytes are taken when they are asked for

    def _settled(self, digest: int) -> int | None:
        if not self._digests.size:
            return None
        at = int(np.searchsorted(self._digests, np.uint64(digest)))
        if at < len(self._digests) and int(self._digests[at]) == digest:
            return int(self._offsets[at])
        return None

    def _settle(self) -> None:
        digests = np.concatenate([self._digests, np.fromiter(self._recent, np.uint64)])
        offsets = np.concatenate([self._offsets, np.fromiter(self._recent.values(), np.int64)])
        order = np.argsort(digests, kind="stable")
        self._digests, self._offsets = digests[order], offsets[order]
        self._recent.clear()
