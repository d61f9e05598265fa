"""The bones whose lengths are estimated, and the coordinates that the estimate is made in.

Seven bones are pooled over left and right. Photos carry no absolute size, so only ratios of
lengths can be known: the estimate lives in the 6 Helmert coordinates of the 7 log lengths,
which are free of size by construction.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

POOLED_BONES: Final = ("uarm", "farm", "thigh", "shank", "shoulder", "hip", "torso")
"""Upper arm, forearm, thigh, shank, shoulder width, hip width, mid-shoulder to mid-hip."""

BONE_VECTORS: Final = (
    ("uarm", (11,), (13,)),
    ("uarm", (12,), (14,)),
    ("farm", (13,), (15,)),
    ("farm", (14,), (16,)),
    ("thigh", (23,), (25,)),
    ("thigh", (24,), (26,)),
    ("shank", (25,), (27,)),
    ("shank", (26,), (28,)),
    ("shoulder", (12,), (11,)),
    ("hip", (24,), (23,)),
    ("torso", (23, 24), (11, 12)),
)
"""The 11 vectors seen in a photo: pooled bone, landmarks at its start, landmarks at its end."""

BENCH_RATIOS: Final = {
    "farm/uarm": (("farm",), ("uarm",)),
    "shank/thigh": (("shank",), ("thigh",)),
    "uarm/torso": (("uarm",), ("torso",)),
    "farm/torso": (("farm",), ("torso",)),
    "thigh/torso": (("thigh",), ("torso",)),
    "shank/torso": (("shank",), ("torso",)),
    "arm/leg": (("uarm", "farm"), ("thigh", "shank")),
    "leg/torso": (("thigh", "shank"), ("torso",)),
    "shoulder/torso": (("shoulder",), ("torso",)),
    "hip/torso": (("hip",), ("torso",)),
    "shoulder/hip": (("shoulder",), ("hip",)),
}
"""The ratios that accuracy is measured by: bones added up above and below the line."""

PROTOTYPE_BONES: Final = {
    "shoulder_width": "shoulder",
    "hip_width": "hip",
    "torso_length": "torso",
    "upper_arm_L": "uarm",
    "upper_arm_R": "uarm",
    "lower_arm_L": "farm",
    "lower_arm_R": "farm",
    "upper_leg_L": "thigh",
    "upper_leg_R": "thigh",
    "lower_leg_L": "shank",
    "lower_leg_R": "shank",
}
"""Keys of ``skeleton_estimate.json`` as the prototype wrote them, by pooled bone."""

FloatArray = NDArray[np.float64]


def _helmert(size: int) -> FloatArray:
    rows = np.zeros((size - 1, size))
    for row in range(1, size):
        rows[row - 1, :row] = 1 / np.sqrt(row * (row + 1))
        rows[row - 1, row] = -row / np.sqrt(row * (row + 1))
    return rows


HELMERT: Final = _helmert(len(POOLED_BONES))
"""(6, 7), orthonormal rows that sum to 0: log lengths to size-free coordinates."""

POOLING: Final = np.array(
    [[float(bone == pooled) for pooled in POOLED_BONES] for bone, _, _ in BONE_VECTORS]
)
"""(11, 7): which pooled bone a vector measures."""


def log_ratio(
    log_lengths: FloatArray, above: tuple[str, ...], below: tuple[str, ...]
) -> tuple[float, FloatArray]:
    """Returns the logarithm of a ratio of added lengths, and its gradient.

    Args:
        log_lengths: (7,) natural logarithms in the order of `POOLED_BONES`; a common offset
            cancels.
        above: Bones added up in the numerator.
        below: Bones added up in the denominator.

    Returns:
        The log ratio and its gradient (7,) by the log lengths.
    """
    gradient = np.zeros(len(POOLED_BONES))
    value = 0.0
    for bones, sign in ((above, 1.0), (below, -1.0)):
        places = [POOLED_BONES.index(bone) for bone in bones]
        if len(places) == 1:
            value += sign * float(log_lengths[places[0]])
            gradient[places[0]] += sign
            continue
        top = max(log_lengths[places])
        lengths = np.exp(log_lengths[places] - top)
        value += sign * (float(np.log(lengths.sum())) + top)
        gradient[places] += sign * lengths / lengths.sum()
    return value, gradient
