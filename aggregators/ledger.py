"""What changed since it was last saved, and since it was last published."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

from aggregators.keys import Marker
from avatarrig.skeleton.refused import StateRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aggregators.keys import Series

_MASK: Final = (1 << 64) - 1


class Changes(msgspec.Struct, frozen=True):
    """What must reach the table.

    Attributes:
        entries: Keys and values; their order does not matter, nor whether a crash keeps some.
        marker: Key and value, to be written when all entries are safe.
        applied: The marker's offset.
    """

    entries: list[tuple[bytes, bytes]]
    marker: tuple[bytes, bytes]
    applied: int


class Ledger:
    """Keeps the books of one partition's state.

    Args:
        marker: Where the state stands.
        offsets: Offset of the last change of each table key, as recovered.
        series: Offset of the last change of each series, as recovered.
    """

    def __init__(
        self,
        marker: Marker,
        offsets: Mapping[bytes, int] | None = None,
        series: Mapping[Series, int] | None = None,
    ) -> None:
        self.applied = marker.applied
        self._published = marker.published
        self._offsets = dict(offsets or {})
        self._terms = {key: _term(key, offset) for key, offset in self._offsets.items()}
        self._total = sum(self._terms.values()) & _MASK
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
        self._offsets[key] = offset
        self._unsaved.add(key)
        self._unpublished.setdefault(series, offset)

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
        for key in unsaved:
            term = _term(key, self._offsets[key])
            self._total = (self._total + term - self._terms.get(key, 0)) & _MASK
            self._terms[key] = term
        return unsaved

    def marker(self, learned: str, sights: int) -> Marker:
        """Returns the marker that vouches for everything taken so far."""
        oldest = min(self._unpublished.values(), default=self.applied + 1)
        self._published = min(oldest - 1, self.applied)
        return Marker(self.applied, self._published, self.checksum(sights), learned)

    def checksum(self, sights: int) -> int:
        """Returns a checksum of the entries and of how many photos were seen."""
        return (self._total + _term(b"sights", sights)) & _MASK

    def check(self, marker: Marker, learned: str, sights: int, last_sight: int = -1) -> None:
        """Checks that recovered entries are those which the marker vouches for.

        Entries newer than the marker are what a save left that was cut short: harmless, since
        reading goes on at the marker. Then the checksum cannot tell, and need not.

        Args:
            marker: As recovered.
            learned: Versions that this program works with.
            sights: How many photos were seen, as recovered.
            last_sight: Highest offset among them.

        Raises:
            StateRefusedError: Entries are missing or old, or were made by another version.
        """
        if marker.learned != learned:
            raise StateRefusedError(
                f"made with {marker.learned or 'nothing'!r}, this program works with {learned!r}"
            )
        newest = max((last_sight, *self._offsets.values()))
        torn = newest > marker.applied
        if marker.applied >= 0 and not torn and marker.checksum != self.checksum(sights):
            raise StateRefusedError("entries are missing, or older than their marker")


def _term(key: bytes, offset: int) -> int:
    text = key + offset.to_bytes(8, "little", signed=True)
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")
