"""A rolling window by capture time, and whether the person has changed since before it."""

from __future__ import annotations

import datetime as dt
import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

from avatarrig.body.bones import HELMERT, POOLED_BONES, PROTOTYPE_BONES, FloatArray
from avatarrig.body.evidence.evidence import COORDINATES
from avatarrig.body.levels import Cell, Moments, moments_of
from avatarrig.body.solver.person import Interval, solve_moments
from avatarrig.body.sums.capture_days import is_day
from avatarrig.body.sums.evidence_sum import EvidenceSum
from avatarrig.body.sums.joining import TYPICAL_SESSION
from avatarrig.wire.estimate import Change, Window, WindowBone, ends, rounded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from avatarrig.body.evidence.learned import Learned, Population
    from avatarrig.body.solver.person import Proportions
    from avatarrig.body.sums.tally import Tally
    from avatarrig.body.tape.evidence import Tape

_KEYS: Final = tuple(key for key in PROTOTYPE_BONES if key != "shoulder_width")

FEWEST_MOMENTS: Final = 8
"""Moments needed inside and outside of the window to compare them."""

_DRIFT_REACH: Final = NormalDist().inv_cdf(0.995)
"""Drift is said where a change lies outside its 99 % interval. Halves of 64 rendered people's
photos differ by 0.8 of what their information says, which leaves room for days that are alike."""


def window_of(
    tally: Tally,
    parts: Mapping[str, Cell],
    known: tuple[Learned, Tape, Proportions],
    days: int | None,
    as_of: dt.date | None,
) -> Window | None:
    """Estimates the last days of a tally.

    Args:
        parts: The same by day, see `days_of`.
        known: The weights that made its evidence, lengths that were measured, and what all
            photos say with them.
        days: Length of the window; None for none.
        as_of: Its last day, today for example; the newest photo's where that is later.

    Returns:
        The window; None where none is asked for or no photo with a time has counted.
    """
    newest = tally.newest_day
    if days is None or newest is None:
        return None
    last = max(newest, as_of or newest)
    names, first = tally.since(last - dt.timedelta(min(days, last.toordinal()) - 1))
    inside = [cell for name, cell in parts.items() if name in names]
    others = [cell for name, cell in parts.items() if name not in names]
    learned, tape, proportions = known
    changes = compare(inside, others, learned.population)
    if inside and others:
        # Of a day it is not kept which moments its photos are of; where the window holds all
        # photos, nothing but what all say may be said of it.
        proportions = solve_moments(inside, learned, tape)
    return Window(
        days=days,
        first=first.isoformat(),
        last=last.isoformat(),
        used_observations=sum(cell.total.photos for cell in inside),
        stats=_bones(inside, proportions) if inside else {},
        drift=any(change.drift for change in changes.values()),
        changes=changes,
    )


def days_of(tally: Tally, moments: float) -> dict[str, Cell]:
    """Returns day, or month or year long ago, to its photos; each is a session.

    Which moments the photos of a day are of is not kept. A day is taken to have as many for each
    photo as all days together, and a month or a year as many sessions as is usual.

    Args:
        moments: How many moments they are of.
    """
    share = moments / max(tally.used, 1)
    cells = {}
    for number, (name, total) in enumerate(sorted(tally.days().items())):
        held = max(1.0, share * total.photos)
        sessions = 1.0 if is_day(name) else max(1.0, held / TYPICAL_SESSION)
        cells[name] = Cell(total, number, number, held, sessions)
    return cells


def _bones(cells: Sequence[Cell], proportions: Proportions) -> dict[str, WindowBone]:
    shown = EvidenceSum.total(cell.total for cell in cells).shown
    ratios: dict[str, Interval] = {
        key: proportions.ratio((PROTOTYPE_BONES[key],), ("shoulder",)) for key in _KEYS
    }
    return {
        key: WindowBone(
            n=shown[key], value=rounded(ratio.middle), interval=ends(ratio.low, ratio.high)
        )
        for key, ratio in ratios.items()
    }


def compare(
    inside: Sequence[Cell], others: Sequence[Cell], population: Population
) -> dict[str, Change]:
    """Compares what two sets of photos of one person say.

    Args:
        inside: Photos of the window.
        others: All others.
        population: Tells which errors moments and sessions share.

    Returns:
        Key to its change; empty where either has fewer than `FEWEST_MOMENTS`.
    """
    if min(moments_of(cells) for cells in (inside, others)) < FEWEST_MOMENTS:
        return {}
    here, here_covariance = _seen(inside, population)
    there, there_covariance = _seen(others, population)
    log_change = HELMERT.T @ (here - there)
    covariance = HELMERT.T @ (here_covariance + there_covariance) @ HELMERT
    return {key: _change(key, log_change, covariance) for key in _KEYS}


def _seen(cells: Sequence[Cell], population: Population) -> tuple[FloatArray, FloatArray]:
    """What photos say by themselves: mean (6,) and covariance (6, 6), without a prior.

    A trace of information about everything keeps bones that no photo shows finite, and wide.
    """
    information, vector = Moments.of(cells, population).together()
    covariance = np.asarray(np.linalg.inv(information + 1e-3 * np.eye(COORDINATES)), np.float64)
    return covariance @ vector, covariance


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
