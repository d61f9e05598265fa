"""Whether several groups of one person's photos, such as years, can show the same proportions."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

from avatarrig.body.evidence.evidence import COORDINATES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avatarrig.body.solver.doubt import Weighed

CHANCE: Final = 0.01
"""One person's groups are held for different ones at most so often. Of 100 ways to halve the photos
of 58 rendered people, none was: what photos of a session share is reckoned generously."""

_LEAST: Final = 1e-3
"""Information in a direction that no photo tells anything about."""


def can_be_one(groups: Sequence[Weighed]) -> bool:
    """Tells whether all groups can be of one person who stays the same.

    All coordinates are looked at together: differences that each may be chance can be none together
    (the chi-squared test of homogeneity, Cochran 1954).
    """
    if not groups[1:]:
        return True
    least = _LEAST * np.eye(COORDINATES)
    information = np.array([group.information + least for group in groups])
    vector = np.array([group.vector for group in groups])
    middle = np.linalg.solve(information.sum(axis=0), vector.sum(axis=0))
    rest = vector - information @ middle
    apart = np.linalg.solve(information, rest[..., None])[..., 0]
    return float((rest * apart).sum()) <= _most(COORDINATES * (len(groups) - 1))


def _most(freedom: int) -> float:
    """The sum that chance exceeds in `CHANCE` (Wilson & Hilferty 1931: within 1 % from six on)."""
    spread = 2 / (9 * freedom)
    root = 1 - spread + NormalDist().inv_cdf(1 - CHANCE) * math.sqrt(spread)
    return freedom * root**3
