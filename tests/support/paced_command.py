"""``avatarrig`` with a detector that does what photos say, at a pace that a test sets.

``python -m support.paced_command DATASET --out RUN``: everything but the detector is the
product's own. A "photo" is a text file of instructions as for the scripted detector, and of
``pace:FILE``: look at this photo for as many seconds as the file says at the time.
"""

from __future__ import annotations

import functools
import hashlib
import os
import resource
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from support.scripted_detector import obey

from avatarrig.cli import main, session
from avatarrig.detectors.fingerprint import detector_fingerprint
from avatarrig.detectors.models import locate_models
from avatarrig.detectors.options import DetectorOptions
from processors.detector_port import PhotoDetector
from processors.sandbox_settings import Limits, SandboxSettings
from processors.settings import ReplicaSettings

DETECTOR = "support.paced_command:open_paced"
DETECTION_SECONDS = "AVATARRIG_TEST_DETECTION_SECONDS"
LARGEST_FILE = "AVATARRIG_TEST_LARGEST_FILE"
"""Bytes, after which the detector process's disk is full."""
_LOOK_SECONDS = 0.02


class PacedDetector:
    """Sees a person in each photo, another one in other bytes.

    Args:
        fingerprint: Of the real detector, whose place it takes.
    """

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint

    def detect(self, data: bytes) -> SimpleNamespace:
        for word in data.decode().split():
            if word.startswith("pace:"):
                keep_pace(Path(word.removeprefix("pace:")))
            else:
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
            rgb=np.full((48, 64, 3), 128, np.uint8),
        )

    def close(self) -> None:
        """Holds nothing."""


def keep_pace(file: Path) -> None:
    """Waits as long as the file says; what it says may change meanwhile."""
    begun = time.monotonic()
    while time.monotonic() - begun < float(file.read_text()):
        time.sleep(_LOOK_SECONDS)


def open_paced(options: DetectorOptions, models: Path | None) -> PhotoDetector:
    largest = os.environ.get(LARGEST_FILE)
    if largest is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest), int(largest)))
    return PacedDetector(detector_fingerprint(options, locate_models(options, models)))


def run_paced() -> None:
    limits = Limits(detection=float(os.environ[DETECTION_SECONDS]))
    session.SandboxSettings = functools.partial(SandboxSettings, detector=DETECTOR)
    session.ReplicaSettings = functools.partial(ReplicaSettings, limits=limits)
    main()


if __name__ == "__main__":
    run_paced()
