"""Bursts for tests: what a camera that is held by a hand makes of one moment."""

from __future__ import annotations

import functools
from pathlib import Path

import cv2
import numpy as np

RENDERED = Path(__file__).parents[2] / "inputs" / "datasets" / "Demo"


@functools.cache
def burst(photo: Path, count: int, *, sharpest: int = 0) -> tuple[bytes, ...]:
    """Makes JPEG files of one photo, each shifted and noisy in its own way.

    Args:
        sharpest: Which of them is not blurred.
    """
    picture = np.asarray(cv2.imread(str(photo)), np.uint8)
    random = np.random.default_rng(1)
    height, width = picture.shape[:2]
    files = []
    for number in range(count):
        left, top = random.integers(0, 16, 2)
        frame = picture[top : height - 16 + top, left : width - 16 + left]
        if number != sharpest:
            frame = np.asarray(cv2.GaussianBlur(frame, (0, 0), 3), np.uint8)
        noisy = np.clip(frame + random.normal(0, 2, frame.shape), 0, 255).astype(np.uint8)
        files.append(cv2.imencode(".jpg", noisy)[1].tobytes())
    return tuple(files)
