"""The small network that corrects the bone lengths of a photo and tells how far to trust them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from avatarrig.body.bones import BONE_VECTORS, FloatArray
from avatarrig.body.evidence.features import (
    base_log_precision,
    features,
    observed,
)

if TYPE_CHECKING:
    from avatarrig.body.evidence.geometry import Views

OFFSET_SHARE: Final = 0.3
"""Scale of the network's offset: a unit output moves a log length by 0.3."""

LOG_PRECISION_RANGE: Final = (-4.0, 6.0)
"""Bounds of a bone's log precision in one photo: an error of 740 % to 5 %. The upper bound caps
what any single photo can say."""

MOST: Final = 3.0
"""Standardised features beyond this count as this: nothing acts outside what was learned from."""

MOST_PRECISION: Final = math.exp(LOG_PRECISION_RANGE[1])

_BONES = len(BONE_VECTORS)
_LEAKAGE = 0.1


@dataclass(frozen=True)
class Network:
    """A residual perceptron; members of an ensemble are averaged.

    Attributes:
        centre: (f,) subtracted from the features.
        spread: (f,) the features are divided by it, then clipped at ±`MOST`.
        offset: (11,) log length that the landmarks place too much on each bone.
        layers: Weights and biases by name, the first axis being the ensemble's.
        usual: (11,) log lengths of an average person, up to a common offset.
        tolerance: How badly a photo may fit an average person before it counts half: the mean
            square, over bones, of its deviations in its own standard deviations.
    """

    centre: FloatArray
    spread: FloatArray
    offset: FloatArray
    layers: dict[str, FloatArray]
    usual: FloatArray
    tolerance: float


def look(network: Network, views: Views) -> tuple[FloatArray, FloatArray]:
    """Reads bone lengths off photos.

    Args:
        network: What was learned.
        views: n photos.

    Returns:
        Log lengths (n, 11) on each photo's own unknown scale, and inverse variances (n, 11).
        Photos that fit nobody are trusted less: misplaced landmarks, or not a person at all.
    """
    standard = np.clip((features(views) - network.centre) / network.spread, -MOST, MOST)
    outputs = _forward(network.layers, standard).mean(axis=0)
    lengths = observed(views) - network.offset + OFFSET_SHARE * outputs[:, :_BONES]
    precision = np.exp(
        np.clip(outputs[:, _BONES:] + base_log_precision(views), *LOG_PRECISION_RANGE)
    )
    apart = lengths - network.usual
    total = precision.sum(axis=1, keepdims=True)
    apart = apart - (precision * apart).sum(axis=1, keepdims=True) / total
    misfit = (precision * apart**2).sum(axis=1, keepdims=True) / (_BONES - 1)
    return lengths, precision / (1 + misfit / network.tolerance)


def _forward(layers: dict[str, FloatArray], standard: FloatArray) -> FloatArray:
    """Outputs (members, n, 22) of all members at once."""
    first = _leaky(standard @ layers["input_weight"] + layers["input_bias"][:, None])
    second = first + _leaky(first @ layers["hidden_weight"] + layers["hidden_bias"][:, None])
    return np.asarray(second @ layers["output_weight"] + layers["output_bias"][:, None])


def _leaky(values: FloatArray) -> FloatArray:
    return np.maximum(values, _LEAKAGE * values)
