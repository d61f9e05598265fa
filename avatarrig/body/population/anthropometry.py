"""What is known about people in general: lengths as shares of stature.

Shares are those of Drillis and Contini (Body Segment Parameters, 1966), as Winter gives them
(Biomechanics and Motor Control of Human Movement, figure 4.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SHARE_OF_STATURE: Final = {
    "torso_length": 0.288,
    "upper_arm": 0.186,
    "lower_arm": 0.146,
    "upper_leg": 0.245,
    "lower_leg": 0.246,
    "hand": 0.108,
    "foot": 0.152,
    "ankle_height": 0.039,
    "neck": 0.052,
    "head": 0.130,
    "shoulder_width": 0.259,
    "hip_width": 0.191,
}
"""Length of a segment over stature, sides alike. ``neck`` reaches from the shoulders to the
chin, ``head`` from there to the crown; ``ankle_height`` is the ankle above the floor."""

STATURE_OVER_LEG_AND_TORSO: Final = 1.333
"""Stature over thigh + shank + torso between joint centres: mean of 136 bodies of a parametric
model (52 men, 50 women, 34 children, natural and unusual proportions)."""

STATURE_LOG_ERROR: Final = 0.015
"""Standard deviation of the logarithm of `STATURE_OVER_LEG_AND_TORSO` over these bodies."""

_LEG_AND_TORSO: Final = {
    "torso_length": 1.0,
    "upper_leg_L": 0.5,
    "upper_leg_R": 0.5,
    "lower_leg_L": 0.5,
    "lower_leg_R": 0.5,
}


def stature(lengths: Mapping[str, float]) -> float:
    """Estimates stature from the lengths of torso and legs.

    Args:
        lengths: Length of each bone, between joint centres, in any unit.

    Returns:
        Stature in the same unit; 1.5 % standard error beside that of the lengths.

    Raises:
        KeyError: A leg bone or the torso is missing.
    """
    total = sum(share * lengths[key] for key, share in _LEG_AND_TORSO.items())
    return STATURE_OVER_LEG_AND_TORSO * total


def is_enough_for_stature(lengths: Mapping[str, float]) -> bool:
    """Tells whether `stature` can be told from these bones."""
    return lengths.keys() >= _LEG_AND_TORSO.keys()
