"""What a photo adds to a tally; made of many observations at once, since that costs less."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from avatarrig.body.evidence.counting import Counted, Excluded, judge_all
from avatarrig.body.refused import StateRefusedError
from avatarrig.body.sums.capture_days import capture_day
from avatarrig.body.sums.evidence_sum import row_of
from avatarrig.body.sums.moments import Trace, traces_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avatarrig.wire import Evidence, Observation
    from avatarrig.wire.reasons import Exclusion


class CountedPhoto(NamedTuple):
    """A photo that counts.

    Attributes:
        learned: Version of the weights that made its evidence.
        row: See `avatarrig.body.sums.evidence_sum.row_of`.
        ratios: Each ratio that it shows: key and bin.
        day: When it was taken; see `avatarrig.body.sums.capture_days.capture_day`.
    """

    learned: str
    row: list[int]
    ratios: tuple[tuple[str, int], ...]
    day: str
    trace: Trace
    has_person: bool


class ExcludedPhoto(NamedTuple):
    """A photo that does not count."""

    reason: Exclusion
    has_person: bool


def photo_of(observation: Observation) -> CountedPhoto | ExcludedPhoto:
    """Makes of an observation what a tally counts.

    Raises:
        StateRefusedError: Its evidence does not hold what evidence holds.
    """
    (photo,) = photos_of([observation])
    if isinstance(photo, StateRefusedError):
        raise photo
    return photo


def photos_of(
    observations: Sequence[Observation],
) -> list[CountedPhoto | ExcludedPhoto | StateRefusedError]:
    """Makes of each observation what `photo_of` gives or raises."""
    verdicts = judge_all(observations)
    counted = [
        seen
        for seen, verdict in zip(observations, verdicts, strict=True)
        if isinstance(verdict, Counted)
    ]
    traces = iter(traces_of(counted))
    photos: list[CountedPhoto | ExcludedPhoto | StateRefusedError] = []
    for seen, verdict in zip(observations, verdicts, strict=True):
        if isinstance(verdict, Counted):
            photos.append(_counted(seen, verdict.evidence, next(traces)))
        elif isinstance(verdict, Excluded):
            photos.append(ExcludedPhoto(verdict.reason, seen.pose is not None))
        else:
            photos.append(verdict)
    return photos


def _counted(seen: Observation, evidence: Evidence, trace: Trace) -> CountedPhoto:
    return CountedPhoto(
        learned=evidence.learned,
        row=row_of(evidence),
        ratios=tuple(evidence.ratios.items()),
        day=capture_day(seen.captured_at, seen.found_at),
        trace=trace,
        has_person=seen.pose is not None,
    )
