"""The estimate: proportions with intervals, how far to trust each, and what speaks against it."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from avatarrig.body.anthropometry import STATURE_LOG_ERROR, STATURE_OVER_LEG_AND_TORSO
from avatarrig.body.asymmetry import Asymmetry, asymmetries, disagreements
from avatarrig.body.bones import PROTOTYPE_BONES
from avatarrig.body.document import to_document
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.levels import moments_of
from avatarrig.body.odd_days import odd_days
from avatarrig.body.person import Interval, Proportions, solve_moments
from avatarrig.body.ratios import RATIO_KEYS
from avatarrig.body.rolling import Window, days_of, window_of
from avatarrig.body.sums.histogram import value_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from avatarrig.body.sums.tally import Tally
    from avatarrig.wire.reasons import Exclusion

Status = Literal["insufficient", "provisional", "stable"]

PROVISIONAL_FROM: Final = 3
"""Moments that show a bone from which the estimate is better than the population's mean."""

STABLE_FROM: Final = 20
"""Moments that show a bone from which more photos hardly change the estimate."""

STABLE_REACH: Final = 0.12
"""Half a stable bone's 90 % interval is at most this share of its value."""

WINGSPAN: Final = "wingspan_est"
"""Wrist to wrist: shoulder width and both arms without hands."""


class EstimateOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What to estimate beside the proportions.

    Attributes:
        height: The person's height in metres; without it no length is given in metres.
        window_days: Length of the rolling window in days; None for none.
        as_of: Last day of the window, today for example; the newest photo's where that is later.
    """

    height: float | None = None
    window_days: int | None = None
    as_of: dt.date | None = None


class BoneEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """One ratio.

    Attributes:
        value: Over shoulder width; left and right alike.
        low: Lower end of the 90 % interval.
        high: Upper end.
        n: Photos that show the bone well; for sums the bone seen least.
        moments: How many moments these photos are of.
        status: Whether it can be used.
        prior_share: Share that comes from the population rather than from photos, 0..1.
        median: Median of plain ratios to the shoulder width; None where no photo has it.
        metres: Length in metres, with interval; None without a height.
    """

    value: float
    low: float
    high: float
    n: int
    moments: int
    status: Status
    prior_share: float
    median: float | None
    metres: Interval | None = None


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a subject.

    Attributes:
        subject: Whose skeleton it is.
        learned: Version of the weights; None where no photo has counted.
        observations: Photos observed.
        with_person: Photos that show somebody.
        used: Photos that count.
        moments: How many moments these are of: copies and bursts count once.
        excluded: Photos that do not, by reason.
        bones: Key of ``skeleton_estimate.json`` to its estimate; empty while no photo counts.
        asymmetry: Bone to left over right.
        disagreements: Pooled bone to plain over learned length, where they contradict.
        consistent: Whether the photos agree on one person.
        odd_days: Days, or months or years long ago, whose photos do not fit the others.
        height: The height that was given, metres.
        window: The rolling window, where one was asked for and there are photos.
    """

    subject: str
    learned: str | None
    observations: int
    with_person: int
    used: int
    moments: int
    excluded: dict[Exclusion, int]
    bones: dict[str, BoneEstimate]
    asymmetry: dict[str, Asymmetry]
    disagreements: dict[str, float]
    consistent: bool
    odd_days: tuple[str, ...]
    height: float | None
    window: Window | None

    def to_document(self) -> dict[str, Any]:
        """Returns the content of ``skeleton_estimate.json``."""
        return to_document(self)


def estimate(
    tally: Tally, *, subject: str = "", options: EstimateOptions | None = None
) -> Estimate:
    """Estimates a subject's proportions.

    Args:
        tally: The subject's photos.
        subject: Whose skeleton it is.
        options: What to estimate beside.

    Returns:
        The same estimate for the same tally, bit for bit.

    Raises:
        LearnedRefusedError: The tally was made with weights that are not installed.
    """
    options = options or EstimateOptions()
    parts: dict[str, Any] = {
        "bones": {}, "asymmetry": {}, "disagreements": {}, "consistent": True, "odd_days": (),
        "window": None, "moments": 0,
    }  # fmt: skip
    if tally.learned is not None:
        parts = _parts(tally, tally.learned, options)
    return Estimate(
        subject=subject,
        learned=tally.learned,
        observations=tally.observations,
        with_person=tally.with_person,
        used=tally.used,
        excluded=tally.excluded,
        height=options.height,
        **parts,
    )


def _parts(tally: Tally, version: str, options: EstimateOptions) -> dict[str, Any]:
    learned = load_learned(version.rpartition("-")[0])
    cells = tally.cells()
    proportions = solve_moments(cells, learned)
    moments = {key: moments_of(cells, key) for key in RATIO_KEYS}
    contradictions = disagreements(tally, proportions, moments)
    days = days_of(tally, proportions.moments)
    odd = odd_days(days, learned)
    trusted = proportions.consistent and not contradictions and not odd
    return {
        "moments": min(round(proportions.moments), tally.used),
        "bones": {
            key: _bone(key, (tally, moments), proportions, options.height, trusted=trusted)
            for key in (*PROTOTYPE_BONES, WINGSPAN)
        },
        "asymmetry": asymmetries(tally, moments),
        "disagreements": contradictions,
        "consistent": proportions.consistent,
        "odd_days": odd,
        "window": window_of(tally, days, learned, options.window_days, options.as_of),
    }


def over_shoulders(proportions: Proportions, key: str) -> Interval:
    """Returns a key's ratio to the shoulder width, with its interval.

    Args:
        proportions: A solved person.
        key: A key of `PROTOTYPE_BONES`, or `WINGSPAN`.
    """
    if key != WINGSPAN:
        return proportions.ratio((PROTOTYPE_BONES[key],), ("shoulder",))
    arm = proportions.ratio(("uarm", "farm"), ("shoulder",))
    return Interval(low=1 + 2 * arm.low, middle=1 + 2 * arm.middle, high=1 + 2 * arm.high)


_ARMS: Final = ("upper_arm_L", "upper_arm_R", "lower_arm_L", "lower_arm_R", "shoulder_width")


def _bone(
    key: str,
    counted: tuple[Tally, Mapping[str, float]],
    proportions: Proportions,
    height: float | None,
    *,
    trusted: bool,
) -> BoneEstimate:
    tally, shown = counted
    members = _ARMS if key == WINGSPAN else (key,)
    ratio = over_shoulders(proportions, key)
    n = min(tally.histogram(member).total for member in members)
    moments = min(round(min(shown[member] for member in members)), n)
    shares = [proportions.prior_share[PROTOTYPE_BONES[member]] for member in members]
    return BoneEstimate(
        value=ratio.middle,
        low=ratio.low,
        high=ratio.high,
        n=n,
        moments=moments,
        status=_status(moments, ratio, trusted=trusted),
        prior_share=sum(shares) / len(shares),
        median=_median(tally, key),
        metres=None if height is None else _metres(proportions, ratio, key, height),
    )


def _status(moments: int, ratio: Interval, *, trusted: bool) -> Status:
    if moments < PROVISIONAL_FROM:
        return "insufficient"
    reach = (ratio.high - ratio.low) / 2 / ratio.middle
    enough = moments >= STABLE_FROM and reach <= STABLE_REACH
    return "stable" if enough and trusted else "provisional"


def _median(tally: Tally, key: str) -> float | None:
    shoulders = tally.histogram("shoulder_width")
    if key == WINGSPAN:
        sides = [_median(tally, member) for member in _ARMS[:4]]
        return None if None in sides else 1 + sum(side for side in sides if side is not None)
    bone = tally.histogram(key)
    if not bone or not shoulders:
        return None
    return value_of(bone.quantile(0.5) - shoulders.quantile(0.5))


def _metres(proportions: Proportions, ratio: Interval, key: str, height: float) -> Interval:
    """A length in metres: its share of legs and torso, which stature is a known multiple of.

    The interval holds the errors of the share and of the multiple. A wingspan's share has no
    gradient of its own: its error is taken as that of its ratio to the shoulders.
    """
    base = ("thigh", "shank", "torso")
    share = proportions.ratio(("shoulder",), base)
    middle = share.middle * ratio.middle * height / STATURE_OVER_LEG_AND_TORSO
    spread = ratio if key == WINGSPAN else proportions.ratio((PROTOTYPE_BONES[key],), base)
    reach = math.hypot(math.log(spread.high / spread.low) / 2, 1.645 * STATURE_LOG_ERROR)
    return Interval(low=middle * math.exp(-reach), middle=middle, high=middle * math.exp(reach))
