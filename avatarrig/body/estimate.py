"""The estimate: proportions with intervals, how far to trust each, and what speaks against it."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from avatarrig.body.advice import advise
from avatarrig.body.bones import POOLED_BONES, PROTOTYPE_BONES
from avatarrig.body.evidence.learned import learned_of
from avatarrig.body.face import face_ratios
from avatarrig.body.levels import moments_of
from avatarrig.body.notes import Doubts, notes_on
from avatarrig.body.population.further import further_bones
from avatarrig.body.ratios import RATIO_KEYS
from avatarrig.body.solver.asymmetry import asymmetries, disagreements
from avatarrig.body.solver.odd_days import odd_days
from avatarrig.body.solver.person import Interval, Proportions, solve_weighed, weighed
from avatarrig.body.solver.rolling import days_of, window_of
from avatarrig.body.sums.histogram import value_of
from avatarrig.body.tape.evidence import Tape
from avatarrig.body.tape.measure import check_measures, pooled
from avatarrig.wire.estimate import (
    PHASE,
    SCALE_BASIS,
    SCHEMA_VERSION,
    BoneEstimate,
    Estimate,
    Measured,
    Metres,
    PhotoCounts,
    Status,
    ends,
    rounded,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from avatarrig.body.evidence.learned import Learned
    from avatarrig.body.sums.tally import Tally

PROVISIONAL_FROM: Final = 3
"""Moments that show a bone from which the estimate is better than the population's mean."""

STABLE_FROM: Final = 20
"""Moments that show a bone from which more photos hardly change the estimate."""

STABLE_REACH: Final = 0.12
"""Half a stable bone's 90 % interval is at most this share of its value."""

_NINETY: Final = NormalDist().inv_cdf(0.95)
"""Standard deviations from the middle to either end of a 90 % interval."""

WINGSPAN: Final = "wingspan_est"
"""Wrist to wrist: shoulder width and both arms without hands."""


class EstimateOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What to estimate beside the proportions.

    Attributes:
        height: The person's height in metres; without it, and without a measured length, no length
            is given in metres.
        measured: Lengths of bones that were measured, by key, with a side or without; see
            `avatarrig.body.tape.measure`.
        window_days: Length of the rolling window in days; None for none.
        as_of: Last day of the window, today for example; the newest photo's where that is later.
    """

    height: float | None = None
    measured: dict[str, Measured] = {}
    window_days: int | None = None
    as_of: dt.date | None = None


def estimate(
    tally: Tally, *, subject: str = "", options: EstimateOptions | None = None
) -> Estimate:
    """Estimates a subject's proportions.

    Returns:
        The same estimate for the same tally, bit for bit.

    Raises:
        LearnedRefusedError: The tally was made with weights that are not installed.
        MeasureError: A measured length is nobody's of that height.
    """
    options = options or EstimateOptions()
    check_measures(options.measured, options.height)
    made = _without_photos(tally, subject, options)
    doubts = Doubts()
    if tally.learned is not None:
        made, doubts = _with_photos(made, tally, learned_of(tally.learned), options)
    return msgspec.structs.replace(made, notes=notes_on(made, doubts, tally.undated))


def _without_photos(tally: Tally, subject: str, options: EstimateOptions) -> Estimate:
    return Estimate(
        schema_version=SCHEMA_VERSION,
        phase=PHASE,
        subject=subject,
        learned=tally.learned,
        used_observations=tally.used,
        photos=PhotoCounts(
            observed=tally.observations,
            with_person=tally.with_person,
            used=tally.used,
            moments=0,
            excluded={reason.value: count for reason, count in tally.excluded.items()},
        ),
        scale_basis=SCALE_BASIS,
        estimates={},
        stats={},
        asymmetry={},
        notes=[],
        height=options.height,
        measured=options.measured,
        metres={} if Tape.of(options.measured, options.height).tells_size else None,
    )


def _with_photos(
    made: Estimate, tally: Tally, learned: Learned, options: EstimateOptions
) -> tuple[Estimate, Doubts]:
    cells = tally.cells()
    tape = Tape.of(options.measured, options.height)
    there = weighed(cells, learned, tape)
    proportions = solve_weighed(cells, there, learned, tape)
    advice = advise(there, learned, tape)
    moments = {key: moments_of(cells, key) for key in RATIO_KEYS}
    days = days_of(tally, proportions.moments)
    doubts = Doubts(
        consistent=proportions.consistent,
        odd_days=odd_days(days, learned),
        disagreements=disagreements(tally, proportions, moments),
        odd_measures=proportions.odd_measures,
    )
    measured = {pooled(key) for key in options.measured} if tape.tells_ratios else set()
    ratios = all_over_shoulders(proportions)
    counted = _Counted.of(tally, moments, measured)
    bones = {
        key: _bone(key, counted, proportions, ratio, trusted=doubts.none)
        for key, ratio in ratios.items()
    }
    usable = [key for key, bone in bones.items() if bone.status != "insufficient"]
    photos = msgspec.structs.replace(
        made.photos, moments=min(round(proportions.moments), tally.used)
    )
    return msgspec.structs.replace(
        made,
        consistent=doubts.consistent,
        photos=photos,
        estimates={key: bones[key].value for key in usable},
        stats=bones,
        asymmetry=asymmetries(tally, moments),
        advice="" if advice is None else advice.words,
        further=further_bones(proportions, learned, tape, options.measured),
        face=face_ratios(tally, proportions.moments),
        metres={key: _metres(proportions, tape, key) for key in usable}
        if tape.tells_size
        else None,
        window=window_of(
            tally, days, (learned, tape, proportions), options.window_days, options.as_of
        ),
    ), doubts


def all_over_shoulders(proportions: Proportions) -> dict[str, Interval]:
    """Returns the ratio to the shoulder width of each key, and of `WINGSPAN`, with its interval."""
    pooled_ratios = {bone: proportions.ratio((bone,), ("shoulder",)) for bone in POOLED_BONES}
    ratios = {key: pooled_ratios[bone] for key, bone in PROTOTYPE_BONES.items()}
    arm = proportions.ratio(("uarm", "farm"), ("shoulder",))
    ratios[WINGSPAN] = Interval(1 + 2 * arm.low, 1 + 2 * arm.middle, 1 + 2 * arm.high)
    return ratios


_BOTH_SIDES: Final = {
    key: tuple(one for one, other in PROTOTYPE_BONES.items() if other == bone)
    for key, bone in PROTOTYPE_BONES.items()
}
"""Key to those of the same bone on either side."""

_ARMS: Final = ("upper_arm_L", "upper_arm_R", "lower_arm_L", "lower_arm_R", "shoulder_width")


@dataclass(frozen=True)
class _Counted:
    """What is known of each bone beside its proportions.

    Attributes:
        totals: Key to how many photos show it.
        medians: Key to its median bin, of those that any photo shows.
        measured: Keys, without sides, of ratios that a tape tells of.
    """

    totals: Mapping[str, int]
    medians: Mapping[str, float]
    moments: Mapping[str, float]
    measured: set[str]

    @classmethod
    def of(cls, tally: Tally, moments: Mapping[str, float], measured: set[str]) -> _Counted:
        histograms = {key: tally.histogram(key) for key in PROTOTYPE_BONES}
        medians = {key: shown.quantile(0.5) for key, shown in histograms.items() if shown}
        totals = {key: shown.total for key, shown in histograms.items()}
        return cls(totals, medians, moments, measured)


def _bone(
    key: str, counted: _Counted, proportions: Proportions, ratio: Interval, *, trusted: bool
) -> BoneEstimate:
    members = _ARMS if key == WINGSPAN else (key,)
    n = min(counted.totals[member] for member in members)
    moments = min(round(min(counted.moments[member] for member in members)), n)
    told = min(_told_by(counted, member) for member in members)
    shares = [proportions.prior_share[PROTOTYPE_BONES[member]] for member in members]
    median = _median(counted.medians, key)
    is_measured = pooled(key) in counted.measured
    return BoneEstimate(
        n=n,
        moments=moments,
        median=None if median is None else rounded(median),
        value=rounded(ratio.middle),
        interval=ends(ratio.low, ratio.high),
        status=_status(told, ratio, trusted=trusted, measured=is_measured),
        prior_share=rounded(sum(shares) / len(shares)),
    )


def _told_by(counted: _Counted, key: str) -> int:
    """Moments that tell a bone's length: left and right are estimated together, from both."""
    return max(min(round(counted.moments[one]), counted.totals[one]) for one in _BOTH_SIDES[key])


def _status(moments: int, ratio: Interval, *, trusted: bool, measured: bool) -> Status:
    if moments < PROVISIONAL_FROM and not measured:
        return "insufficient"
    reach = (ratio.high - ratio.low) / 2 / ratio.middle
    enough = (moments >= STABLE_FROM or measured) and reach <= STABLE_REACH
    return "stable" if enough and trusted else "provisional"


def _median(medians: Mapping[str, float], key: str) -> float | None:
    if key == WINGSPAN:
        sides = [_median(medians, member) for member in _ARMS[:4]]
        return None if None in sides else 1 + sum(side for side in sides if side is not None)
    if key not in medians or "shoulder_width" not in medians:
        return None
    return value_of(medians[key] - medians["shoulder_width"])


def _metres(proportions: Proportions, tape: Tape, key: str) -> Metres:
    parts = np.zeros(len(POOLED_BONES))
    for member in _ARMS if key == WINGSPAN else (key,):
        parts[POOLED_BONES.index(PROTOTYPE_BONES[member])] += 1
    middle, error = tape.metres(proportions.log_lengths, proportions.covariance, parts)
    reach = _NINETY * error
    return Metres(
        value=rounded(math.exp(middle)),
        interval=ends(math.exp(middle - reach), math.exp(middle + reach)),
    )
