"""What a person is shown of a run, before it is drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from avatarrig.body.document import BONE_LABELS
from avatarrig.views.progress import Counts, Progress


class BoneRow(msgspec.Struct, frozen=True):
    """One line of the skeleton table.

    Attributes:
        label: The bone in words.
        ratio: Its length, shoulder width = 1; None while there is too little to tell.
        low: Lower end of the 90 % interval.
        high: Upper end.
        samples: Moments that show it; photos, in estimates of 1.0.
        status: insufficient, provisional or stable.
        metres: Length in metres, None where no height was given.
        prior_share: How much of the figure comes from people in general, 0..1; None where that
            is not known.
    """

    label: str
    ratio: float | None
    low: float | None
    high: float | None
    samples: int
    status: str
    metres: float | None = None
    prior_share: float | None = None


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A moment of a run.

    Attributes:
        stage: What is being done, in words.
        counts: Photos by what became of them.
        scanning: Whether more photos may still be found.
        rate: Photos per second, lately.
        seconds_left: Time that the waiting photos will take; infinite where unknown.
        elapsed: Seconds since the start.
        bones: The skeleton so far.
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
    documents = list(progress.documents().values())
    return View(
        stage=stage,
        counts=progress.counts,
        scanning=scanning,
        rate=progress.photos_per_second(now),
        seconds_left=progress.seconds_left(now),
        elapsed=now - started,
        bones=bone_rows(documents[0]) if documents else (),
    )


def samples_of(stats: Mapping[str, Any]) -> int:
    """How many moments show a bone; how many photos, where 1.0 did not tell moments."""
    samples: int = stats.get("moments", stats.get("n", 0))
    return samples


def bone_rows(document: dict[str, Any]) -> tuple[BoneRow, ...]:
    """Reads the table of bones off an estimate document."""
    return tuple(
        BoneRow(
            label=label,
            ratio=document["estimates"].get(key),
            low=_end(document, key, 0),
            high=_end(document, key, 1),
            samples=samples_of(document["stats"].get(key, {})),
            status=document["stats"].get(key, {}).get("status", "insufficient"),
            metres=document.get("metres", {}).get(key, {}).get("value"),
            prior_share=document["stats"].get(key, {}).get("prior_share"),
        )
        for key, label in BONE_LABELS.items()
    )


def _end(document: dict[str, Any], key: str, end: int) -> float | None:
    interval = document["stats"].get(key, {}).get("interval")
    return None if interval is None else float(interval[end])


def duration(seconds: float) -> str:
    """Writes a time span for people: ``1:02:03``, ``4:05``; ``–`` where it is unknown."""
    if not math.isfinite(seconds):
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
