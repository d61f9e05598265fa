"""Whom to expect: mean and covariance of people's proportions, between our joints.

How lengths vary together is the survey's (`estimator.anthropometry`), men and women half and half.
The mean is that of the body model's adults, whose joints are ours, with one correction: their legs
are too long for their trunk. In the survey legs over trunk are 1.67 (men 1.64, women 1.71), with
joint centres by de Leva (J. Biomech. 29, 1223, 1996) 1.66 and 1.61; in the body model 1.80.
Children are not in the survey, and no source that measures their bones is at hand.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import numpy as np
from estimator.anthropometry import TABLE

from avatarrig.body.bones import HELMERT, POOLED_BONES

if TYPE_CHECKING:
    from avatarrig.body.bones import FloatArray

LEG_OVER_TORSO: Final = 1.68
_SHANK_OVER_THIGH: Final = 1.043
"""Of the body model and, to a thousandth, of the survey."""

_OVER_TORSO: Final = {
    "uarm": 0.592,
    "farm": 0.499,
    "thigh": LEG_OVER_TORSO / (1 + _SHANK_OVER_THIGH),
    "shank": LEG_OVER_TORSO * _SHANK_OVER_THIGH / (1 + _SHANK_OVER_THIGH),
    "shoulder": 0.739,
    "hip": 0.441,
    "torso": 1.0,
}


def mean_of_people() -> FloatArray:
    """Helmert coordinates (6,) of the average person."""
    return np.asarray(HELMERT @ np.log([_OVER_TORSO[bone] for bone in POOLED_BONES]))


def covariance_of_people() -> FloatArray:
    """Covariance (6, 6) of people's Helmert coordinates.

    Half way between lengths as measured, which hold errors of measuring, and as the person's other
    measurements foretell them, which lack what is theirs alone; men and women are each half of the
    people, and differ in their means too.
    """
    table = json.loads(TABLE.read_text())
    men, women = table["men"], table["women"]
    apart = (np.array(men["mean"]) - np.array(women["mean"])) / 2
    within = np.mean(
        [sex[f"covariance_{kind}"] for sex in (men, women) for kind in ("measured", "foretold")],
        axis=0,
    )
    return np.asarray(HELMERT @ (within + np.outer(apart, apart)) @ HELMERT.T)
