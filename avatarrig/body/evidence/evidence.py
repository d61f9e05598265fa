"""One photo's evidence about bone lengths, as integers that can be added up."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from avatarrig.body.bones import BONE_VECTORS, HELMERT, POOLING, FloatArray
from avatarrig.body.evidence.geometry import look_at, mirrored
from avatarrig.body.evidence.network import MOST_PRECISION, look
from avatarrig.body.ratios import ratio_bins
from avatarrig.body.refused import StateRefusedError
from avatarrig.wire import Evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from avatarrig.body.evidence.learned import Learned

COORDINATES: Final = len(HELMERT)
"""How many size-free coordinates evidence is given in."""

_TRIANGLE: Final = COORDINATES * (COORDINATES + 1) // 2
INFORMATION_LENGTH: Final = _TRIANGLE + 1
"""How many integers hold the upper triangle of an information matrix, and the scatter."""

FIXED_POINT: Final = 256
"""Integers count 1/256: the rounding of a photo is under 0.01 % of what it says."""

_UPPER = np.triu_indices(COORDINATES)


def _symmetric() -> NDArray[np.intp]:
    """Where each entry of the matrix of all numbers of a photo lies in its row."""
    places = np.zeros((COORDINATES + 1, COORDINATES + 1), np.intp)
    places[_UPPER] = np.arange(_TRIANGLE)
    places[:COORDINATES, COORDINATES] = INFORMATION_LENGTH + np.arange(COORDINATES)
    places[COORDINATES, COORDINATES] = _TRIANGLE
    return np.maximum(places, places.T)


_ALL_NUMBERS = _symmetric()
_PLACES = _ALL_NUMBERS[:COORDINATES, :COORDINATES]
_ROUNDING = np.eye(COORDINATES + 1) * (COORDINATES + 1)
"""Rounding to integers takes away less than the number of rows."""
_TO_COORDINATES = HELMERT @ POOLING.T
_MOST_INFORMATION = MOST_PRECISION * (_TO_COORDINATES**2).sum(axis=1)
_LEAST_BONES = 2
_LEAST_VISIBILITY = 0.1


def evidence_from_landmarks(
    pose: NDArray[np.floating[Any]],
    world: NDArray[np.floating[Any]],
    width: int,
    height: int,
    *,
    learned: Learned,
) -> Evidence | None:
    """Tells what one photo says about a person's proportions.

    The photo is looked at as it is and mirrored, and the mean is taken, so a photo and its
    mirror image say the same.

    Args:
        pose: (33, 5): x and y as shares of the photo's width and height, z, visibility, presence.
        world: (33, 3): metres, hip-centred.
        width: Of the photo in pixels.
        height: Of the photo in pixels.
        learned: What was learned for the pose model that saw the landmarks.

    Returns:
        The evidence, or None where the photo says nothing: landmarks that
        are not numbers, no scale, fewer than 2 bones in sight.

    Raises:
        ValueError: The arrays have other shapes.
    """
    if pose.shape != (33, 5) or world.shape != (33, 3):
        raise ValueError(
            f"landmarks have shapes {pose.shape} and {world.shape}, not (33, 5) and (33, 3)"
        )
    usual = np.isfinite(pose[:, :2]).all() and np.isfinite(world).all() and width > 0 < height
    if not usual:
        return None
    other_pose, other_world = mirrored(pose[None], world[None])
    views = look_at(
        np.stack([np.asarray(pose, np.float64), other_pose[0]]),
        np.stack([np.asarray(world, np.float64), other_world[0]]),
        np.array([[width, height]] * 2, np.float64),
    )
    in_sight = views.visibility[0, : len(BONE_VECTORS)] > _LEAST_VISIBILITY
    if not views.usable.all() or in_sight.sum() < _LEAST_BONES:
        return None
    lengths, precision = look(learned.network, views)
    ratios = ratio_bins(views, learned.network.offset)
    return evidence_of_lengths(lengths, precision, ratios, learned=learned)


def evidence_of_lengths(
    log_lengths: FloatArray, precision: FloatArray, ratios: dict[str, int], *, learned: Learned
) -> Evidence:
    """Packs what a photo's views say, their mean.

    Args:
        log_lengths: (views, 11), each on an unknown scale of its own.
        precision: (views, 11) inverse variances.
        ratios: Bin of the log-histogram for each ratio key that the photo shows.
        learned: The weights that read the lengths.
    """
    information, vector, scatter = information_of(log_lengths, precision)
    return Evidence(
        learned=learned.version,
        information=_quantised(np.append(information.mean(axis=0)[_UPPER], scatter.mean())),
        vector=_quantised(vector.mean(axis=0)),
        ratios=ratios,
    )


def information_of(
    log_lengths: FloatArray, weight: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Turns bone lengths on an unknown common scale into information about proportions.

    The scale is marginalised out under a flat prior: diag(w) - w wᵀ / Σw.

    Args:
        log_lengths: (n, 11).
        weight: (n, 11) inverse variances w.

    Returns:
        Information matrices (n, 6, 6) and vectors (n, 6) in Helmert coordinates, and scatters
        (n,): the weighted squares of the lengths about their mean.
    """
    total = weight.sum(axis=1, keepdims=True)
    outer = weight[:, :, None] * weight[:, None, :] / total[..., None]
    matrix = -outer
    diagonal = np.arange(weight.shape[1])
    matrix[:, diagonal, diagonal] += weight
    centred = log_lengths - (weight * log_lengths).sum(axis=1, keepdims=True) / total
    return (
        _TO_COORDINATES @ matrix @ _TO_COORDINATES.T,
        (weight * centred) @ _TO_COORDINATES.T,
        (weight * centred**2).sum(axis=1),
    )


def check_lengths(evidence: Evidence) -> None:
    """Raises StateRefusedError: It holds another number of integers than evidence does."""
    if len(evidence.information) != INFORMATION_LENGTH or len(evidence.vector) != COORDINATES:
        raise StateRefusedError(
            f"evidence holds {len(evidence.information)} + {len(evidence.vector)} integers, "
            f"expected {INFORMATION_LENGTH} + {COORDINATES}"
        )


def check_possible(photos: Sequence[Evidence], learned: Learned) -> None:
    """Checks that the numbers of each photo are such as one gives, whoever wrote them.

    Information Λ, vector η and scatter s come from bone lengths y with weights W about their
    mean: Λ = AᵀWA, η = AᵀWy, s = yᵀWy. So the matrix of all of them is positive semi-definite,
    which bounds η by Λ and s. The network bounds the weights, and what it doubts; with them Λ
    and s.

    Args:
        photos: Evidence of the version of ``learned``; many at once cost a tenth of one by one.

    Raises:
        StateRefusedError: Those of one are not.
    """
    for evidence in photos:
        check_lengths(evidence)
    rows = np.array([(*one.information, *one.vector) for one in photos], np.float64)
    matrices = rows[:, _ALL_NUMBERS]
    if (np.diagonal(matrices, axis1=1, axis2=2) > _most(learned)).any():
        raise StateRefusedError("evidence says more than one photo can")
    try:
        np.linalg.cholesky(matrices + _ROUNDING)
    except np.linalg.LinAlgError as error:
        raise StateRefusedError("evidence contradicts itself: no bone lengths give it") from error


@functools.lru_cache(maxsize=8)
def _most(learned: Learned) -> FloatArray:
    """Bounds of the diagonal that `check_possible` looks at."""
    return np.append(_MOST_INFORMATION, _most_scatter(learned)) * FIXED_POINT + 1


def _most_scatter(learned: Learned) -> float:
    """Bound of the scatter: the square of a sum is at most twice the sum of the squares."""
    usual, doubted = learned.network.usual, learned.network.tolerance
    spread = float(((usual - usual.mean()) ** 2).sum())
    return 2 * ((len(usual) - 1) * doubted + MOST_PRECISION * spread)


def _quantised(values: FloatArray) -> tuple[int, ...]:
    return tuple(np.rint(values * FIXED_POINT).astype(np.int64).tolist())


def matrix_of(information: tuple[int, ...] | list[int]) -> FloatArray:
    """Unpacks an upper triangle of integers into a symmetric matrix (6, 6)."""
    return np.asarray((np.array(information[:_TRIANGLE], np.float64) / FIXED_POINT)[_PLACES])


def vector_of(vector: tuple[int, ...] | list[int]) -> FloatArray:
    """Unpacks integers into an information vector (6,)."""
    return np.array(vector, np.float64) / FIXED_POINT


def scatter_of(information: tuple[int, ...] | list[int]) -> float:
    """Unpacks the scatter that stands behind the upper triangle."""
    return information[_TRIANGLE] / FIXED_POINT
