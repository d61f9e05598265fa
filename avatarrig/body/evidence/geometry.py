"""What a photo shows of each bone: its vector in the picture, its direction in space, the scale.

World landmarks pull every body towards the average, so they only tell directions; lengths are
taken from pixels (lengths in the picture keep far more of what is special about a person).
Everything works on batches of photos and needs numpy alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from avatarrig.body.bones import BONE_VECTORS, FloatArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXTRA_VECTORS: Final = (
    ((23,), (11,)),
    ((24,), (12,)),
    ((8,), (7,)),
    ((5,), (2,)),
    ((11, 12), (7, 8)),
    ((7, 8), (0,)),
    ((9, 10), (2, 5)),
    ((29,), (31,)),
    ((30,), (32,)),
    ((27,), (31,)),
    ((28,), (32,)),
    ((15,), (19,)),
    ((16,), (20,)),
)
"""Vectors that only inform: trunk sides, ears, eyes, neck, face, feet, ankles to toes, hands."""

VECTOR_ENDS: Final = (*((start, end) for _, start, end in BONE_VECTORS), *EXTRA_VECTORS)
MIRRORED_LANDMARKS: Final = (
    *(0, 4, 5, 6, 1, 2, 3, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15, 18, 17, 20, 19, 22, 21),
    *(24, 23, 26, 25, 28, 27, 30, 29, 32, 31),
)
"""For each landmark, the one that takes its place in a mirrored photo."""

_LANDMARKS = 33
_LEAST_SCALE_WEIGHT = 1e-4
_LEAST_LENGTH = 1e-6


def _averaging(ends: tuple[tuple[int, ...], ...]) -> FloatArray:
    matrix = np.zeros((len(ends), _LANDMARKS))
    for row, landmarks in enumerate(ends):
        matrix[row, list(landmarks)] = 1 / len(landmarks)
    return matrix


_START = _averaging(tuple(start for start, _ in VECTOR_ENDS))
_END = _averaging(tuple(end for _, end in VECTOR_ENDS))
_DIFFERENCE = _END - _START
_MIDDLE = (_END + _START) / 2
_ENDS = [sorted({*start, *end}) for start, end in VECTOR_ENDS]
_SHARE_OF_END = (np.abs(_DIFFERENCE) / np.abs(_DIFFERENCE).sum(axis=1, keepdims=True)).T
_LONGEST = max(map(len, _ENDS))
_ENDS_PADDED = np.array([ends + ends[:1] * (_LONGEST - len(ends)) for ends in _ENDS])
_BONES = len(BONE_VECTORS)


@dataclass(frozen=True)
class Views:
    """A batch of n photos, by vector (v = 24: 11 bones, then `EXTRA_VECTORS`).

    Attributes:
        flat: (n, v, 2) vectors in the picture, in units of one metre of the world landmarks.
        world: (n, v, 3) vectors of the world landmarks, metres; x right, y down, z away.
        flat_length: (n, v) lengths of ``flat``, never 0.
        world_length: (n, v) lengths of ``world``, never 0.
        cosine: (n, v) cosine of each vector's tilt out of the picture plane.
        depth: (n, v) z of the vectors' middles, metres from the hips.
        visibility: (n, v) least visibility of the ends, 0..1.
        inside: (n, v) share of the ends that lie inside the photo, 0..1.
        frame: (n, 6) photo scale over its longer side, the hips' place in the photo (2), aspect,
            mean visibility, log of the residual of the scale.
        usable: (n,) whether the photo has a scale at all.
    """

    flat: FloatArray
    world: FloatArray
    flat_length: FloatArray
    world_length: FloatArray
    cosine: FloatArray
    depth: FloatArray
    visibility: FloatArray
    inside: FloatArray
    frame: FloatArray
    usable: NDArray[np.bool_]


def mirrored(
    pose: NDArray[np.floating[Any]], world: NDArray[np.floating[Any]]
) -> tuple[FloatArray, FloatArray]:
    """Returns the landmarks (n, 33, 5) and (n, 33, 3) of the photos seen in a mirror."""
    order = list(MIRRORED_LANDMARKS)
    flipped_pose = np.array(pose[:, order], dtype=np.float64)
    flipped_pose[..., 0] = 1 - flipped_pose[..., 0]
    flipped_world = np.array(world[:, order], dtype=np.float64)
    flipped_world[..., 0] = -flipped_world[..., 0]
    return flipped_pose, flipped_world


def look_at(
    pose: NDArray[np.floating[Any]], world: NDArray[np.floating[Any]], size: FloatArray
) -> Views:
    """Takes the vectors and the scale from landmarks.

    The scale of a photo, pixels per metre, is the weighted least-squares factor from the world
    vectors of the bones, as they lie in the picture plane, to the picture's own.

    Args:
        pose: (n, 33, 5) x and y as shares of width and height, z, visibility, presence.
        world: (n, 33, 3) metres.
        size: (n, 2) width and height of the photos in pixels.

    Returns:
        The photos by vector; rows that are not ``usable`` hold finite, meaningless values.
    """
    place = _within(pose[..., :2], -4, 5)
    pixels = place * size[:, None]
    space = _within(world, -5, 5)
    seen = _within(pose[..., 3], 0, 1)
    within = ((place > 0) & (place < 1)).all(axis=2).astype(np.float64)

    flat = np.matmul(_DIFFERENCE, pixels)
    vectors = np.matmul(_DIFFERENCE, space)
    visibility = seen[:, _ENDS_PADDED].min(axis=2)
    inside = within @ _SHARE_OF_END

    weight = (visibility**2 * (0.05 + inside))[:, :_BONES]
    along = lengths(vectors[..., :2])
    world_length = lengths(vectors)
    agreement = np.einsum("nvk,nvk->nv", flat[:, :_BONES], vectors[:, :_BONES, :2])
    spread = (weight * along[:, :_BONES] ** 2).sum(axis=1)
    scale = (weight * agreement).sum(axis=1) / np.maximum(spread, _LEAST_SCALE_WEIGHT)
    usable = (spread > _LEAST_SCALE_WEIGHT) & (scale > size.max(axis=1) * 1e-3)
    scale = np.where(usable, scale, size.max(axis=1))
    flat = flat / scale[:, None, None]
    residual = flat[:, :_BONES] - vectors[:, :_BONES, :2]
    misfit = (weight * (residual**2).sum(axis=2)).sum(axis=1) / np.maximum(spread, 1e-9)
    hips = place[:, [23, 24]].mean(axis=1)
    frame = np.stack(
        [
            np.log(scale / size.max(axis=1)),
            np.abs(hips[:, 0] - 0.5),
            hips[:, 1] - 0.5,
            np.log(size[:, 1] / size[:, 0]),
            seen.mean(axis=1),
            np.log(misfit + 1e-4),
        ],
        axis=1,
    )
    return Views(
        flat=flat,
        world=vectors,
        flat_length=lengths(flat),
        world_length=world_length,
        cosine=along / world_length,
        depth=np.matmul(space[..., 2], _MIDDLE.T),
        visibility=visibility,
        inside=inside,
        frame=frame,
        usable=usable,
    )


def lengths(vectors: FloatArray) -> FloatArray:
    """Lengths (n, v) of vectors (n, v, k), never 0."""
    return np.asarray(np.sqrt(np.maximum((vectors * vectors).sum(axis=-1), _LEAST_LENGTH**2)))


def _within(values: NDArray[np.floating[Any]], low: float, high: float) -> FloatArray:
    """Clips; what is not a number becomes 0."""
    finite = np.where(np.isfinite(values), values, 0)
    return np.asarray(np.clip(finite.astype(np.float64), low, high))
