"""A rolling window by capture time, and whether the person has changed since before it."""

from __future__ import annotations

import datetime as dt
import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

from avatarrig.body.bones import HELMERT, POOLED_BONES, PROTOTYPE_BONES, FloatArray
from avatarrig.body.evidence.evidence import COORDINATES, matrix_of, vector_of
from avatarrig.body.person import Interval, solve
from avatarrig.wire.estimate import Change, Window, WindowBone, ends, rounded

if TYPE_CHECKING:
    from avatarrig.body.evidence.learned import Learned
    from avatarrig.body.sums.evidence_sum import EvidenceSum
    from avatarrig.body.sums.photo_sums import PhotoSums
    from avatarrig.body.sums.tally import Tally

_KEYS: Final = tuple(key for key in PROTOTYPE_BONES if key != "shoulder_width")

FEWEST_PHOTOS: Final = 8
"""Photos needed inside and outside of the window to compare them."""

_DRIFT_REACH: Final = NormalDist().inv_cdf(0.995)
"""Drift is said where a change lies outside its 99 % interval. Halves of 64 rendered people's
photos differ by 0.8 of what their information says, which leaves room for days that are alike."""


def window_of(
    tally: Tally, learned: Learned, days: int | None, as_of: dt.date | None
) -> Window | None:
    """Estimates the last days of a tally.

    Args:
        tally: A subject's photos.
        learned: The weights that made its evidence.
        days: Length of the window; None for none.
        as_of: Its last day, today for example; the newest photo's where that is later.

    Returns:
        The window; None where none is asked for or no photo with a time has counted.
    """
    newest = tally.newest_day
    if days is None or newest is None:
        return None
    last = max(newest, as_of or newest)
    inside, first = tally.since(last - dt.timedelta(min(days, last.toordinal()) - 1))
    others = tally.everything() - inside
    changes = compare(inside.evidence(learned.version), others.evidence(learned.version))
    return Window(
        days=days,
        first=first.isoformat(),
        last=last.isoformat(),
        used_observations=inside.photos,
        stats=_bones(inside, learned) if inside.photos else {},
        drift=any(change.drift for change in changes.values()),
        changes=changes,
    )


def _bones(sums: PhotoSums, learned: Learned) -> dict[str, WindowBone]:
    proportions = solve(sums.evidence(learned.version), learned)
    ratios: dict[str, Interval] = {
        key: proportions.ratio((PROTOTYPE_BONES[key],), ("shoulder",)) for key in _KEYS
    }
    return {
        key: WindowBone(
            n=sums.shown[key], value=rounded(ratio.middle), interval=ends(ratio.low, ratio.high)
        )
        for key, ratio in ratios.items()
    }


def compare(inside: EvidenceSum, others: EvidenceSum) -> dict[str, Change]:
    """Compares what two sets of photos of one person say.

    Args:
        inside: Photos of the window.
        others: All others.

    Returns:
        Key to its change; empty where either has fewer than `FEWEST_PHOTOS`.
    """
    if min(inside.photos, others.photos) < FEWEST_PHOTOS:
        return {}
    here, here_covariance = _seen(inside)
    there, there_covariance = _seen(others)
    log_change = HELMERT.T @ (here - there)
    covariance = HELMERT.T @ (here_covariance + there_covariance) @ HELMERT
    return {key: _change(key, log_change, covariance) for key in _KEYS}


def _seen(total: EvidenceSum) -> tuple[FloatArray, FloatArray]:
    """What photos say by themselves: mean (6,) and covariance (6, 6), without a prior.

    A trace of information about everything keeps bones that no photo shows finite, and wide.
    """
    information = matrix_of(total.information) + 1e-3 * np.eye(COORDINATES)
    covariance: FloatArray = np.asarray(np.linalg.inv(information), np.float64)
    return covariance @ vector_of(total.vector), covariance


def _change(key: str, log_change: FloatArray, covariance: FloatArray) -> Change:
    gradient = np.zeros(len(POOLED_BONES))
    gradient[POOLED_BONES.index(PROTOTYPE_BONES[key])] = 1
    gradient[POOLED_BONES.index("shoulder")] = -1
    middle = float(gradient @ log_change)
    reach = _DRIFT_REACH * math.sqrt(max(float(gradient @ covariance @ gradient), 0.0))
    return Change(
        window_over_others=rounded(math.exp(middle)),
        interval=ends(math.exp(middle - reach), math.exp(middle + reach)),
        drift=abs(middle) > reach,
    )
