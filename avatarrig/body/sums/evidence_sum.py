"""Evidence of many photos, added up: exact in any order, merged by adding, taken back exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from avatarrig.body.evidence.evidence import COORDINATES, INFORMATION_LENGTH
from avatarrig.body.refused import LearnedRefusedError, StateRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from avatarrig.wire import Evidence

_NUMBERS: Final = 1 + INFORMATION_LENGTH + COORDINATES
"""Photos, information, vector."""


class EvidenceSum:
    """Sums of integers. `add`, `subtract`, ``+=`` change it in place; ``+``, ``-`` make a new one.

    Python's integers do not overflow, whatever the number of photos. All evidence in a sum was
    made by the same learned weights; the sum takes on the version of the first it sees.
    """

    __slots__ = ("_learned", "_sums")

    def __init__(self) -> None:
        self._learned: str | None = None
        self._sums = [0] * _NUMBERS

    @classmethod
    def zero(cls) -> EvidenceSum:
        """Returns the sum of no photos."""
        return cls()

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
        return self._sums[0]

    def add(self, evidence: Evidence) -> None:
        """Adds one photo.

        Raises:
            LearnedRefusedError: It was made by other weights than the rest.
            StateRefusedError: It holds another number of integers than evidence does.
        """
        self._accumulate(evidence.learned, _numbers(evidence), 1)

    def subtract(self, evidence: Evidence) -> None:
        """Takes back one photo that was added before.

        Raises:
            LearnedRefusedError: It was made by other weights than the rest.
            StateRefusedError: There is nothing to take it back from.
        """
        self._accumulate(evidence.learned, _numbers(evidence), -1)

    def __iadd__(self, other: EvidenceSum) -> EvidenceSum:  # noqa: PYI034, RUF100 - not subclassed
        if other._learned is not None:
            self._accumulate(other._learned, other._sums, 1)
        return self

    def __add__(self, other: EvidenceSum) -> EvidenceSum:
        total = EvidenceSum()
        total += self
        total += other
        return total

    def __sub__(self, other: EvidenceSum) -> EvidenceSum:
        total = EvidenceSum()
        total += self
        if other._learned is not None:
            total._accumulate(other._learned, other._sums, -1)
        return total

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, EvidenceSum)
            and self._learned == other._learned
            and self._sums == other._sums
        )

    __hash__ = None  # type: ignore[assignment] # it changes

    def __repr__(self) -> str:
        return f"EvidenceSum({self.photos} photos, {self._learned})"

    @property
    def information(self) -> list[int]:
        """Upper triangle of the information matrix, and the scatter, fixed point."""
        return self._sums[1 : 1 + INFORMATION_LENGTH]

    @property
    def vector(self) -> list[int]:
        """Information vector, fixed point."""
        return self._sums[1 + INFORMATION_LENGTH :]

    def to_row(self) -> list[int]:
        """Returns photos, information and vector as one row of integers."""
        return list(self._sums)

    def to_builtins(self) -> list[object]:
        """Returns lists, strings and integers that `from_builtins` reads; [] for no photos."""
        return [] if self._learned is None else [self._learned, list(self._sums)]

    @classmethod
    def from_builtins(cls, packed: Sequence[object]) -> EvidenceSum:
        """Reads what `to_builtins` wrote.

        Raises:
            StateRefusedError: It holds something else.
        """
        total = cls()
        if not packed:
            return total
        match packed:
            case [str() as learned, [*numbers]] if len(numbers) == _NUMBERS:
                values = [number for number in numbers if type(number) is int]
                if len(values) == _NUMBERS and values[0] > 0:
                    total._accumulate(learned, values, 1)
                    return total
        raise StateRefusedError("this is no sum of evidence")

    def _accumulate(self, learned: str, numbers: Sequence[int], sign: int) -> None:
        if self._learned is not None and learned != self._learned:
            raise LearnedRefusedError(
                f"evidence of {learned!r} cannot join a sum of {self._learned!r}: evaluate the "
                "photos again from their landmarks with one of them"
            )
        if self._sums[0] + sign * numbers[0] < 0:
            raise StateRefusedError("more photos are to be taken back than were added")
        self._sums = [mine + sign * its for mine, its in zip(self._sums, numbers, strict=True)]
        self._learned = learned if self._sums[0] else None


def _numbers(evidence: Evidence) -> list[int]:
    if len(evidence.information) != INFORMATION_LENGTH or len(evidence.vector) != COORDINATES:
        raise StateRefusedError(
            f"evidence holds {len(evidence.information)} + {len(evidence.vector)} integers, "
            f"expected {INFORMATION_LENGTH} + {COORDINATES}"
        )
    return [1, *evidence.information, *evidence.vector]
