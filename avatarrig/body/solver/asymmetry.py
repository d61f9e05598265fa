"""Left against right, and plain ratios against learned ones: read off the histograms alone."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

from avatarrig.body.bones import POOLED_BONES, PROTOTYPE_BONES
from avatarrig.body.sums.histogram import BIN_WIDTH
from avatarrig.wire.estimate import SIDED, Asymmetry, ends, rounded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from avatarrig.body.solver.person import Proportions
    from avatarrig.body.sums.tally import Tally

DETECTOR_ASYMMETRY: Final = 0.02
"""How much longer the detector sees one side's bones on symmetrical bodies: largest mean log
ratio over 118 rendered people, 30 photos each."""

DISAGREEMENT: Final = 0.12
"""Log difference between plain and learned lengths that noise does not explain: the largest of
64 rendered people, natural and wide, 30 photos each."""

PHOTO_NOISE: Final = 5.0
"""Bins by which a bone's plain length differs between moments, at least."""

FEWEST_MOMENTS: Final = 8
"""Below this, plain ratios are too noisy to compare."""

_REACH: Final = NormalDist().inv_cdf(0.95)


def asymmetries(tally: Tally, moments: Mapping[str, float]) -> dict[str, Asymmetry]:
    """Compares left and right of each limb bone.

    The interval holds the sampling error of both sides and `DETECTOR_ASYMMETRY`.

    Args:
        moments: Key of a bone to how many moments the photos that show it are of.

    Returns:
        Bone to its asymmetry; bones that fewer than `FEWEST_MOMENTS` show on either side are
        left out.
    """
    found: dict[str, Asymmetry] = {}
    for bone in SIDED:
        if min(moments[f"{bone}_{side}"] for side in "LR") < FEWEST_MOMENTS:
            continue
        left, right = tally.histogram(f"{bone}_L"), tally.histogram(f"{bone}_R")
        (left_middle, left_error), (right_middle, right_error) = (
            _midmean_and_error(tally, f"{bone}_{side}", moments) for side in "LR"
        )
        middle = BIN_WIDTH * (left_middle - right_middle)
        sampling = BIN_WIDTH * math.hypot(left_error, right_error)
        reach = _REACH * math.hypot(sampling, DETECTOR_ASYMMETRY)
        found[bone] = Asymmetry(
            left_over_right=rounded(math.exp(middle)),
            interval=ends(math.exp(middle - reach), math.exp(middle + reach)),
            n=min(left.total, right.total),
            significant=abs(middle) > reach,
        )
    return found


def _midmean_and_error(tally: Tally, key: str, moments: Mapping[str, float]) -> tuple[float, float]:
    """Copies of a photo say again what it says, so an error goes by moments."""
    middle, error = tally.histogram(key).midmean_and_error()
    return middle, max(error, PHOTO_NOISE / math.sqrt(max(moments[key], 1)))


def disagreements(
    tally: Tally, proportions: Proportions, moments: Mapping[str, float]
) -> dict[str, float]:
    """Finds bones whose plain length contradicts the learned estimate.

    Both read the same landmarks in different ways, so where they disagree something is wrong
    with the photos: a camera that distorts, a majority of somebody else. A minority of photos of
    somebody else is not noticed: it moves either by less than one photo differs from the next.

    Args:
        proportions: What the evidence of the same photos says.
        moments: Key of a bone to how many moments the photos that show it are of.

    Returns:
        Pooled bone to plain over learned length; empty where both agree, or where too few
        moments show a bone to tell.
    """
    if min(moments[key] for key in PROTOTYPE_BONES) < FEWEST_MOMENTS:
        return {}
    keys = {
        bone: [k for k, pooled in PROTOTYPE_BONES.items() if pooled == bone]
        for bone in POOLED_BONES
    }
    plain, errors = {}, {}
    for bone, sides in keys.items():
        told = [_midmean_and_error(tally, key, moments) for key in sides]
        middles, spreads = zip(*told, strict=True)
        plain[bone] = BIN_WIDTH * sum(middles) / len(sides)
        errors[bone] = BIN_WIDTH * math.hypot(*spreads) / len(sides)
    centre = sum(plain.values()) / len(plain)
    differences = {
        bone: plain[bone] - centre - float(proportions.log_lengths[place])
        for place, bone in enumerate(POOLED_BONES)
    }
    return {
        bone: math.exp(difference)
        for bone, difference in differences.items()
        if abs(difference) > DISAGREEMENT + _REACH * errors[bone]
    }
