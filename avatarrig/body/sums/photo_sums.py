"""Sums over the photos of a period: their evidence, and how many show each bone."""

from __future__ import annotations

from operator import add
from typing import TYPE_CHECKING, Final

from avatarrig.body.evidence.evidence import COORDINATES, INFORMATION_LENGTH
from avatarrig.body.ratios import RATIO_KEYS
from avatarrig.body.refused import StateRefusedError
from avatarrig.body.sums.evidence_sum import EvidenceSum

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

    from avatarrig.wire import Evidence

_PLACES: Final = {key: place for place, key in enumerate(RATIO_KEYS)}
_PHOTOS: Final = len(RATIO_KEYS)
_NUMBERS: Final = _PHOTOS + 1 + INFORMATION_LENGTH + COORDINATES
"""Photos that show each bone, photos, information, vector: one row of integers."""


class PhotoSums:
    """A row of integers that adds up. `add` changes it in place; ``-`` makes a new one.

    The sums do not know which weights made the evidence: the tally that holds them does.
    """

    __slots__ = ("_row",)

    def __init__(self) -> None:
        self._row = [0] * _NUMBERS

    @property
    def photos(self) -> int:
        """How many photos are contained."""
        return self._row[_PHOTOS]

    @property
    def shown(self) -> dict[str, int]:
        """Key of a bone to how many photos show it well."""
        return dict(zip(RATIO_KEYS, self._row, strict=False))

    def evidence(self, learned: str) -> EvidenceSum:
        """Returns the summed evidence.

        Args:
            learned: Version of the weights that made it.
        """
        return EvidenceSum.from_builtins([learned, self._row[_PHOTOS:]] if self.photos else [])

    @classmethod
    def total(cls, parts: Iterable[Self]) -> Self:
        """Adds up sums and leaves them alone."""
        total = cls()
        for number, row in enumerate(part.to_row() for part in parts):
            total._row = list(map(add, total._row, row)) if number else row
        return total

    def add(self, evidence: Evidence) -> None:
        """Adds one photo."""
        numbers = (1, *evidence.information, *evidence.vector)
        self._row[_PHOTOS:] = map(add, self._row[_PHOTOS:], numbers)
        for key in evidence.ratios:
            self._row[_PLACES[key]] += 1

    def __sub__(self, other: PhotoSums) -> PhotoSums:
        """Takes photos back.

        Raises:
            StateRefusedError: They are not all contained.
        """
        rest = PhotoSums()
        rest._row = [a - b for a, b in zip(self._row, other._row, strict=True)]
        *shown, photos = rest._row[: _PHOTOS + 1]
        if min(shown) < 0 or max(shown) > photos or (not photos and any(rest._row)):
            raise StateRefusedError("more photos are to be taken back than were added")
        return rest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PhotoSums) and self._row == other._row

    __hash__ = None  # type: ignore[assignment] # they change

    def to_row(self) -> list[int]:
        """Returns the integers."""
        return self._row.copy()

    @classmethod
    def from_row(cls, row: Sequence[int]) -> PhotoSums:
        """Reads what `to_row` wrote.

        Raises:
            StateRefusedError: It holds something else than the sums of at least one photo.
        """
        sums = cls()
        sums._row = list(row)
        if len(row) != _NUMBERS or not {int}.issuperset(map(type, sums._row)):
            raise StateRefusedError("these are no sums of photos")
        *shown, photos = sums._row[: _PHOTOS + 1]
        if photos < 1 or min(shown) < 0 or max(shown) > photos:
            raise StateRefusedError("these sums of photos contradict each other")
        return sums
