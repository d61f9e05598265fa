"""Subjects that shall be forgotten: nothing before the message that says so counts any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from aggregators.partitions.keys import forgotten_key, forgotten_of
from avatarrig.wire.identity import subject_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from avatarrig.wire.keys import Series


class Forgotten:
    """Remembers subjects by their digests alone."""

    def __init__(self, partition: int) -> None:
        self._partition = partition
        self._offsets: dict[tuple[int, str], int] = {}

    @property
    def last(self) -> int:
        """Highest offset of a message of this very partition; -1 where there is none."""
        own = (at for (part, _), at in self._offsets.items() if part == self._partition)
        return max(own, default=-1)

    def places(self) -> Iterator[tuple[int, int]]:
        """Yields input partition and offset of what is remembered."""
        return ((part, at) for (part, _), at in self._offsets.items())

    def recover(self, key: bytes, value: bytes) -> None:
        """Takes up an entry of a table.

        Raises:
            KeyRefusedError: The key is no such entry's.
            msgspec.DecodeError: The value is not.
        """
        self._offsets[forgotten_of(key)] = msgspec.msgpack.decode(value, type=int)

    def note(self, part: int, digest: str, offset: int) -> bytes:
        """Notes a subject; returns the key of its entry."""
        self._offsets[part, digest] = max(offset, self._offsets.get((part, digest), -1))
        return forgotten_key(self._partition, part, digest)

    def value(self, key: bytes) -> bytes:
        """Value of an entry, for the table."""
        return msgspec.msgpack.encode(self._offsets[forgotten_of(key)])

    def since(self, subject: str, part: int) -> int:
        """Offset on an input partition after which a subject counts; -1 for all of it."""
        if not self._offsets:
            return -1
        return self._offsets.get((part, subject_digest(subject)), -1)


def series_of_subject(digest: str, known: Iterable[Series]) -> list[Series]:
    """Lists the series of a subject."""
    return [series for series in known if subject_digest(series[0]) == digest]
