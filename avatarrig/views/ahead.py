"""What is told of observations before these are read: it waits until they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from avatarrig.wire import Reject, SkeletonRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Told = SkeletonRecord | Reject
"""What the second level of the aggregator says of a subject."""

_MOST: Final = 8
"""Records of a subject that wait at once; those furthest ahead give way."""


class Ahead:
    """Sets aside estimates that say to contain observations which nobody has read yet.

    Topics are read beside each other, so some of them come early. One that says to contain what
    never comes is made up, and would outdo every sound one for ever.
    """

    def __init__(self) -> None:
        self._ends: dict[int, int] = {}
        self._waiting: dict[str, list[Told]] = {}

    def extend(self, ends: Mapping[int, int]) -> None:
        """Notes how far partitions of the observations topic go; they grow only.

        Args:
            ends: Partition to the offset after its last message.
        """
        for partition, end in ends.items():
            self._ends[partition] = max(end, self._ends.get(partition, 0))

    def set_aside(self, record: Told) -> bool:
        """Tells whether a record is ahead of what was read; it waits then."""
        if not self._distance(record):
            return False
        waiting = self._waiting.setdefault(record.subject, [])
        waiting.append(record)
        if len(waiting) > _MOST:
            waiting.remove(max(waiting, key=self._distance))
        return True

    def arrived(self) -> Iterator[Told]:
        """Yields those that are ahead no more, once, in the order in which they came."""
        for subject, waiting in list(self._waiting.items()):
            still = [record for record in waiting if self._distance(record)]
            yield from (record for record in waiting if not self._distance(record))
            if still:
                self._waiting[subject] = still
            else:
                del self._waiting[subject]

    def _distance(self, record: Told) -> int:
        return sum(
            max(0, offset + 1 - self._ends.get(partition, 0))
            for partition, offset in record.applied.items()
        )
