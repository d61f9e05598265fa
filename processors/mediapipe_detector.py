"""The detector that replicas open unless they are told otherwise."""

from __future__ import annotations

from pathlib import Path

from avatarrig.detectors.detector import Detector
from avatarrig.detectors.fetching.models import ModelUnavailableError, locate_models
from avatarrig.detectors.options import DetectorOptions
from processors.detector_port import DetectorUnusableError, PhotoDetector


def open_detector(options: DetectorOptions, models: Path | None) -> PhotoDetector:
    """Opens MediaPipe's tasks.

    Args:
        models: Folder to look for the model files in first.

    Raises:
        DetectorUnusableError: A model file is nowhere to be had, or MediaPipe cannot use it.
    """
    try:
        return Detector(options, locate_models(options, models), models)
    except (ModelUnavailableError, OSError, RuntimeError, ValueError) as error:
        raise DetectorUnusableError(str(error)) from error
