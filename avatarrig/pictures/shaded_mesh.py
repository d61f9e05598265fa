"""Meshes drawn from the front: flat shaded, in the colours of their materials, far ones first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

_BACKGROUND: Final = (238, 236, 234)
_INK: Final = (70, 66, 62)
_HEIGHT: Final = 900
"""Of the picture, in pixels."""
_MARGIN: Final = 0.06
_CAPTION: Final = 34
_LIGHT: Final = np.array([0.35, 0.45, 0.82])
_DARKEST: Final = 0.45
_SHIFT: Final = 4
"""Bits of a pixel's fraction."""
_WIDEST: Final = 1.6
"""Width of one picture over its height, at most."""


class Mesh(msgspec.Struct, frozen=True, kw_only=True):
    """Triangles in a person's own directions.

    Attributes:
        points: To the person's left, up, to the front: (n, 3).
        triangles: Corners: (m, 3).
        colours: Red, green, blue, 0 to 1: (m, 3).
        two_sided: Whether the back of each is seen: (m,).
    """

    points: NDArray[np.float64]
    triangles: NDArray[np.int64]
    colours: NDArray[np.float64]
    two_sided: NDArray[np.bool_]


def draw_side_by_side(meshes: Sequence[tuple[str, Mesh]]) -> NDArray[np.uint8]:
    """Draws meshes beside one another, from the front, by one camera and scale.

    Returns:
        The picture: (`_HEIGHT`, width, 3), blue first.
    """
    low = np.min([mesh.points.min(axis=0) for _, mesh in meshes], axis=0)
    high = np.max([mesh.points.max(axis=0) for _, mesh in meshes], axis=0)
    size = np.maximum(high - low, 1e-9)
    room = (1 - 2 * _MARGIN) * (_HEIGHT - _CAPTION)
    scale = min(room / size[1], _WIDEST * room / size[0])
    width = int(scale * size[0] + 2 * _MARGIN * _HEIGHT)
    pictures = [
        _captioned(_drawn(mesh, low, scale, (width, _HEIGHT - _CAPTION)), caption)
        for caption, mesh in meshes
    ]
    return np.hstack(pictures)


def _drawn(
    mesh: Mesh, low: NDArray[np.float64], scale: float, size: tuple[int, int]
) -> NDArray[np.uint8]:
    width, height = size
    picture = np.full((height, width, 3), _BACKGROUND, np.uint8)
    corners = mesh.points[mesh.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normals, axis=1)
    normals /= np.maximum(area, 1e-20)[:, None]
    seen = (area > 0) & (mesh.two_sided | (normals[:, 2] > 0))
    facing = np.where(normals[:, 2:] < 0, -normals, normals)
    light = _DARKEST + (1 - _DARKEST) * np.clip(facing @ (_LIGHT / np.linalg.norm(_LIGHT)), 0, 1)
    colours = (255 * np.clip(mesh.colours * light[:, None], 0, 1))[:, ::-1]
    flat = (corners[:, :, :2] - low[:2]) * scale
    flat[:, :, 0] += _MARGIN * (height + _CAPTION)
    flat[:, :, 1] = height - _MARGIN * height - flat[:, :, 1]
    fixed = np.round(flat * (1 << _SHIFT)).astype(np.int32)
    depth = corners[:, :, 2].mean(axis=1)
    for index in np.flatnonzero(seen)[np.argsort(depth[seen], kind="stable")]:
        cv2.fillConvexPoly(picture, fixed[index], colours[index].tolist(), cv2.LINE_8, _SHIFT)
    return picture


def _captioned(picture: NDArray[np.uint8], caption: str) -> NDArray[np.uint8]:
    band = np.full((_CAPTION, picture.shape[1], 3), _BACKGROUND, np.uint8)
    place = (int(_MARGIN * picture.shape[1]), _CAPTION - 12)
    cv2.putText(band, caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.55, _INK, 1, cv2.LINE_AA)
    return np.vstack([picture, band])
