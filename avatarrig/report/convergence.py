"""How an estimate firmed up with its photos: a replay in the order they were taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from avatarrig.body.advice import Advice
from avatarrig.body.estimator import Estimator
from avatarrig.body.sums.capture_days import capture_moment

if TYPE_CHECKING:
    from avatarrig.body.estimate import EstimateOptions
    from avatarrig.wire import Observation
    from avatarrig.wire.estimate import Estimate

CURVES: Final = {
    "hip_width": "hips",
    "torso_length": "torso",
    "upper_arm_L": "upper arm",
    "lower_arm_L": "forearm",
    "upper_leg_L": "thigh",
    "lower_leg_L": "shank",
    "wingspan_est": "wingspan",
}
"""Keys whose course is shown, and their names; left and right are estimated together."""

MOMENTS: Final = 60
"""An estimate is made at most so often: more points than that cannot be told apart."""


class Point(msgspec.Struct, frozen=True):
    """A ratio after so many photos that count, with its 90 % interval."""

    photos: int
    value: float
    low: float
    high: float


class Curve(msgspec.Struct, frozen=True):
    """The course of one ratio."""

    key: str
    name: str
    points: tuple[Point, ...]


class Course(msgspec.Struct, frozen=True):
    """Where an estimate came out, and how it got there."""

    estimate: Estimate
    curves: tuple[Curve, ...]
    advice: Advice | None = None


def in_order(observations: Iterable[Observation]) -> list[Observation]:
    """Sorts photos by the time they were taken, by path where that is the same."""
    return sorted(
        observations, key=lambda seen: (capture_moment(seen.captured_at, seen.found_at), seen.path)
    )


def replay(
    observations: Sequence[Observation],
    *,
    subject: str = "",
    options: EstimateOptions | None = None,
) -> Course:
    """Lets photos arrive again, one by one.

    Args:
        observations: One subject's photos in their order.

    Returns:
        The estimate from all of them, and the course of each ratio over the photos that count.
    """
    estimator = Estimator()
    counted = 0
    moments = _moments(len(observations))
    courses: dict[str, list[Point]] = {key: [] for key in CURVES}
    for seen in observations:
        used = estimator.update(seen).tally.used
        if used == counted:
            continue
        counted = used
        if counted in moments:
            _note(courses, estimator.estimate(options=options), counted)
    if counted and counted not in moments:
        _note(courses, estimator.estimate(options=options), counted)
    return Course(
        estimator.estimate(subject=subject, options=options),
        tuple(Curve(key, name, tuple(courses[key])) for key, name in CURVES.items()),
        estimator.advice(),
    )


def _note(courses: dict[str, list[Point]], estimate: Estimate, counted: int) -> None:
    for key, points in courses.items():
        bone = estimate.bones[key]
        points.append(Point(counted, bone.value, bone.low, bone.high))


def _moments(photos: int) -> frozenset[int]:
    """Numbers of photos to look at, evenly on a logarithmic scale."""
    if not photos:
        return frozenset()
    return frozenset(np.geomspace(1, photos, MOMENTS).round().astype(int).tolist())
