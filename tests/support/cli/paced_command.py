"""``avatarrig`` with a detector that does what photos say, at a pace that a test sets.

``python -m support.cli.paced_command DATASET --out RUN``: everything but the detector is the
product's own. A "photo" is a text file of instructions as for the scripted detector, or a real one
of which something is made up.
"""

from __future__ import annotations

import functools
import hashlib
import os
import resource
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from support.scripted_detector import obey

from avatarrig.cli import main
from avatarrig.detectors.fetching.models import locate_models
from avatarrig.detectors.fingerprint import detector_fingerprint
from avatarrig.detectors.options import DetectorOptions
from avatarrig.pipeline import parts, publishing, session
from processors.detector_port import PhotoDetector
from processors.sandbox.settings import Limits, SandboxSettings
from processors.settings import ReplicaSettings
from producers.publish import described
from producers.references import Published

MODULE = "support.cli.paced_command"
DETECTOR = f"{MODULE}:open_paced"
DETECTION_SECONDS = "AVATARRIG_TEST_DETECTION_SECONDS"
LARGEST_FILE = "AVATARRIG_TEST_LARGEST_FILE"
"""Bytes, after which the detector process's disk is full."""
PUBLISHED = "AVATARRIG_TEST_PUBLISHED"
"""Photos, after which the producer stands still."""
PEOPLE = Path(__file__).parents[2] / "unit" / "data" / "rendered_people.npz"
NOISE = 0.003
"""By which no two photos show the same."""


@functools.cache
def rendered_poses() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What a model saw of a rendered person, in 30 photos: on the picture, and in metres."""
    with np.load(PEOPLE) as people:
        return people["p00_pose"].astype(np.float32), people["p00_world"].astype(np.float32)


class PacedDetector:
    """Sees a person in each photo, another one in other words, whatever its pace.

    Args:
        fingerprint: Of the real detector, whose place it takes.
    """

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint

    def detect(self, data: bytes) -> SimpleNamespace:
        words = data.decode("utf-8", "replace").split()  # none of a real photo is an instruction
        for word in words:
            obey(word)
        shown = " ".join(word for word in words if not word.startswith("pace:"))
        seed = int.from_bytes(hashlib.sha256(shown.encode()).digest()[:4], "big")
        random = np.random.default_rng(seed)
        poses, worlds = rendered_poses()
        number = seed % len(poses)
        pose, world = poses[number].copy(), worlds[number].copy()
        pose[:, :3] += random.normal(0, NOISE, (33, 3))
        world += random.normal(0, NOISE, world.shape)
        return SimpleNamespace(  # a Detection, whose module would load MediaPipe
            width=640,
            height=960,
            people=1,
            ambiguous=False,
            subject_confidence=1.0,
            pose=pose,
            world=world,
            face=None,
            blendshapes=None,
            mask=None,
            meta={"pose_score": 0.9, "frame_kind": "full_body"},
            look=(),
            rgb=random.integers(0, 256, (48, 64, 3), np.uint8),
        )

    def close(self) -> None:
        """Holds nothing."""


def open_paced(options: DetectorOptions, models: Path | None) -> PhotoDetector:
    largest = os.environ.get(LARGEST_FILE)
    if largest is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest), int(largest)))
    detector = PacedDetector(detector_fingerprint(options, locate_models(options, models)))
    return cast("PhotoDetector", detector)


def first_ones(most: int, *arguments: Any, **options: Any) -> Iterator[Published]:
    """Finds a dataset's first photos, and never comes back."""
    for number, record in enumerate(described(*arguments, **options)):
        if number == most:
            threading.Event().wait()
        yield record


def run_paced() -> None:
    if PUBLISHED in os.environ:
        some = functools.partial(first_ones, int(os.environ[PUBLISHED]))
        vars(publishing)["described"] = some
    limits = Limits(detection=float(os.environ[DETECTION_SECONDS]))
    vars(parts)["SandboxSettings"] = functools.partial(SandboxSettings, detector=DETECTOR)
    vars(session)["ReplicaSettings"] = functools.partial(ReplicaSettings, limits=limits)
    main()


if __name__ == "__main__":
    run_paced()
