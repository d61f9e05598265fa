"""Triangles that a fit would tear, drawn together again.

Weights that were guessed by a program change abruptly: of two vertices a hair's breadth apart one
is the left thigh's, the other the right one's, and where the thighs part, so do they. A triangle
that is stretched far more than any bone is given a shape within bounds, its vertices being moved as
little as that takes, again and again until none is torn (strain limiting by projection; Bouaziz et
al., Projective Dynamics, 2014, section 5.1). Where that tears others, since all triangles there are
slivers, vertices are first moved more like their neighbours. What keeps its shape is not moved.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from avatarrig.avatar.gltf.accessors import Floats
from avatarrig.avatar.regions import ENDS
from avatarrig.avatar.surfaces import Surface, triangles

_TORN: Final = 2.0
"""A triangle is torn where it is stretched so many times more than any bone; where all bones change
alike, ``_TORN_AMONG_ALIKE`` times."""
_TORN_AMONG_ALIKE: Final = 1.5
_MENDED: Final = 0.8
"""How much a torn triangle is stretched after it was mended, over what would tear it."""
_ROUNDS: Final = 40
_EVENED: Final = 12
"""How often displacements are evened where drawing together does not do."""
_DRAWN: Final = 3
"""How often of these triangles are drawn together afterwards."""
_SWEEPS: Final = 5
_NEAR: Final = 1e-5
"""Vertices that are nearer than this, over the body's size, count as so far apart."""
_FAR: Final = 0.02
"""How far a vertex is moved at most, over the body's size."""
_FEW: Final = 0.002
_SOME: Final = 10
"""Share and number of torn triangles up to which they are mended: where more are, weights are."""
_THIN: Final = 5e-5
"""Triangles of less height than this, over the body's size, have no shape to keep."""
_FIXED: Final = 0.99
"""Weight of parts that keep their shape, from which on they alone hold a vertex."""
_SAME: Final = 1e-7
"""Distance over the body's size within which two vertices are one."""
_SEAM: Final = 1e-3
"""How far a seam may open, over the body's size, and be closed again."""

Indices = NDArray[np.int64]


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """The smallest and the largest factor of any part of a body, and its size."""

    low: float
    high: float
    size: float

    @property
    def limits(self) -> tuple[float, float]:
        """How many times more than any bone a triangle is stretched that is torn; at worst."""
        return min(_TORN, _TORN_AMONG_ALIKE * math.sqrt(self.high / self.low)), _TORN


class _Web(msgspec.Struct, frozen=True, kw_only=True):
    """Vertices, those that lie and move together as one, and the triangles between them.

    Attributes:
        number: Which vertex each stored one is: (stored,).
        before: (n, 3).
        after: (n, 3).
        free: Which may be moved: (n,).
        corners: (triangles, 3).
    """

    number: Indices
    before: Floats
    after: Floats
    free: NDArray[np.bool_]
    corners: Indices


class _Triangles(msgspec.Struct, frozen=True, kw_only=True):
    """Triangles that have a shape.

    Attributes:
        corners: (triangles, 3).
        undone: What undoes the shape: (triangles, 2, 2).
        limit: How many times more than any bone one is stretched that is torn.
    """

    corners: Indices
    undone: Floats
    bounds: Bounds
    limit: float

    def stretched(self, points: Floats) -> Floats:
        """How many times more than any bone each is stretched or squeezed: (triangles,)."""
        strains = _strains(points, self.corners, self.undone)
        squeezed = self.bounds.low / np.maximum(strains[:, 1], np.finfo(float).tiny)
        stretched: Floats = np.maximum(strains[:, 0] / self.bounds.high, squeezed)
        return stretched

    def stretched_again(
        self, stretched: Floats, points: Floats, moved: NDArray[np.bool_]
    ) -> Floats:
        """The same where only some vertices have moved since."""
        touched = moved[self.corners].any(axis=1)
        some = msgspec.structs.replace(
            self, corners=self.corners[touched], undone=self.undone[touched]
        )
        stretched = stretched.copy()
        stretched[touched] = some.stretched(points)
        return stretched


def relax(
    source: tuple[dict[str, Any], bytes],
    surfaces: Sequence[Surface],
    moved: Sequence[Floats],
    bounds: Bounds,
) -> list[Floats]:
    """Draws torn triangles together.

    Args:
        source: The document and its numbers.
        moved: Where the vertices of each surface went, in the scene.

    Returns:
        Where they go instead; the very same where nothing is torn, or too much.
    """
    before = np.concatenate([surface.points for surface in surfaces])
    after = np.concatenate(list(moved))
    fixed = np.concatenate([surface.weight_of(ENDS) for surface in surfaces]) > _FIXED
    joined = _joined(before, after, fixed, bounds.size)
    relaxed = joined + _shift(_corners(source, surfaces), (before, joined), fixed, bounds)
    ends = np.cumsum([len(own) for own in moved])[:-1]
    return [
        own if np.array_equal(own, new) else new
        for own, new in zip(moved, np.split(relaxed, ends), strict=True)
    ]


def _joined(before: Floats, after: Floats, fixed: NDArray[np.bool_], size: float) -> Floats:
    """Closes seams that hardly opened: vertices in one place whose weights hardly differ."""
    _, number = np.unique(np.round(before / (_SAME * size)), axis=0, return_inverse=True)
    number = number.reshape(-1)
    held = np.bincount(number, fixed) > 0
    weight = np.where(held[number], fixed, 1.0)
    total = np.bincount(number, weight)
    sums = [np.bincount(number, weight * column) for column in after.T]
    middle = (np.stack(sums, axis=1) / total[:, None])[number]
    apart = np.linalg.norm(after - middle, axis=1)
    widest = np.zeros(len(total))
    np.maximum.at(widest, number, apart)
    closed = (widest[number] < _SEAM * size) & (apart > _SAME * size)
    return np.where(closed[:, None], middle, after)


def _shift(
    corners: Indices, poses: tuple[Floats, Floats], fixed: NDArray[np.bool_], bounds: Bounds
) -> Floats:
    """How vertices are moved so that nothing is torn: (n, 3)."""
    web = _web(corners, poses, fixed, bounds.size)
    shapes = _shapes(web, bounds.size)
    points = web.after
    for limit in bounds.limits:
        if points is web.after:
            shaped = _Triangles(corners=shapes[0], undone=shapes[1], bounds=bounds, limit=limit)
            points = _mended(web, shaped)
    shift: Floats = (points - web.after)[web.number]
    return shift


def _mended(web: _Web, shaped: _Triangles) -> Floats:
    """The vertices so that nothing is torn; otherwise so that the worst is torn least."""
    points = best = web.after
    stretched = shaped.stretched(points)
    least = np.inf
    near = np.zeros(len(points), np.bool_)
    for turn in range(_EVENED):
        torn = stretched > shaped.limit
        if _are_many(torn):
            break
        if stretched.max(initial=0) < least:
            least, best = stretched.max(initial=0), points
        if not torn.any():
            break
        if turn < _DRAWN:
            drawn = _drawn(points, stretched, web, shaped)
            if drawn is not None:
                return drawn
        near[shaped.corners[torn]] = True
        points = _evened(points, web, near & web.free, shaped.bounds)
        stretched = shaped.stretched_again(stretched, points, near)
    return best


def _are_many(torn: NDArray[np.bool_]) -> bool:
    return bool(np.count_nonzero(torn) > max(_SOME, _FEW * len(torn)))


def _drawn(points: Floats, stretched: Floats, web: _Web, shaped: _Triangles) -> Floats | None:
    """Draws torn triangles together until none is; None where that goes too far, or tears more."""
    points, bounds = points.copy(), shaped.bounds
    mended = max(1.0, _MENDED * shaped.limit)
    limits = (bounds.low / mended, mended * bounds.high)
    for _ in range(_ROUNDS):
        torn = stretched > shaped.limit
        if not torn.any():
            shift = np.linalg.norm(points - web.after, axis=1)
            return points if shift.max() < _FAR * bounds.size else None
        if _are_many(torn):
            break
        corners = shaped.corners[torn]
        _project(points, web.free, (corners, shaped.undone[torn]), limits)
        moved = np.zeros(len(points), np.bool_)
        moved[corners] = True
        stretched = shaped.stretched_again(stretched, points, moved)
    return None


def _evened(points: Floats, web: _Web, near: NDArray[np.bool_], bounds: Bounds) -> Floats:
    """Moves some vertices more like their neighbours; the nearer these, the more alike."""
    sides = np.concatenate([web.corners[:, pair] for pair in ((0, 1), (1, 2), (2, 0))])
    sides = np.unique(np.sort(sides[near[sides].any(axis=1)], axis=1), axis=0)
    length = np.linalg.norm(web.before[sides[:, 0]] - web.before[sides[:, 1]], axis=1)
    weight = np.maximum(length, _NEAR * bounds.size) ** -2.0
    touched, number = np.unique(sides, return_inverse=True)
    one, other = number.reshape(-1, 2).T
    total = np.bincount(number.reshape(-1), np.repeat(weight, 2), len(touched))
    growth = math.sqrt(bounds.low * bounds.high)
    shift = points[touched] - growth * web.before[touched]
    for _ in range(_SWEEPS):
        neighbours = np.zeros_like(shift)
        np.add.at(neighbours, one, weight[:, None] * shift[other])
        np.add.at(neighbours, other, weight[:, None] * shift[one])
        halfway = (shift + neighbours / total[:, None]) / 2
        shift = np.where(near[touched, None], halfway, shift)
    evened = points.copy()
    evened[touched] = growth * web.before[touched] + shift
    return evened


def _corners(source: tuple[dict[str, Any], bytes], surfaces: Sequence[Surface]) -> Indices:
    """All triangles: (triangles, 3)."""
    corners: list[Indices] = [np.zeros((0, 3), np.int64)]
    start = 0
    for surface in surfaces:
        corners += [start + triangles(*source, use) for use in surface.uses]
        start += len(surface.points)
    return np.unique(np.concatenate(corners), axis=0)


def _web(
    corners: Indices, poses: tuple[Floats, Floats], fixed: NDArray[np.bool_], size: float
) -> _Web:
    before, after = poses
    places = np.round(np.concatenate([before, after], axis=1) / (_SAME * size))
    _, first, number = np.unique(places, axis=0, return_index=True, return_inverse=True)
    number = number.reshape(-1)
    free = np.bincount(number, fixed, len(first)) == 0
    own = number[corners]
    return _Web(
        number=number,
        before=before[first],
        after=after[first],
        free=free,
        corners=own[(own[:, 0] != own[:, 1]) & (own[:, 1] != own[:, 2]) & (own[:, 2] != own[:, 0])],
    )


def _edges(points: Floats, corners: Indices) -> Floats:
    """The two edges at each triangle's first corner, as columns: (triangles, 3, 2)."""
    first = points[corners[:, 0]]
    return np.stack([points[corners[:, 1]] - first, points[corners[:, 2]] - first], axis=2)


def _shapes(web: _Web, size: float) -> tuple[Indices, Floats]:
    """Triangles that have a shape, and what undoes it: (triangles, 3), (triangles, 2, 2)."""
    edges = _edges(web.before, web.corners)
    along, other = edges[:, :, 0], edges[:, :, 1]
    length = np.maximum(np.linalg.norm(along, axis=1), 1e-12 * size)
    beside = np.einsum("ni,ni->n", other, along) / length
    height = np.sqrt(np.maximum(np.einsum("ni,ni->n", other, other) - beside**2, 0))
    longest = np.maximum(length, np.linalg.norm(other, axis=1))
    longest = np.maximum(longest, np.linalg.norm(other - along, axis=1))
    kept = (length * height / longest > _THIN * size) & (length > _THIN * size)
    length, beside, height = length[kept], beside[kept], height[kept]
    undo = np.zeros((len(length), 2, 2))
    undo[:, 0, 0] = 1 / length
    undo[:, 0, 1] = -beside / (length * height)
    undo[:, 1, 1] = 1 / height
    return web.corners[kept], undo


def _strains(points: Floats, corners: Indices, shapes: Floats) -> Floats:
    """The largest and the smallest stretch of each triangle: (triangles, 2)."""
    strain = _edges(points, corners) @ shapes
    square = np.einsum("nki,nkj->nij", strain, strain)
    middle = (square[:, 0, 0] + square[:, 1, 1]) / 2
    apart = np.hypot((square[:, 0, 0] - square[:, 1, 1]) / 2, square[:, 0, 1])
    squares = np.maximum(np.stack([middle + apart, middle - apart], axis=1), 0)
    stretches: Floats = np.sqrt(squares)
    return stretches


def _project(
    points: Floats,
    free: NDArray[np.bool_],
    torn: tuple[Indices, Floats],
    limits: tuple[float, float],
) -> None:
    """Moves the corners of torn triangles so that their stretches come within limits, in place."""
    corners, shapes = torn
    edges = _edges(points, corners)
    left, stretches, right = np.linalg.svd(edges @ shapes, full_matrices=False)
    strain = (left * np.clip(stretches, *limits)[:, None, :]) @ right
    change = np.zeros((len(corners), 3, 3))  # of each corner, when the first one stays
    change[:, 1:] = (strain @ np.linalg.inv(shapes) - edges).transpose(0, 2, 1)
    weight = free[corners].astype(float)[:, :, None]
    weight = np.where(weight.sum(axis=1, keepdims=True) > 0, weight, 1)
    change -= (weight * change).sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
    touched, number = np.unique(corners.reshape(-1), return_inverse=True)
    total = np.zeros((len(touched), 3))
    np.add.at(total, number.reshape(-1), change.reshape(-1, 3))
    total /= np.bincount(number.reshape(-1))[:, None]
    points[touched] += np.where(free[touched, None], total, 0)
