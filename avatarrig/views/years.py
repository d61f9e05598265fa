"""One estimate a year, beside each other: a family's archive shows a child grow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from avatarrig.body.estimator import Estimator
from avatarrig.body.sums.capture_days import credible

if TYPE_CHECKING:
    from avatarrig.wire import Observation
    from avatarrig.wire.estimate import BoneEstimate

LEAST_PHOTOS: Final = 5
"""A year with fewer photos that count says nothing by itself."""

SHOWN: Final = {
    "hip_width": "hips",
    "torso_length": "torso",
    "upper_arm_R": "upper arm",
    "lower_arm_R": "forearm",
    "upper_leg_R": "thigh",
    "lower_leg_R": "shank",
}
"""Bones that are compared; left and right are estimated together."""


class Year(msgspec.Struct, frozen=True):
    """What the photos of one year say.

    Attributes:
        year: Such as ``2019``.
        bones: Key of a bone to its ratio to the shoulders.
    """

    year: str
    used: int
    bones: Mapping[str, BoneEstimate]


def years_of(observations: Iterable[Observation]) -> list[Year]:
    """Estimates each year by itself.

    Returns:
        The years with enough photos, in their order; nothing where that is only one.
    """
    by_year: dict[str, Estimator] = {}
    for seen in observations:
        taken = credible(seen.captured_at, seen.found_at)
        if taken is not None:
            year = str(dt.datetime.fromtimestamp(taken, dt.UTC).year)
            by_year.setdefault(year, Estimator()).update(seen)
    years = []
    for year, estimator in sorted(by_year.items()):
        estimate = estimator.estimate()
        if estimate.used >= LEAST_PHOTOS:
            bones = {key: estimate.bones[key] for key in SHOWN}
            years.append(Year(year, estimate.used, bones))
    return years if len(years) > 1 else []


def changing(years: Iterable[Year]) -> list[str]:
    """Names the bones whose intervals of two years have nothing in common."""
    listed = list(years)
    return [
        name
        for key, name in SHOWN.items()
        if listed
        and max(year.bones[key].low for year in listed)
        > min(year.bones[key].high for year in listed)
    ]
