"""The numbers that the network looks at, for each photo.

All are free of the photo's size in pixels, of its shape, and of how it is turned: what was learned
from some cameras holds for others. Left and right take fixed places, and a photo is always looked
at twice, as it is and mirrored, so that sides are treated alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from avatarrig.body.bones import BONE_VECTORS, FloatArray
from avatarrig.body.evidence.geometry import EXTRA_VECTORS

if TYPE_CHECKING:
    from avatarrig.body.evidence.geometry import Views

LEAST_COSINE: Final = 0.25
"""A bone that points at the camera more than this says nothing about its length."""

FEATURES_VERSION: Final = 2
"""To be raised with every change to what `features` or `observed` return."""

_BONES = len(BONE_VECTORS)
_OF_THE_WHOLE: Final = (4, 5)
"""Of `Views.frame`: mean visibility, and how badly picture and space agree. The others tell of
the camera, its framing and the picture's shape: nothing that bodies' lengths depend on."""

FEATURE_COUNT: Final = 9 * _BONES + 4 * len(EXTRA_VECTORS) + len(_OF_THE_WHOLE)


def cosines(views: Views) -> FloatArray:
    """Cosine (n, v) of each vector's tilt out of the picture plane, by the world landmarks."""
    return views.cosine


def observed(views: Views) -> FloatArray:
    """Log lengths (n, 11) of the bones, tilt undone, on the photo's own scale."""
    cosine = np.maximum(cosines(views)[:, :_BONES], LEAST_COSINE)
    return np.asarray(np.log(views.flat_length[:, :_BONES] / cosine))


def base_log_precision(views: Views) -> FloatArray:
    """Log precision (n, 11) by rule: falls with visibility, tilt, and ends outside the photo."""
    visibility = views.visibility[:, :_BONES]
    inside = views.inside[:, :_BONES]
    cosine = np.maximum(cosines(views)[:, :_BONES], LEAST_COSINE)
    return np.asarray(
        2 * np.log(np.maximum(visibility, 0.05)) + np.log(0.1 + inside) + 2 * np.log(cosine)
    )


def features(views: Views) -> FloatArray:
    """Everything about the photos that may tell bone lengths or their errors.

    Args:
        views: n photos.

    Returns:
        (n, `FEATURE_COUNT`), finite, not standardised.
    """
    log_flat = np.maximum(np.log(views.flat_length), -6)
    log_world = np.maximum(np.log(views.world_length), -6)
    cosine = views.cosine
    out_of_plane = views.world[..., 2] / views.world_length
    bones, extra = slice(0, _BONES), slice(_BONES, None)
    direction = views.flat[:, bones] / views.flat_length[:, bones, None]
    along = cosine[:, bones] * views.world_length[:, bones]
    world_direction = views.world[:, bones, :2] / along[..., None]
    turn = direction[..., 0] * world_direction[..., 1] - direction[..., 1] * world_direction[..., 0]
    columns = [
        log_flat[:, bones],
        log_flat[:, bones] - np.log(np.maximum(cosine[:, bones], LEAST_COSINE)),
        log_world[:, bones],
        cosine[:, bones],
        out_of_plane[:, bones],
        views.visibility[:, bones],
        views.inside[:, bones],
        turn,
        views.depth[:, bones],
        log_flat[:, extra],
        log_world[:, extra],
        out_of_plane[:, extra],
        views.visibility[:, extra],
        views.frame[:, _OF_THE_WHOLE],
    ]
    return np.concatenate(columns, axis=1)
