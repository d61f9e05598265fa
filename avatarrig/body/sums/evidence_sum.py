"""Evidence of many photos, added up: exact in any order, merged by adding, taken back exactly."""

from __future__ import annotations

from operator import add, sub
from typing import TYPE_CHECKING, Any, Final, Self

from avatarrig.body.evidence.evidence import COORDINATES, INFORMATION_LENGTH, check_lengths
from avatarrig.body.ratios import RATIO_KEYS
from avatarrig.body.refused import LearnedRefusedError, StateRefusedError
from avatarrig.body.sums.keyed_sums import KeyedSums

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from avatarrig.wire import Evidence

COUNTS: Final = 1 + len(RATIO_KEYS)
"""Photos, and photos that show each bone well: the first numbers of a row."""

ROW_LENGTH: Final = COUNTS + INFORMATION_LENGTH + COORDINATES
_COUNT_OF: Final = {key: place for place, key in enumerate(RATIO_KEYS, 1)}
_INFORMATION: Final = slice(COUNTS, COUNTS + INFORMATION_LENGTH)
_VECTOR: Final = slice(COUNTS + INFORMATION_LENGTH, ROW_LENGTH)


def row_of(evidence: Evidence) -> list[int]:
    """Returns one photo's row of integers: counts, information, vector.

    Raises:
        StateRefusedError: It holds another number of integers than evidence does.
    """
    check_lengths(evidence)
    shown = [int(key in evidence.ratios) for key in RATIO_KEYS]
    return [1, *shown, *evidence.information, *evidence.vector]


class EvidenceSum:
    """A row of integers. `add`, `subtract`, ``+=`` change it in place; ``+``, ``-`` make a new one.

    All evidence in a sum was made by the same learned weights; it takes on the version of the
    first it sees.
    """

    __slots__ = ("_learned", "_row")

    def __init__(self, learned: str | None = None, row: Sequence[int] = (0,) * ROW_LENGTH) -> None:
        self._learned = learned if row[0] else None
        self._row = list(row)

    @classmethod
    def total(cls, parts: Iterable[EvidenceSum]) -> EvidenceSum:
        """Adds up sums and leaves them alone."""
        total = cls()
        for part in parts:
            total += part
        return total

    @property
    def learned(self) -> str | None:
        """Version of the weights that made the evidence; None while there is none."""
        return self._learned

    @property
    def photos(self) -> int:
        """How many photos are contained."""
        return self._row[0]

    @property
    def shown(self) -> dict[str, int]:
        """Key of a bone to how many photos show it well."""
        return dict(zip(RATIO_KEYS, self._row[1:COUNTS], strict=True))

    def showing(self, key: str) -> int:
        """Returns how many photos show a bone well."""
        return self._row[_COUNT_OF[key]]

    @property
    def information(self) -> list[int]:
        """Upper triangle of the information matrix, and the scatter, fixed point."""
        return self._row[_INFORMATION]

    @property
    def vector(self) -> list[int]:
        """Information vector, fixed point."""
        return self._row[_VECTOR]

    def add(self, evidence: Evidence) -> None:
        """Adds one photo.

        Raises:
            LearnedRefusedError: It was made by other weights than the rest.
            StateRefusedError: It holds another number of integers than evidence does.
        """
        self += EvidenceSum(evidence.learned, row_of(evidence))

    def subtract(self, evidence: Evidence) -> None:
        """Takes back one photo that was added before.

        Raises:
            LearnedRefusedError: It was made by other weights than the rest.
            StateRefusedError: There is nothing to take it back from.
        """
        gone = EvidenceSum(evidence.learned, row_of(evidence))
        rest: EvidenceSum = self - gone
        self._row = rest._row
        self._learned = self._learned if self._row[0] else None

    def __iadd__(self, other: EvidenceSum) -> Self:
        self._learned = self._common(other)
        self._row = list(map(add, self._row, other._row))
        return self

    def __add__(self, other: EvidenceSum) -> EvidenceSum:
        return EvidenceSum(self._common(other), list(map(add, self._row, other._row)))

    def __sub__(self, other: EvidenceSum) -> EvidenceSum:
        learned = self._common(other)
        rest: KeyedSums[int] = KeyedSums(
            ROW_LENGTH, COUNTS, rows={0: self._row} if self.photos else {}
        )
        rest.subtract((0, other._row))  # or refuses
        return EvidenceSum(learned, list(map(sub, self._row, other._row)))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, EvidenceSum)
            and self._learned == other._learned
            and self._row == other._row
        )

    def __repr__(self) -> str:
        return f"EvidenceSum({self.photos} photos, {self._learned})"

    def pack(self) -> list[Any]:
        """Returns the version and the row, packed."""
        rows = {} if self._learned is None else {self._learned: self._row}
        return KeyedSums(ROW_LENGTH, COUNTS, rows=rows).pack()

    @classmethod
    def unpack(cls, packed: object) -> EvidenceSum:
        """Reads what `pack` made. Raises StateRefusedError: It holds something else."""
        empty: KeyedSums[str] = KeyedSums(ROW_LENGTH, COUNTS)
        match list(empty.unpacked(packed).rows.items()):
            case []:
                return cls()
            case [(str() as learned, row)]:
                return cls(learned, row)
        raise StateRefusedError("this is no sum of evidence")

    def _common(self, other: EvidenceSum) -> str | None:
        if None not in (self._learned, other._learned) and self._learned != other._learned:
            raise LearnedRefusedError(
                f"evidence of {other._learned!r} cannot join a sum of {self._learned!r}: evaluate "
                "the photos again from their landmarks with one of them"
            )
        return self._learned or other._learned
