"""Proportions of a face, from the 478 points that are stored of each photo.

Distances are in three dimensions, in photos where the face looks into the camera within 30°. The
points are those of MediaPipe's face mesh with irises.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

_FOREHEAD, _CHIN = 10, 152
_RIGHT_CHEEK, _LEFT_CHEEK = 234, 454
_RIGHT_JAW, _LEFT_JAW = 172, 397
_RIGHT_IRIS, _LEFT_IRIS = 468, 473
_WIDTH: Final = (_RIGHT_CHEEK, _LEFT_CHEEK)
RATIOS: Final = {
    "height_to_width": (_FOREHEAD, _CHIN),
    "eye_distance_to_width": (_RIGHT_IRIS, _LEFT_IRIS),
    "jaw_to_width": (_RIGHT_JAW, _LEFT_JAW),
}
"""What is measured over the face's width: between which points."""
_FRONTAL: Final = math.cos(math.radians(30))
_TAIL: Final = 0.05


class FaceRatio(msgspec.Struct, frozen=True, kw_only=True):
    """A proportion of a face.

    Attributes:
        interval: What contains the median of all such photos with 90 % probability. What the
            detector gets wrong in all of them is not in it.
    """

    value: float
    interval: tuple[float, float]
    n: int


def face_ratios(faces: Iterable[tuple[NDArray[np.float64], int, int]]) -> dict[str, FaceRatio]:
    """Measures a face over photos.

    Args:
        faces: Points of each face (478, 3) as shares of the photo's width and height, z in the
            scale of x; width and height in pixels.

    Returns:
        By `RATIOS`; empty where no photo shows the face from the front.
    """
    rows = []
    for points, width, height in faces:
        places = points * np.array([width, height, width], float)
        if _is_frontal(places):
            across = _apart(places, _WIDTH)
            rows.append([_apart(places, pair) / across for pair in RATIOS.values()])
    if not rows:
        return {}
    columns = np.sort(np.array(rows), axis=0).T
    return {key: _ratio(values) for key, values in zip(RATIOS, columns, strict=True)}


def _is_frontal(places: NDArray[np.float64]) -> bool:
    across = places[_LEFT_CHEEK] - places[_RIGHT_CHEEK]
    down = places[_CHIN] - places[_FOREHEAD]
    normal = np.cross(across, down)
    size = float(np.linalg.norm(normal))
    return size > 0 and abs(float(normal[2])) / size > _FRONTAL


def _apart(places: NDArray[np.float64], pair: tuple[int, int]) -> float:
    return float(np.linalg.norm(places[pair[0]] - places[pair[1]]))


def _ratio(values: NDArray[np.float64]) -> FaceRatio:
    """Median and, without an assumption on the distribution, its interval: order statistics."""
    count = len(values)
    below, rank = 0.5**count, 0
    while rank + 1 <= (count - 1) // 2 and below + math.comb(count, rank + 1) * 0.5**count <= _TAIL:
        rank += 1
        below += math.comb(count, rank) * 0.5**count
    low, high = float(values[rank]), float(values[count - 1 - rank])
    return FaceRatio(
        value=round(float(np.median(values)), 4), interval=(round(low, 4), round(high, 4)), n=count
    )
