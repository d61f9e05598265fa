"""What was decided about photos: that some count or do not, whatever was seen in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from aggregators.partitions.keys import decided_key, decided_of
from avatarrig.body.refused import StateRefusedError
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.standings import AS_SEEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from avatarrig.wire import Decision

PAGES: Final = 16
"""What was decided about a subject's photos is spread over so many entries of the table; behind
each of them that is full stands another one."""

FULL_BYTES: Final = 1 << 18
"""No more photos are noted in an entry of that size."""

MOST_BYTES: Final = 900_000
"""Nor is more noted of those that are in it: Kafka takes no larger messages than a megabyte."""

_BESIDE_TURN: Final = 10
"""Bytes of a photo's digest, and of how many turns it has."""


class Turn(msgspec.Struct, frozen=True, array_like=True):
    """A decision about one photo.

    Attributes:
        offset: Where the partition said so.
        standing: How the photo stands from there on; see `avatarrig.wire.standings`.
        fingerprints: Detectors whose observation of it the decision brought along; those of
            others that were counted before stand as they stood.
    """

    offset: int
    standing: str
    fingerprints: tuple[str, ...] = ()


Page = dict[int, tuple[Turn, ...]]
"""Digest of a photo to what was decided about it, in the order of the offsets."""


Where = tuple[int, str]
"""Number of an entry, and the digest of its subject."""


class _Noted(NamedTuple):
    """A decision about one photo that is to be noted. `size`: bytes that it takes."""

    where: Where
    photo: int
    turn: Turn
    size: int


class Decisions:
    """Remembers what a partition said about photos, for ever and by digests alone.

    How a photo stood before an offset is a function of what was said before it. So a table that
    is ahead of the tallies beside it, or behind them, changes nothing when the partition is read
    again from before both.
    """

    def __init__(self, partition: int) -> None:
        self._partition = partition
        self._pages: dict[Where, Page] = {}
        self._sizes: dict[Where, int] = {}
        self.last = -1

    @property
    def none(self) -> bool:
        """Whether nothing was ever decided."""
        return not self._pages

    def recover(self, key: bytes, value: bytes) -> None:
        """Takes up an entry of a table.

        Raises:
            KeyRefusedError: The key is no such entry's.
            msgspec.DecodeError: The value is not.
        """
        page = msgspec.msgpack.decode(value, type=Page)
        where = decided_of(key)
        self._pages[where] = page
        self._sizes[where] = len(value)
        self.last = max(self.last, *(turns[-1].offset for turns in page.values()), -1)

    def value(self, key: bytes) -> bytes | None:
        """Value of an entry, for the table; None where it is gone."""
        page = self._pages.get(decided_of(key))
        return None if page is None else msgspec.msgpack.encode(page)

    def note(self, decision: Decision, photos: dict[str, int], offset: int) -> set[bytes]:
        """Notes a decision; returns the keys of the entries that changed.

        Args:
            photos: image_id to digest.

        Raises:
            StateRefusedError: More was decided about some of the photos than can be kept; nothing
                of it is noted.
        """
        digest = subject_digest(decision.subject)
        brought: dict[str, list[str]] = {}
        for seen in decision.observed:
            brought.setdefault(seen.image_id, []).append(seen.fingerprint)
        sizes: dict[Where, int] = {}
        noted: list[_Noted] = []
        for image_id, photo in photos.items():
            turn = Turn(offset, decision.standing, tuple(brought.get(image_id, ())))
            size = _BESIDE_TURN + len(msgspec.msgpack.encode(turn))
            where = self._place_for(photo, digest, sizes)
            turns = self._pages.get(where, {}).get(photo, ())
            if turns and turns[-1].offset >= offset:
                continue
            sizes[where] = sizes.get(where, self._sizes.get(where, 0)) + size
            if sizes[where] > MOST_BYTES:
                raise StateRefusedError(
                    f"too much was decided about {image_id} and others: leave the photo out, or "
                    "in, by its file instead"
                )
            noted.append(_Noted(where, photo, turn, size))
        for where, photo, turn, size in noted:
            page = self._pages.setdefault(where, {})
            page[photo] = (*page.get(photo, ()), turn)
            self._sizes[where] = self._sizes.get(where, 0) + size
        self.last = max(self.last, offset)
        return {decided_key(self._partition, *where) for where, *_ in noted}

    def _places(self, photo: int, digest: str) -> Iterator[Where]:
        """Entries in which a photo may be, in the order in which they were filled."""
        number = photo % PAGES
        while (where := (number, digest)) in self._pages:
            yield where
            number += PAGES

    def _place_for(self, photo: int, digest: str, sizes: Mapping[Where, int]) -> Where:
        """The entry in which a photo is, or shall be: it stays in one, which is written whole.

        Args:
            sizes: Of entries that are to grow.
        """
        number = photo % PAGES
        for where in self._places(photo, digest):
            if photo in self._pages[where]:
                return where
            number = where[0]
        while sizes.get((number, digest), self._sizes.get((number, digest), 0)) >= FULL_BYTES:
            number += PAGES
        return (number, digest)

    def forget(self, digest: str) -> Iterator[bytes]:
        """Forgets a subject."""
        for where in [where for where in self._pages if where[1] == digest]:
            del self._pages[where], self._sizes[where]
            yield decided_key(self._partition, *where)

    def decided(
        self, subject: str, photo: int, fingerprint: str, *, first: int, before: int
    ) -> str:
        """Tells what is decided about a photo in a series.

        Args:
            first: Offset at which the series first saw it.
            before: What was decided at this offset or later is left aside.
        """
        places = self._places(photo, subject_digest(subject))
        turns = next((page[photo] for where in places if photo in (page := self._pages[where])), ())
        standing = AS_SEEN
        for turn in turns:
            if turn.offset >= before:
                break
            if turn.offset < first or fingerprint in turn.fingerprints:
                standing = turn.standing
        return standing
