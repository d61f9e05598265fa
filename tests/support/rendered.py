"""Observations of a rendered person, as a detector makes them: see tests/unit/data/README.md."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from avatarrig.body.bones import POOLED_BONES
from avatarrig.body.evidence.evidence import evidence_from_landmarks
from avatarrig.body.evidence.learned import load_learned
from avatarrig.detectors.quality import measure_quality
from avatarrig.runs import Pictures, RunDirectory, write_observation
from avatarrig.wire import Evidence, Observation, PackedArray

PEOPLE = Path(__file__).parents[1] / "unit" / "data" / "rendered_people.npz"
PHOTOS = 30
WIDTH, HEIGHT = 640, 960
FIRST_DAY = 1.74e9


def rendered(
    number: int,
    person: str = "p00",
    **changes: Any,
) -> Observation:
    """The observation of one photo, taken a day after the one before; they repeat after 30."""
    seen = msgspec.structs.replace(
        _seen(person, number % PHOTOS),
        image_id=f"photo-{number:02}",
        path=f"album/photo {number:02}.jpg",
        captured_at=FIRST_DAY + 86_400 * number,
        found_at=FIRST_DAY + 86_400 * 1000,
    )
    return msgspec.structs.replace(seen, **changes)


def evidence_of(person: str) -> tuple[Evidence, ...]:
    """What each photo of a person says; those that say nothing are left out."""
    seen = (_seen(person, number).evidence for number in range(PHOTOS))
    return tuple(evidence for evidence in seen if evidence is not None)


def truth_of(person: str) -> dict[str, float]:
    """A person's true bone lengths and stature, m."""
    with np.load(PEOPLE) as people:
        return dict(
            zip((*POOLED_BONES, "stature"), people[f"{person}_bones"].tolist(), strict=True)
        )


def write_rendered_run(run: Path, photos: int = PHOTOS) -> None:
    """Writes the observation files of a run."""
    for number in range(photos):
        write_observation(RunDirectory(run), rendered(number), Pictures())


@functools.cache
def _seen(person: str, number: int) -> Observation:
    with np.load(PEOPLE) as people:
        pose = people[f"{person}_pose"][number].astype(np.float32)
        world = people[f"{person}_world"][number].astype(np.float32)
    learned = load_learned("full")
    return Observation(
        image_id="",
        dataset="Demo",
        path="",
        subject="Demo",
        content_hash="0" * 64,
        found_at=0.0,
        observed_at=FIRST_DAY,
        fingerprint="0123456789abcdef",
        width=WIDTH,
        height=HEIGHT,
        people=1,
        subject_confidence=0.9,
        pose=PackedArray.pack(pose),
        world=PackedArray.pack(world),
        meta=measure_quality(pose, None, WIDTH, HEIGHT, 0.35).to_meta(),
        evidence=evidence_from_landmarks(pose, world, WIDTH, HEIGHT, learned=learned),
    )
