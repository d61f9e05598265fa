"""The face mesh, drawn lightly."""

from __future__ import annotations

import functools
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarrig.pictures.style import MIDDLE, Colour, Pixels

_MESH_ALPHA: Final = 0.3
_FEATURES_ALPHA: Final = 0.75
_FEATURES: Final = Colour(140, 240, 210)
_SMALLEST_MESH: Final = 60.0
"""Pixels of face width below which the fine mesh would only be a blot."""
_SHIFT: Final = 4


def draw(canvas: Pixels, points: NDArray[np.float32]) -> None:
    """Draws mesh and features of a face in place.

    Args:
        canvas: (height, width, 3) uint8.
        points: (478, 2) pixels.
    """
    height, width = canvas.shape[:2]
    low = np.floor(points.min(axis=0) - 4).astype(int).clip(0, [width, height])
    high = np.ceil(points.max(axis=0) + 4).astype(int).clip(0, [width, height])
    area = canvas[low[1] : high[1], low[0] : high[0]]
    if not area.size:
        return
    mesh, features = _edges()
    face_width = float(np.ptp(points[:, 0]))
    fixed = np.rint((points - low) * 2**_SHIFT).astype(np.int32)
    thickness = max(1, round(face_width / 260))
    if face_width >= _SMALLEST_MESH:
        _blend_lines(area, fixed[mesh], MIDDLE, thickness, _MESH_ALPHA)
    _blend_lines(area, fixed[features], _FEATURES, thickness, _FEATURES_ALPHA)


def _blend_lines(
    area: Pixels, lines: NDArray[np.int32], colour: Colour, thickness: int, alpha: float
) -> None:
    before = np.ascontiguousarray(area)
    drawn = before.copy()
    cv2.polylines(
        drawn,
        list(lines),
        isClosed=False,
        color=colour,
        thickness=thickness,
        lineType=cv2.LINE_AA,
        shift=_SHIFT,
    )
    area[:] = cv2.addWeighted(drawn, alpha, before, 1 - alpha, 0)


@functools.cache
def _edges() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Gives the pairs of points that MediaPipe connects: the mesh, and the features."""
    from avatarrig.detectors.runtime import vision  # noqa: PLC0415 - whoever draws a face has it loaded, nobody else needs it

    connections = vision.FaceLandmarksConnections
    irises = connections.FACE_LANDMARKS_LEFT_IRIS + connections.FACE_LANDMARKS_RIGHT_IRIS
    groups = (connections.FACE_LANDMARKS_TESSELATION, connections.FACE_LANDMARKS_CONTOURS + irises)
    mesh, features = (np.array([(edge.start, edge.end) for edge in group]) for group in groups)
    return _each_once(mesh), _each_once(features)


def _each_once(edges: NDArray[np.intp]) -> NDArray[np.intp]:
    """MediaPipe lists most edges twice, once in either direction."""
    return np.unique(np.sort(edges, axis=1), axis=0)
