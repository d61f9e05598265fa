"""Which pose belongs to a face, and where to look for one that the whole photo did not show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatarrig.detectors.faces.finding import Face
from avatarrig.detectors.who import Box

Floats = NDArray[np.float32]

SAME_HEAD: Final = 0.5
"""A pose whose nose and eyes are at most so far from the face's, in its widths, has this face. In
six public photos of people side by side, 20 poses lay within 0.32 of their own faces; one at 0.66
was put together from two people, with the trunk of the one in front."""

# The five points of a face among the pose's landmarks: eyes, nose, corners of the mouth.
_POSE_POINTS: Final = (5, 2, 0, 10, 9)

# Crops around the face in its widths: left, above, right, below. A whole body takes up to eight
# faces below the chin, a bust in a crowd no more than three.
_REACHES: Final = (
    (3.5, 1.5, 3.5, 8.0),
    (2.5, 1.2, 2.5, 4.5),
    (1.8, 1.2, 1.8, 2.5),
)


def distance(pose: Floats, face: Face, width: int, height: int) -> float:
    """Tells how far a pose's face is from a face, in widths of the face.

    Args:
        pose: (33, 5) in shares of the picture.
        face: In pixels of the picture.
        width: The picture's width in pixels.

    Returns:
        Root mean square over five points; below `SAME_HEAD` they are one person's.
    """
    points = pose[list(_POSE_POINTS), :2].astype(float) * (width, height)
    # A head in profile has both corners of the mouth in one place: order matters little.
    apart = points - face.points
    return float(np.sqrt((apart**2).sum(axis=1).mean())) / max(face.width, 1e-6)


def nearest(poses: Sequence[Floats], face: Face, width: int, height: int) -> int | None:
    """Finds the pose that has this face.

    Args:
        poses: (33, 5) each, in shares of the picture.
        face: In pixels of the picture.
        width: The picture's width in pixels.

    Returns:
        Its place in `poses`; None where the face is nobody's among them.
    """
    far = [distance(pose, face, width, height) for pose in poses]
    best = min(range(len(far)), key=far.__getitem__, default=None)
    return best if best is not None and far[best] <= SAME_HEAD else None


def crops(face: Face, width: int, height: int) -> tuple[Box, ...]:
    """Gives the places to look at for the person with a face, largest first.

    Args:
        face: In pixels of the picture.
        width: The picture's width in pixels.

    Returns:
        Boxes in shares of the picture, cut off at its edges.
    """
    across, down = face.centre
    size = max(face.width, face.height * 0.75)
    return tuple(
        Box(
            *(
                min(max(edge, 0.0), 1.0)
                for edge in (
                    (across - left * size) / width,
                    (down - above * size) / height,
                    (across + right * size) / width,
                    (down + below * size) / height,
                )
            )
        )
        for left, above, right, below in _REACHES
    )
