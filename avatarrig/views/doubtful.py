"""Which photos of a run matter most to look at, most doubtful first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from avatarrig.body.evidence.counting import Counted, judge
from avatarrig.body.evidence.evidence import COORDINATES, FIXED_POINT
from avatarrig.body.recognition import LIKENESS, TAKEN
from avatarrig.wire.reasons import Exclusion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from avatarrig.wire import Evidence, Observation

UNLIKE: Final = TAKEN + 0.07
"""A face that was taken, but barely, is looked at."""

_UPPER: Final = np.triu_indices(COORDINATES)
_RIDGE: Final = 1.0


class Doubtful(msgspec.Struct, frozen=True):
    """A photo to look at.

    Attributes:
        observation: As it counts, without face and blendshapes.
        excluded: Why it does not count; None where it counts.
        pull: How far the proportions move where it is left out, in percent, roughly.
        why: What is doubtful about it, in words.
    """

    observation: Observation
    excluded: Exclusion | None
    pull: float
    why: tuple[str, ...]


def most_doubtful(observations: Sequence[Observation], most: int) -> list[Doubtful]:
    """Ranks the photos of one subject.

    First those of which nobody is sure who they show, the likeliest in front; then those that
    count, by how far each pulls the estimate.

    Args:
        most: At most so many.
    """
    verdicts = [judge(seen) for seen in observations]
    counted = [
        (seen, verdict.evidence)
        for seen, verdict in zip(observations, verdicts, strict=True)
        if isinstance(verdict, Counted)
    ]
    pulls = _pulls([evidence for _, evidence in counted])
    telling = 3 * float(np.median(pulls)) if pulls else 0.0
    unsure = [
        Doubtful(seen, verdict.reason, 0.0, (verdict.reason.words,))
        for seen, verdict in zip(observations, verdicts, strict=True)
        if not isinstance(verdict, Counted)
        and verdict.reason in {Exclusion.UNSURE, Exclusion.AMBIGUOUS}
    ]
    unsure.sort(key=lambda photo: _likeness(photo.observation) or -1.0, reverse=True)
    pulling = [
        Doubtful(seen, None, pull, _why(seen, pull, telling))
        for (seen, _), pull in zip(counted, pulls, strict=True)
    ]
    pulling.sort(key=lambda photo: (_is_unlike(photo.observation), photo.pull), reverse=True)
    return [*unsure, *pulling][:most]


def suspects(observations: Sequence[Observation], most: int) -> list[Doubtful]:
    """Ranks the photos of one subject that count, where they are not of one person.

    Args:
        most: At most so many.
    """
    ranked = most_doubtful(observations, len(observations))
    return [photo for photo in ranked if photo.excluded is None][:most]


def _why(seen: Observation, pull: float, telling: float) -> tuple[str, ...]:
    why = []
    if _is_unlike(seen):
        why.append("looks like somebody else")
    if seen.people > 1:
        why.append(f"{seen.people} people")
    if pull > telling:
        why.append("disagrees with the rest")
    return tuple(why)


def _is_unlike(seen: Observation) -> bool:
    likeness = _likeness(seen)
    return likeness is not None and likeness < UNLIKE


def _likeness(seen: Observation) -> float | None:
    value = seen.meta.get(LIKENESS)
    return value if isinstance(value, float) else None


def _pulls(evidence: Sequence[Evidence]) -> list[float]:
    """How far the pooled proportions move without each photo, in percent of a length.

    With information Λ and vector η of a photo, and their sums, leaving it out moves the mean m by
    about (ΣΛ)⁻¹ (η - Λ m), in logarithms of lengths; given is the root mean square.
    """
    if not evidence:
        return []
    information = [_matrix(each) for each in evidence]
    vectors = [np.array(each.vector, dtype=float) / FIXED_POINT for each in evidence]
    total = np.sum(information, axis=0) + _RIDGE * np.eye(COORDINATES)
    mean = np.linalg.solve(total, np.sum(vectors, axis=0))
    moves = np.linalg.solve(
        total,
        np.stack(
            [vector - matrix @ mean for matrix, vector in zip(information, vectors, strict=True)],
            axis=1,
        ),
    )
    shifts: list[float] = (100 * np.sqrt((moves**2).mean(axis=0))).tolist()
    return shifts


def _matrix(evidence: Evidence) -> NDArray[np.float64]:
    matrix = np.zeros((COORDINATES, COORDINATES))
    matrix[_UPPER] = evidence.information[: len(_UPPER[0])]
    return (matrix + np.triu(matrix, 1).T) / FIXED_POINT
