"""Sums over the photos of a period: their evidence, and how many show each bone."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from avatarrig.skeleton.evidence_sum import EvidenceSum
from avatarrig.skeleton.ratios import RATIO_KEYS
from avatarrig.skeleton.refused import StateRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

    from avatarrig.records import Evidence

_PLACES = {key: place for place, key in enumerate(RATIO_KEYS)}


class PhotoSums:
    """Integers that add up. `add` and ``+=`` change them in place; ``-`` makes new ones."""

    __slots__ = ("_shown", "evidence")

    def __init__(self) -> None:
        self.evidence = EvidenceSum()
        self._shown = [0] * len(RATIO_KEYS)

    @property
    def photos(self) -> int:
        """How many photos are contained."""
        return self.evidence.photos

    @property
    def shown(self) -> dict[str, int]:
        """Key of a bone to how many photos show it well."""
        return dict(zip(RATIO_KEYS, self._shown, strict=True))

    def add(self, evidence: Evidence) -> None:
        """Adds one photo."""
        self.evidence.add(evidence)
        for key in evidence.ratios:
            self._shown[_PLACES[key]] += 1

    def __iadd__(self, other: PhotoSums) -> Self:
        self.evidence += other.evidence
        self._shown = [a + b for a, b in zip(self._shown, other._shown, strict=True)]
        return self

    def __sub__(self, other: PhotoSums) -> PhotoSums:
        """Takes photos back.

        Raises:
            StateRefusedError: They are not all contained.
        """
        rest = PhotoSums()
        rest.evidence = self.evidence - other.evidence
        rest._shown = [a - b for a, b in zip(self._shown, other._shown, strict=True)]
        is_rest_nothing = not rest.photos and rest.evidence != EvidenceSum()
        if min(rest._shown) < 0 or max(rest._shown) > rest.photos or is_rest_nothing:
            raise StateRefusedError("more photos are to be taken back than were added")
        return rest

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, PhotoSums)
            and self.evidence == other.evidence
            and self._shown == other._shown
        )

    __hash__ = None  # type: ignore[assignment] # they change

    def to_row(self) -> list[int]:
        """Returns the counts of bones, then the integers of the evidence, without its version."""
        _, numbers = self.evidence.to_builtins()
        return [*self._shown, *cast("list[int]", numbers)]

    @classmethod
    def from_row(cls, learned: str, row: Sequence[int]) -> PhotoSums:
        """Reads what `to_row` wrote.

        Args:
            learned: Version of the weights that made the evidence.
            row: Integers, of at least one photo.

        Raises:
            StateRefusedError: It holds something else.
        """
        sums = cls()
        sums._shown = list(row[: len(RATIO_KEYS)])
        sums.evidence = EvidenceSum.from_builtins([learned, row[len(RATIO_KEYS) :]])
        if not all(type(n) is int and 0 <= n <= sums.photos for n in sums._shown):
            raise StateRefusedError("these are no sums of photos")
        return sums


def total_of(parts: Iterable[PhotoSums]) -> PhotoSums:
    """Adds up sums and leaves them alone."""
    total = PhotoSums()
    for part in parts:
        total += part
    return total
