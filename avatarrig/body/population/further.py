"""Bones that no photo tells of: what the seven that photos tell of, and people in general, say.

The landmarks of head, hands and feet tell nothing of them beyond the seven (docs/accuracy.md has
the figures), so there is no evidence of them to be added up: a bone is what a survey of people
makes it, given the person's proportions, with the spread that people of these proportions have.
The table is `scripts/estimator/further.py`'s.

With x the person's size-free coordinates, m the average person's: log length = log(share of the
average stature) + slope (x - m) ± deviation.
"""

from __future__ import annotations

import functools
import json
import math
from dataclasses import dataclass
from importlib import resources
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

from avatarrig.body.bones import HELMERT, POOLED_BONES, FloatArray
from avatarrig.body.population.anthropometry import STATURE_OVER_LEG_AND_TORSO
from avatarrig.wire.estimate import FURTHER_LABELS, FurtherBone, Metres, Status, ends, rounded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from avatarrig.body.evidence.learned import Learned
    from avatarrig.body.solver.person import Proportions
    from avatarrig.body.tape.evidence import Tape
    from avatarrig.wire.estimate import Measured

_NINETY: Final = NormalDist().inv_cdf(0.95)
_SHOULDER: Final = POOLED_BONES.index("shoulder")
_TO_SHOULDER: Final = np.eye(len(POOLED_BONES))[_SHOULDER]
_SIZE: Final = np.full(len(POOLED_BONES), 1 / len(POOLED_BONES))
_STATURE: Final = STATURE_OVER_LEG_AND_TORSO * np.array(
    [float(bone in {"thigh", "shank", "torso"}) for bone in POOLED_BONES]
)
_HARDLY_BETTER: Final = 0.9
"""Share of the spread that is left, above which a length is hardly better known than anybody's."""


@dataclass(frozen=True)
class _Row:
    """A row of the table; see above."""

    share: float
    slope: FloatArray
    deviation: float

    @functools.cached_property
    def gradient(self) -> FloatArray:
        """(7,) of the bone's logarithm by those of the seven."""
        return _SIZE + self.slope @ HELMERT


@functools.cache
def _table() -> dict[str, _Row]:
    rows = json.loads(
        resources.files("avatarrig.body.population").joinpath("further.json").read_text()
    )
    return {
        key: _Row(rows[key]["share"], np.array(rows[key]["slope"]), rows[key]["deviation"])
        for key in FURTHER_LABELS
    }


def further_bones(
    proportions: Proportions,
    learned: Learned,
    tape: Tape,
    measured: Mapping[str, Measured],
) -> dict[str, FurtherBone]:
    """Tells bones given the seven.

    Args:
        tape: What was measured of the seven, and the height.

    Returns:
        By `FURTHER_LABELS`.
    """
    given = _Given.of(proportions, learned)
    there_was = _spread_of_people(learned)
    return {
        key: _bone(row, (given, there_was[key]), proportions, tape, measured.get(key))
        for key, row in _table().items()
    }


@dataclass(frozen=True)
class _Given:
    """What all bones are reckoned from.

    Attributes:
        left: (6, 6) covariance of this person.
        stature: Logarithm of the average person's.
        apart: (6,) how this person differs from the average.
    """

    left: FloatArray
    stature: float
    apart: FloatArray

    @classmethod
    def of(cls, proportions: Proportions, learned: Learned) -> _Given:
        mean = learned.population.mean
        return cls(
            HELMERT @ proportions.covariance @ HELMERT.T,
            math.log(float(_STATURE @ np.exp(HELMERT.T @ mean))),
            HELMERT @ proportions.log_lengths - mean,
        )


@functools.lru_cache(maxsize=8)
def _spread_of_people(learned: Learned) -> dict[str, float]:
    """Variance of each bone in people, as wide as intervals without photos are."""
    population, (few, *_) = learned.population, learned.intervals
    spread = few**2 * np.tensordot(population.shares, population.covariances, 1)
    return {
        key: float(row.slope @ spread @ row.slope) + row.deviation**2
        for key, row in _table().items()
    }


def _bone(
    row: _Row,
    known: tuple[_Given, float],
    proportions: Proportions,
    tape: Tape,
    measured: Measured | None,
) -> FurtherBone:
    given, there_was = known
    lengths, covariance = proportions.log_lengths, proportions.covariance
    length, gradient = _length(row, lengths, given)
    # With what was measured of the bone itself, where the person's size is known besides.
    shift, kept = 0.0, 1.0
    if tape.tells_size:
        expected, error = tape.metres_of(length, gradient, lengths, covariance)
        error = math.hypot(error, row.deviation)
        if measured is not None:
            taken = (measured.error / measured.value) ** 2
            kept = taken / (taken + error**2)
            shift = (1 - kept) * (math.log(measured.value) - expected)
    left = row.slope @ given.left @ row.slope + row.deviation**2
    share = min(max(float(left) / there_was, 0.0), 1.0) * kept
    to_shoulders = gradient - _TO_SHOULDER
    variance = float(to_shoulders @ covariance @ to_shoulders) + kept * row.deviation**2
    ratio, reach = length + shift - lengths[_SHOULDER], _NINETY * math.sqrt(variance)
    return FurtherBone(
        value=rounded(math.exp(ratio)),
        interval=_around(ratio, reach),
        status=_status(share, measured if tape.tells_size else None),
        prior_share=rounded(share),
        metres=_metres(expected + shift, math.sqrt(kept) * error) if tape.tells_size else None,
    )


def _length(row: _Row, lengths: FloatArray, given: _Given) -> tuple[float, FloatArray]:
    """Logarithm of a length on the scale of the seven, and its gradient (7,) by theirs.

    The scale is that of their geometric mean: a length grows with it, and follows the rest.
    """
    size = float(_SIZE @ lengths)
    value = math.log(row.share) + given.stature + float(row.slope @ given.apart) + size
    return value, row.gradient


def _status(share: float, measured: Measured | None) -> Status:
    if measured is not None:
        return "stable"
    return "insufficient" if share > _HARDLY_BETTER else "provisional"


def _metres(middle: float, error: float) -> Metres:
    return Metres(value=rounded(math.exp(middle)), interval=_around(middle, _NINETY * error))


def _around(middle: float, reach: float) -> tuple[float, float]:
    return ends(math.exp(middle - reach), math.exp(middle + reach))
