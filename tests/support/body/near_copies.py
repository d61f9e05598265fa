"""Copies of a photo as messengers and editors make them, and how landmarks move in them."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from avatarrig.body.evidence.evidence import evidence_from_landmarks
from avatarrig.body.evidence.geometry import mirrored
from avatarrig.body.evidence.learned import load_learned
from avatarrig.wire import Observation, PackedArray

IN_SPACE = 0.012
"""Metres that world landmarks move by between copies of a rendered photo, median."""
IN_PICTURE = 0.004
"""Share of the photo's height that landmarks move by in the picture."""


def near_copy(
    photo: Observation,
    number: int,
    **changes: Any,
) -> Observation:
    """A copy whose landmarks the detector sees a little elsewhere; each third is mirrored."""
    assert photo.pose is not None
    assert photo.world is not None
    random = np.random.default_rng([number, *photo.path.encode()])
    pose, world = photo.pose.unpack(), photo.world.unpack()
    shares = np.array([photo.height / photo.width, 1]) * IN_PICTURE
    pose[:, :2] += random.normal(0, shares, (33, 2)) + random.normal(0, shares, 2)
    world += random.normal(0, IN_SPACE, (33, 3))
    if number % 3 == 0:
        other_pose, other_world = mirrored(pose[None], world[None])
        pose, world = other_pose[0].astype(np.float32), other_world[0].astype(np.float32)
    evidence = evidence_from_landmarks(
        pose, world, photo.width, photo.height, learned=load_learned("full")
    )
    copy = msgspec.structs.replace(
        photo,
        image_id=f"{photo.image_id}-{number}",
        pose=PackedArray.pack(pose),
        world=PackedArray.pack(world),
        evidence=evidence,
    )
    return msgspec.structs.replace(copy, **changes)
