"""Checkpoints of a partition: what changed since the last one, and since it was last published."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

from aggregators.partitions.keys import Marker
from avatarrig.body.refused import StateRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from avatarrig.wire.keys import Series

_MASK: Final = (1 << 64) - 1


class Checkpoint(msgspec.Struct, frozen=True):
    """What must reach the table.

    Attributes:
        entries: Keys and values, None for what goes; their order does not matter, nor whether a
            crash keeps some.
        marker: Key and value, to be written when all entries are safe.
    """

    entries: list[tuple[bytes, bytes | None]]
    marker: tuple[bytes, bytes]
    applied: int


class Checkpoints:
    """Knows what one partition's next checkpoint must hold.

    Args:
        marker: Where the state stands.
        entries: Keys and values that a table holds beside the marker.
        series: Offset of the last change of each series, as recovered.
    """

    def __init__(
        self,
        marker: Marker,
        entries: Iterable[tuple[bytes, bytes | None]] = (),
        series: Mapping[Series, int] | None = None,
    ) -> None:
        self.applied = marker.applied
        self._published = marker.published
        self._terms: dict[bytes, int] = {}
        self._checksum = 0
        self._add_up(entries)
        self._unsaved: set[bytes] = set()
        self._saved_applied = marker.applied
        self._unpublished = {
            key: offset for key, offset in (series or {}).items() if offset > marker.published
        }

    @property
    def behind(self) -> bool:
        """Whether anything was applied since the last save."""
        return self.applied != self._saved_applied

    @property
    def unpublished(self) -> Iterable[Series]:
        """Series whose last change was not published."""
        return self._unpublished.keys()

    def touched(self, key: bytes, series: Series, offset: int) -> None:
        """Notes that a table key, and with it a series, changed at an offset."""
        self._unsaved.add(key)
        self._unpublished.setdefault(series, offset)

    def noted(self, key: bytes) -> None:
        """Notes that a table key changed that belongs to no series."""
        self._unsaved.add(key)

    def removed(self, key: bytes, series: Series) -> None:
        """Notes that a table key is gone, and with it its series."""
        self._unsaved.add(key)
        self._unpublished.pop(series, None)

    def published(self, series: Series, offset: int, newest: int) -> None:
        """Notes that a series was published as of an offset; ``newest`` is its last change."""
        if newest > offset:
            self._unpublished[series] = offset + 1
        else:
            self._unpublished.pop(series, None)

    def take_unsaved(self) -> set[bytes]:
        """Returns the keys that changed since the last call."""
        unsaved, self._unsaved = self._unsaved, set()
        self._saved_applied = self.applied
        return unsaved

    def complete(self, entries: Iterable[tuple[bytes, bytes | None]], learned: str) -> Marker:
        """Returns the marker that vouches for everything up to now.

        Args:
            entries: Keys and values that are written along with it.
        """
        self._add_up(entries)
        oldest = min(self._unpublished.values(), default=self.applied + 1)
        self._published = min(oldest - 1, self.applied)
        return Marker(self.applied, self._published, self._checksum, learned)

    def check(self, marker: Marker, learned: str, newest: int) -> bool:
        """Checks that recovered entries are those which the marker vouches for.

        Entries newer than the marker are what a save left that was cut short: harmless, since
        reading goes on at the marker. Then the checksum cannot tell, and need not.

        Args:
            newest: Highest offset that any entry knows.

        Returns:
            Whether the values are known to be what was once written, to the bit.

        Raises:
            StateRefusedError: Entries are missing or old, or were made by another version.
        """
        if marker.learned != learned:
            raise StateRefusedError(
                f"made with {marker.learned or 'nothing'!r}, this program works with {learned!r}"
            )
        if newest > marker.applied:
            return False
        if marker.checksum != self._checksum:
            raise StateRefusedError("entries are missing, or older than their marker")
        return True

    def _add_up(self, entries: Iterable[tuple[bytes, bytes | None]]) -> None:
        for key, value in entries:
            self._checksum = (self._checksum - self._terms.pop(key, 0)) & _MASK
            if value is not None:
                self._terms[key] = _term(key, value)
                self._checksum = (self._checksum + self._terms[key]) & _MASK


def _term(key: bytes, value: bytes) -> int:
    digest = hashlib.blake2b(len(key).to_bytes(4, "little") + key, digest_size=8)
    digest.update(value)
    return int.from_bytes(digest.digest(), "little")
