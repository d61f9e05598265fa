"""What was decided about photos: that some count or do not, whatever was seen in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from aggregators.partitions.keys import decided_key, decided_of
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.standings import AS_SEEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from avatarrig.wire import Decision

PAGES: Final = 16
"""What was decided about a subject's photos is spread over so many entries of the table."""


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


class Decisions:
    """Remembers what a partition said about photos, for ever and by digests alone.

    How a photo stood before an offset is a function of what was said before it. So a table that
    is ahead of the tallies beside it, or behind them, changes nothing when the partition is read
    again from before both.
    """

    def __init__(self, partition: int) -> None:
        self._partition = partition
        self._pages: dict[tuple[int, str], Page] = {}
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
        self._pages[decided_of(key)] = page
        self.last = max(self.last, *(turns[-1].offset for turns in page.values()), -1)

    def value(self, key: bytes) -> bytes | None:
        """Value of an entry, for the table; None where it is gone."""
        page = self._pages.get(decided_of(key))
        return None if page is None else msgspec.msgpack.encode(page)

    def note(self, decision: Decision, photos: dict[str, int], offset: int) -> set[bytes]:
        """Notes a decision; returns the keys of the entries that changed.

        Args:
            photos: image_id to digest.
        """
        digest = subject_digest(decision.subject)
        brought: dict[str, tuple[str, ...]] = {}
        for seen in decision.observed:
            brought[seen.image_id] = (*brought.get(seen.image_id, ()), seen.fingerprint)
        changed = set()
        for image_id, photo in photos.items():
            where = (photo % PAGES, digest)
            page = self._pages.setdefault(where, {})
            turns = page.get(photo, ())
            if not turns or turns[-1].offset < offset:
                turn = Turn(offset, decision.standing, brought.get(image_id, ()))
                page[photo] = (*turns, turn)
            changed.add(decided_key(self._partition, *where))
        self.last = max(self.last, offset)
        return changed

    def forget(self, digest: str) -> Iterator[bytes]:
        """Forgets a subject."""
        for where in [where for where in self._pages if where[1] == digest]:
            del self._pages[where]
            yield decided_key(self._partition, *where)

    def decided(
        self, subject: str, photo: int, fingerprint: str, *, first: int, before: int
    ) -> str:
        """Tells what is decided about a photo in a series.

        Args:
            first: Offset at which the series first saw it.
            before: What was decided at this offset or later is left aside.
        """
        page = self._pages.get((photo % PAGES, subject_digest(subject)), {})
        standing = AS_SEEN
        for turn in page.get(photo, ()):
            if turn.offset >= before:
                break
            if turn.offset < first or fingerprint in turn.fingerprints:
                standing = turn.standing
        return standing
