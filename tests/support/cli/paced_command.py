"""``avatarrig`` with a detector that does what photos say, at a pace that a test sets.

``python -m support.cli.paced_command DATASET --out RUN``: everything but the detector is the
product's own. A "photo" is a text file of instructions as for the scripted detector.
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

DETECTOR = "support.cli.paced_command:open_paced"
DETECTION_SECONDS = "AVATARRIG_TEST_DETECTION_SECONDS"
LARGEST_FILE = "AVATARRIG_TEST_LARGEST_FILE"
"""Bytes, after which the detector process's disk is full."""
PUBLISHED = "AVATARRIG_TEST_PUBLISHED"
"""Photos, after which the producer stands still."""


class PacedDetector:
    """Sees a person in each photo, another one in other bytes.

    Args:
        fingerprint: Of the real detector, whose place it takes.
    """

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint

    def detect(self, data: bytes) -> SimpleNamespace:
        for word in data.decode().split():
            obey(word)
        seed = int.from_bytes(hashlib.sha256(data).digest()[:4], "big")
        random = np.random.default_rng(seed)
        pose = random.random((33, 5)).astype(np.float32)
        pose[:, 3:] = 0.5 + 0.5 * pose[:, 3:]
        return SimpleNamespace(  # a Detection, whose module would load MediaPipe
            width=1200,
            height=1600,
            people=1,
            ambiguous=False,
            subject_confidence=1.0,
            pose=pose,
            world=(random.random((33, 3)) - 0.5).astype(np.float32),
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
