"""One estimate a year, beside each other: a family's archive shows a child grow."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from avatarrig.body.estimator import Estimator
from avatarrig.body.solver.agreement import can_be_one
from avatarrig.body.solver.doubt import Weighed
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
        evidence: The year's photos, added up.
    """

    year: str
    used: int
    bones: Mapping[str, BoneEstimate]
    evidence: Weighed


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
            years.append(Year(year, estimate.used, bones, estimator.evidence()))
    return years if len(years) > 1 else []


def changing(years: Iterable[Year]) -> list[str]:
    """Names the bones that differ between years; none where all years can be of one body.

    They do where the intervals of two years have nothing in common, or where the years cannot be of
    one person by all bones together: then at least the bone that differs most is named.
    """
    listed = list(years)
    if not listed[1:]:
        return []
    bones = {name: [year.bones[key] for year in listed] for key, name in SHOWN.items()}
    if apart := [name for name, each in bones.items() if _are_apart(each)]:
        return apart
    if can_be_one([year.evidence for year in listed]):
        return []
    gaps = {name: _gap(each) for name, each in bones.items()}
    return [name for name, gap in gaps.items() if gap >= min(1.0, max(gaps.values()))]


def _are_apart(bones: Sequence[BoneEstimate]) -> bool:
    return max(bone.low for bone in bones) > min(bone.high for bone in bones)


def _gap(bones: Sequence[BoneEstimate]) -> float:
    """How far the least and the greatest are apart, over the 90 % interval of such a difference."""
    least, most = min(bones, key=_value), max(bones, key=_value)
    reach = math.hypot(least.high - least.value, most.value - most.low)
    return (most.value - least.value) / max(reach, 1e-9)


def _value(bone: BoneEstimate) -> float:
    return bone.value
