"""The average person, to be shown beside an estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from avatarrig.body.bones import HELMERT, POOLED_BONES, PROTOTYPE_BONES

if TYPE_CHECKING:
    from avatarrig.body.evidence.learned import Learned


def average_ratios(learned: Learned) -> dict[str, float]:
    """Returns an average person's bone lengths over the shoulder width.

    Args:
        learned: Weights; their population is meant.

    Returns:
        Key of ``skeleton_estimate.json`` to ratio, without the wingspan.
    """
    log_lengths = HELMERT.T @ learned.population.mean
    lengths = np.exp(log_lengths - log_lengths[POOLED_BONES.index("shoulder")])
    return {key: float(lengths[POOLED_BONES.index(bone)]) for key, bone in PROTOTYPE_BONES.items()}
