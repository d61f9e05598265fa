"""Which landmarks of a pose are drawn, on the page and in the terminal alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from avatarrig.body.landmarks import LEFT_HIP, LEFT_SHOULDER, RIGHT_HIP, RIGHT_SHOULDER

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SEEN: Final = 0.35
"""Landmarks less visible than this are left out; as `--overlay-thr` without being told."""

TRUNK: Final = ((LEFT_SHOULDER, LEFT_HIP), (RIGHT_SHOULDER, RIGHT_HIP))
"""The trunk's sides: no bones of an observation, but without them a figure falls apart."""

_FAR: Final = 4.0
"""Photo widths and heights; landmarks are guessed outside the photo, but not so far."""


def visible_landmarks(
    pose: NDArray[np.floating[Any]], width: float, height: float
) -> dict[int, tuple[float, float, float]]:
    """Places the landmarks that can be seen.

    Args:
        pose: 33 × 5: x and y as shares of the photo, z, visibility, presence.

    Returns:
        x, y in the drawing's units, and visibility, by the landmark's number.
    """
    return {
        number: (x * width, y * height, visibility)
        for number, (x, y, _, visibility, _) in enumerate(pose.tolist())
        if SEEN <= visibility < math.inf and abs(x) < _FAR and abs(y) < _FAR
    }
