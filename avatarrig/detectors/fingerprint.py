"""What an observation was made with, in one short name: only equals may be pooled."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

import msgspec

from avatarrig.wire import SCHEMA_VERSION

if TYPE_CHECKING:
    from avatarrig.detectors.fetching.models import ModelFiles
    from avatarrig.detectors.options import DetectorOptions

PROCEDURE: Final = 3
"""Raised whenever the detector's own steps change what it reports."""

_WITHOUT_EFFECT: Final = ("max_pixels", "min_pose_track")
"""What is refused is not observed; MediaPipe ignores tracking in single images."""


def detector_fingerprint(options: DetectorOptions, models: ModelFiles) -> str:
    """Names models, thresholds, schema and procedure by 16 hexadecimal digits.

    Args:
        options: The detector's options; those that cannot change an observation are left out.
        models: The model files with their checksums.
    """
    settings = {
        name: value
        for name, value in msgspec.to_builtins(options).items()
        if name not in _WITHOUT_EFFECT
    }
    parts = {
        "models": models.checksums,
        "mediapipe": version("mediapipe"),
        "options": settings,
        "procedure": PROCEDURE,
        "schema": SCHEMA_VERSION,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
