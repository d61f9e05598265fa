"""Synthetic observations: seeded random landmarks, real evidence, cheap by the thousand."""

from __future__ import annotations

import functools
from typing import Any

import msgspec
import numpy as np

from avatarrig.body.evidence.evidence import evidence_from_landmarks
from avatarrig.body.evidence.learned import load_learned
from avatarrig.wire import Observation, PackedArray

VIEWS = 64
"""Different landmarks; further photos show them again under another name."""

WIDTH, HEIGHT = 1200, 1600


def observation(
    number: int,
    subject: str = "anna",
    **changes: Any,
) -> Observation:
    """The same number gives the same observation, bit for bit."""
    seen = _view(number % VIEWS)
    return msgspec.structs.replace(
        seen,
        image_id=f"photo-{number}",
        path=f"photo-{number}.jpg",
        subject=subject,
        captured_at=1.7e9 + 3600.0 * (number % 1000),
        **changes,
    )


@functools.cache
def _view(number: int) -> Observation:
    random = np.random.default_rng(number)
    pose = random.random((33, 5)).astype(np.float32)
    pose[:, 3] = 0.5 + 0.5 * pose[:, 3]
    world = (random.random((33, 3)) - 0.5).astype(np.float32)
    return Observation(
        image_id="",
        dataset="synthetic",
        path="",
        subject="",
        content_hash="0" * 64,
        found_at=1.75e9,
        observed_at=1.75e9,
        fingerprint="0123456789abcdef",
        width=WIDTH,
        height=HEIGHT,
        people=1,
        subject_confidence=0.9,
        pose=PackedArray.pack(pose),
        world=PackedArray.pack(world),
        face=PackedArray.pack(random.random((478, 3))),
        blendshapes=PackedArray.pack(random.random(52)),
        meta={f"metric_{index}": float(value) for index, value in enumerate(random.random(30))},
        evidence=evidence_from_landmarks(pose, world, WIDTH, HEIGHT, learned=load_learned("full")),
    )
