"""A face laid so that its eyes, nose and mouth are where the embedder expects them."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

SIDE: Final = 112
"""Width and height of an aligned face in pixels."""

PLACES: Final[NDArray[np.float64]] = np.array(
    [
        (38.2946, 51.6963),
        (73.5318, 51.5014),
        (56.0252, 71.7366),
        (41.5493, 92.3655),
        (70.7299, 92.2041),
    ]
)
"""Where right eye, left eye, tip of the nose, right and left corner of the mouth come to lie: the
mean face that SFace, like ArcFace (Deng et al. 2019), was trained on. Right is the person's."""


def similarity(points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Finds turn, scale and shift that bring five points closest to their `PLACES`.

    Least squares without mirroring, after Umeyama (1991).

    Args:
        points: (5, 2) in pixels, in the order of `PLACES`.

    Returns:
        (2, 3): times (x, y, 1) gives the place in the aligned face.

    Raises:
        ValueError: The points are not finite, or all in one place.
    """
    source = np.asarray(points, dtype=np.float64)
    centre, goal = source.mean(axis=0), PLACES.mean(axis=0)
    spread = float(((source - centre) ** 2).sum())
    if not np.isfinite(spread) or spread <= 0:
        raise ValueError("a face needs five points that do not lie in one place")
    # In the complex plane turn and scale are one number, and mirroring cannot come in.
    here = (source - centre) @ (1, 1j)
    there = (PLACES - goal) @ (1, 1j)
    turn = np.vdot(here, there) / spread
    matrix = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([matrix, goal - matrix @ centre])


def align(rgb: Pixels, points: NDArray[np.floating[Any]]) -> Pixels:
    """Cuts a face out, upright.

    Args:
        rgb: The picture, uint8, height x width x 3.
        points: (5, 2) in pixels of the picture.

    Returns:
        uint8, 112 x 112 x 3; black where the picture ends.
    """
    return np.asarray(cv2.warpAffine(rgb, similarity(points), (SIDE, SIDE)), np.uint8)
