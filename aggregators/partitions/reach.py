"""How far the partitions go that tallies are made from: no tally contains more than there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from avatarrig.wire import RecordRefusedError
from avatarrig.wire.bounds import Offset, Partition
from avatarrig.wire.channels import Channel
from avatarrig.wire.topics import OBSERVATIONS, TALLIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class _Claim(msgspec.Struct, frozen=True):
    """What a message of the tallies topic says to contain; -1 where it says nothing of the kind."""

    partition: Partition = -1
    offset: Offset = -1


_CLAIMS: Final = Channel[_Claim](TALLIES, (_Claim,))


class Reach:
    """Where each partition of the observations topic ends, as far as is known.

    Of two tallies the one that contains more counts, and what was forgotten counts up to where
    that was said: one beyond the end, taken in, would have all that comes later left aside.

    Args:
        ends: Partition to the offset after its last message. None: nobody can tell, and whatever
            a message says is believed.
    """

    def __init__(self, ends: Mapping[int, int] | None = None) -> None:
        self._ends = None if ends is None else dict(ends)

    def restart(self, ends: Mapping[int, int]) -> None:
        """Forgets what was known: a topic may have been made anew."""
        self._ends = dict(ends)

    def extend(self, ends: Mapping[int, int]) -> None:
        """Takes in what is known now; partitions grow only."""
        known = self._ends or {}
        self._ends = known | {part: max(end, known.get(part, 0)) for part, end in ends.items()}

    def covers(self, values: Iterable[bytes | None]) -> bool:
        """Whether all that these messages say to contain is known to be there."""
        return all(self._has(claim.partition, claim.offset) for claim in _claims(values))

    def check(self, partition: int, offset: int) -> None:
        """Checks what a message says to contain.

        Raises:
            RecordRefusedError: It is not there, or no partition is named.
        """
        if partition < 0:
            raise RecordRefusedError("it does not say what partition it speaks of")
        if not self._has(partition, offset):
            end = (self._ends or {}).get(partition)
            there = "is none" if end is None else f"ends before offset {end}"
            raise RecordRefusedError(
                f"it says to contain offset {offset} of partition {partition} of "
                f"{OBSERVATIONS}, which {there}"
            )

    def _has(self, partition: int, offset: int) -> bool:
        if self._ends is None or partition < 0:
            return True
        return partition in self._ends and offset < self._ends[partition]


def _claims(values: Iterable[bytes | None]) -> Iterable[_Claim]:
    for value in values:
        try:
            yield _CLAIMS.decode(value)
        except RecordRefusedError:
            continue  # whoever takes it in says why
