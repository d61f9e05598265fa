"""What a person is shown of a run, before it is drawn."""

from __future__ import annotations

import math

import msgspec

from avatarrig.views.progress import Counts, Progress
from avatarrig.wire.estimate import BONE_LABELS, Estimate


class BoneRow(msgspec.Struct, frozen=True):
    """One line of the skeleton table.

    Attributes:
        ratio: Its length, shoulder width = 1; None while there is too little to tell.
        low: Lower end of the 90 % interval.
        samples: Moments that show it; photos, in estimates of 1.0.
        status: insufficient, provisional or stable.
        metres: Length in metres, None where neither a height nor a length was given.
        prior_share: How much of the figure comes from people in general, 0..1; None where that
            is not known.
        measured: Whether somebody measured it.
    """

    label: str
    ratio: float | None
    low: float | None
    high: float | None
    samples: int
    status: str
    metres: float | None = None
    prior_share: float | None = None
    measured: bool = False


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A moment of a run.

    Attributes:
        stage: What is being done, in words.
        scanning: Whether more photos may still be found.
        rate: Photos per second, lately.
        seconds_left: Time that the waiting photos will take; infinite where unknown.
        elapsed: Seconds since the start.
    """

    stage: str
    counts: Counts
    scanning: bool
    rate: float
    seconds_left: float
    elapsed: float
    bones: tuple[BoneRow, ...] = ()


def view_of(progress: Progress, *, stage: str, scanning: bool, now: float, started: float) -> View:
    """Takes a picture of a run's progress."""
    estimates = list(progress.estimates().values())
    return View(
        stage=stage,
        counts=progress.counts,
        scanning=scanning,
        rate=progress.photos_per_second(now),
        seconds_left=progress.seconds_left(now),
        elapsed=now - started,
        bones=bone_rows(estimates[0]) if estimates else (),
    )


def bone_rows(estimate: Estimate | None) -> tuple[BoneRow, ...]:
    """Reads the table of bones off an estimate; without one, nothing is known of any."""
    return tuple(_row(key, label, estimate) for key, label in BONE_LABELS.items())


def _row(key: str, label: str, estimate: Estimate | None) -> BoneRow:
    bone = None if estimate is None else estimate.stats.get(key)
    if estimate is None or bone is None:
        return BoneRow(label, None, None, None, 0, "insufficient")
    length = (estimate.metres or {}).get(key)
    return BoneRow(
        label=label,
        ratio=estimate.estimates.get(key),
        low=bone.low,
        high=bone.high,
        samples=bone.samples,
        status=bone.status,
        metres=None if length is None else length.value,
        prior_share=bone.prior_share,
        measured=estimate.is_measured(key),
    )


def duration(seconds: float) -> str:
    """Writes a time span for people: ``1:02:03``, ``4:05``; ``–`` where it is unknown."""
    if not math.isfinite(seconds):
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
