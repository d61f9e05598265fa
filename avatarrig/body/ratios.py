"""Plain bone lengths of single photos, for people to look at and to doubt the estimate by.

Each is the length in the picture, over the photo's scale, over the cosine of the bone's tilt,
less the constant by which the landmarks misplace the bone: the per-bone estimate that is best
without learning. Only bones that lie well in the picture are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from avatarrig.body.bones import BONE_VECTORS, FloatArray
from avatarrig.body.evidence.features import cosines, observed
from avatarrig.body.sums.histogram import bin_of
from avatarrig.wire.estimate import FACE_RATIOS

if TYPE_CHECKING:
    from avatarrig.body.evidence.geometry import Views

RATIO_KEYS: Final = (
    "upper_arm_L",
    "upper_arm_R",
    "lower_arm_L",
    "lower_arm_R",
    "upper_leg_L",
    "upper_leg_R",
    "lower_leg_L",
    "lower_leg_R",
    "shoulder_width",
    "hip_width",
    "torso_length",
)
"""Names of the 11 bones, sides apart, in the order of `avatarrig.body.bones.BONE_VECTORS`."""

FACE_KEYS: Final = tuple(f"face_{key}" for key in FACE_RATIOS)
"""Names of the face's proportions among all that a photo shows."""

SHOWN_KEYS: Final = (*RATIO_KEYS, *FACE_KEYS)

_LEAST_VISIBILITY = 0.5
_LEAST_COSINE = 0.6
"""A bone tilted further than 53° is too much foreshortened to be read on its own."""
_WHOLLY = 0.999


def ratio_bins(views: Views, offset: FloatArray) -> dict[str, int]:
    """Reads the bones of one photo.

    Args:
        views: At least one view; the first one is read.
        offset: (11,) log length that landmarks place too much on each bone.

    Returns:
        Key to bin of the log-histogram, for each bone that lies well in the picture. A bin
        stands for a length in units of one metre of the world landmarks: an average body's.
    """
    bones = len(BONE_VECTORS)
    readable = (
        (views.visibility[0, :bones] >= _LEAST_VISIBILITY)
        & (views.inside[0, :bones] >= _WHOLLY)
        & (cosines(views)[0, :bones] >= _LEAST_COSINE)
    )
    lengths = np.exp(observed(views)[0] - offset)
    return {key: bin_of(float(lengths[i])) for i, key in enumerate(RATIO_KEYS) if readable[i]}
