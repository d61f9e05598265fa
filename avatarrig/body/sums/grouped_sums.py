"""Sums over photos in groups, so that an estimate can doubt some of them long after they came.

A group holds the photos that err from an average person to the same side. Photos of somebody
else gather in the groups that lie away from the subject, where `avatarrig.body.doubt` trusts
them less. Which group a photo belongs to depends on the photo and the weights alone, and is
computed in integers: order, merging and taking back cannot change a bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from avatarrig.body.evidence.evidence import COORDINATES
from avatarrig.body.evidence.learned import CENTRE_BITS
from avatarrig.body.refused import StateRefusedError
from avatarrig.body.sums.evidence_sum import EvidenceSum

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from avatarrig.body.evidence.learned import Learned
    from avatarrig.wire import Evidence

_SIDES: Final = range(1, COORDINATES)
GROUPS: Final = 1 << len(_SIDES)
"""32: each of five coordinates above or below. All six, or every photo by itself, do no better
on rendered people; upper arm against forearm is the one that people differ least in."""

_PLACES = {
    (row, column): place
    for place, (row, column) in enumerate(
        (row, column) for row in range(COORDINATES) for column in range(row, COORDINATES)
    )
}
_ROWS: Final = [
    [_PLACES[min(row, column), max(row, column)] for column in range(COORDINATES)] for row in _SIDES
]


def group_of(evidence: Evidence, learned: Learned) -> int:
    """Returns the group of a photo, 0 to `GROUPS` - 1.

    The sign of each coordinate of η - Λ (m + c): which way the photo alone would move the
    estimate away from the average person.

    Args:
        evidence: The photo's.
        learned: The weights that made it.
    """
    centre, information = learned.centre, evidence.information
    group = 0
    for bit, (side, row) in enumerate(zip(_SIDES, _ROWS, strict=True)):
        average = sum(information[place] * at for place, at in zip(row, centre, strict=True))
        group |= ((evidence.vector[side] << CENTRE_BITS) > average) << bit
    return group


class GroupedSums:
    """Group to the sum of its evidence. `add` changes it in place; ``+``, ``-`` make a new one."""

    __slots__ = ("_sums",)

    def __init__(self, sums: Mapping[int, EvidenceSum] | None = None) -> None:
        self._sums: dict[int, EvidenceSum] = dict(sums or {})

    @classmethod
    def of(cls, photos: Iterable[Evidence], learned: Learned) -> GroupedSums:
        """Adds up photos.

        Args:
            photos: Their evidence.
            learned: The weights that made it.
        """
        total = cls()
        for evidence in photos:
            total.add(evidence, learned)
        return total

    @property
    def photos(self) -> int:
        """How many photos are contained."""
        return sum(part.photos for part in self._sums.values())

    def parts(self) -> list[EvidenceSum]:
        """Returns the sums of the groups that hold photos, in the groups' order."""
        return [self._sums[group] for group in sorted(self._sums)]

    def add(self, evidence: Evidence, learned: Learned) -> None:
        """Adds one photo.

        Args:
            evidence: What it says.
            learned: The weights that made it.
        """
        self._sums.setdefault(group_of(evidence, learned), EvidenceSum()).add(evidence)

    def __add__(self, other: GroupedSums) -> GroupedSums:
        empty = EvidenceSum()
        return GroupedSums(
            {
                group: self._sums.get(group, empty) + other._sums.get(group, empty)
                for group in {*self._sums, *other._sums}
            }
        )

    def __sub__(self, other: GroupedSums) -> GroupedSums:
        """Takes photos back.

        Raises:
            StateRefusedError: They are not all contained.
        """
        empty = EvidenceSum()
        rest = {
            group: self._sums.get(group, empty) - other._sums.get(group, empty)
            for group in {*self._sums, *other._sums}
        }
        return GroupedSums({group: part for group, part in rest.items() if part.photos})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GroupedSums) and self._sums == other._sums

    __hash__ = None  # type: ignore[assignment] # they change

    def to_builtins(self) -> list[object]:
        """Returns rows of integers that `from_builtins` reads."""
        return [[group, *self._sums[group].to_row()] for group in sorted(self._sums)]

    @classmethod
    def from_builtins(cls, packed: Sequence[object], learned: str | None) -> GroupedSums:
        """Reads what `to_builtins` wrote.

        Args:
            packed: The rows.
            learned: Version of the weights that made the evidence.

        Raises:
            StateRefusedError: They hold something else.
        """
        sums: dict[int, EvidenceSum] = {}
        for row in packed:
            match row:
                case [int() as group, *numbers] if 0 <= group < GROUPS and group not in sums:
                    sums[group] = EvidenceSum.from_builtins([learned, numbers])
                case _:
                    raise StateRefusedError("these are no sums of photos in groups")
        return cls(sums)
