"""Evidence as this program's weights make it, whatever version a record carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from avatarrig.body.evidence.evidence import (
    COORDINATES,
    INFORMATION_LENGTH,
    evidence_from_landmarks,
)
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.ratios import RATIO_KEYS
from avatarrig.body.refused import StateRefusedError
from avatarrig.body.sums.histogram import HIGHEST_BIN, LOWEST_BIN

if TYPE_CHECKING:
    from avatarrig.wire import Evidence, Observation

_LARGEST: Final = 1 << 32
"""Far beyond what one photo can say; sums of two billion photos still fit 64 bits."""
_KEYS = frozenset(RATIO_KEYS)
_UPPER = np.triu_indices(COORDINATES)
_ROUNDING = np.eye(COORDINATES) * COORDINATES
"""A semi-definite matrix stays at least that after its entries are rounded."""


def current_evidence(observation: Observation) -> Evidence | None:
    """Returns a photo's evidence in the version of the weights that are installed.

    A record of another version is evaluated again from its landmarks.

    Args:
        observation: What the detector saw.

    Returns:
        The evidence; None where the photo says nothing.

    Raises:
        LearnedRefusedError: Nothing was learned for the pose model that saw the photo.
        StateRefusedError: The evidence does not hold what evidence holds.
    """
    evidence = observation.evidence
    if evidence is None:
        return None
    learned = load_learned(evidence.learned.rpartition("-")[0])
    if evidence.learned == learned.version:
        return _checked(evidence)
    if observation.pose is None or observation.world is None:
        return None
    return evidence_from_landmarks(
        observation.pose.unpack(),
        observation.world.unpack(),
        observation.width,
        observation.height,
        learned=learned,
    )


def _checked(evidence: Evidence) -> Evidence:
    numbers = (*evidence.information, *evidence.vector)
    if len(evidence.information) != INFORMATION_LENGTH or len(evidence.vector) != COORDINATES:
        raise StateRefusedError(
            f"evidence holds {len(evidence.information)} + {len(evidence.vector)} integers, "
            f"expected {INFORMATION_LENGTH} + {COORDINATES}"
        )
    if max(numbers) > _LARGEST or min(numbers) < -_LARGEST:
        raise StateRefusedError("evidence holds a number that no photo gives")
    lower = _ROUNDING.copy()
    lower.T[_UPPER] += evidence.information[: len(_UPPER[0])]
    try:
        np.linalg.cholesky(lower)
    except np.linalg.LinAlgError as error:
        raise StateRefusedError("evidence holds no information matrix") from error
    low, high = min(bins := {0, *evidence.ratios.values()}), max(bins)
    if not _KEYS.issuperset(evidence.ratios) or low < LOWEST_BIN or high > HIGHEST_BIN:
        raise StateRefusedError("evidence holds a ratio that no photo gives")
    return evidence
