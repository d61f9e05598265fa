"""Faces in a picture, with five points on each: YuNet (Wu et al. 2023), run by OpenCV."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarrig.detectors.native import silenced

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

LEAST_SCORE: Final = 0.6
"""Least confidence of a face, 0..1."""

_OVERLAP: Final = 0.3
_MOST_FACES: Final = 200
_SMALLEST_SIDE: Final = 16
_POINTS: Final = slice(4, 14)
_SCORE: Final = 14


@dataclass(frozen=True)
class Face:
    """A face in a picture, in the picture's pixels.

    Attributes:
        left: Left edge of its box; like the other edges it may lie outside the picture.
        width: From temple to temple.
        height: From forehead to chin.
        points: (5, 2): right eye, left eye, tip of the nose, right and left corner of the mouth.
        score: How sure the finder is, 0..1.
    """

    left: float
    top: float
    width: float
    height: float
    points: Floats
    score: float

    @property
    def centre(self) -> tuple[float, float]:
        """Middle of the box."""
        return self.left + self.width / 2, self.top + self.height / 2

    def moved(self, scale: float, left: float, top: float) -> Face:
        """The same face in a picture that is enlarged by `scale`, then shifted."""
        shift = np.array([left, top], dtype=np.float32)
        return Face(
            self.left * scale + left,
            self.top * scale + top,
            self.width * scale,
            self.height * scale,
            (self.points * np.float32(scale) + shift).astype(np.float32),
            self.score,
        )


class FaceFinder:
    """YuNet, opened once, for one picture at a time.

    Args:
        model: The ``.onnx`` file.
    """

    def __init__(self, model: Path) -> None:
        weights = np.frombuffer(model.read_bytes(), np.uint8)
        with silenced():
            self._detector = cv2.FaceDetectorYN.create(
                "onnx", weights, np.empty(0, np.uint8), (320, 320), LEAST_SCORE, _OVERLAP, 5000
            )

    def find(self, rgb: Pixels, long_side: int) -> tuple[Face, ...]:
        """Finds faces, the surest first.

        Args:
            rgb: uint8, height x width x 3.
            long_side: The picture is reduced or enlarged to this many pixels on its long side;
                faces of 10 to 300 of these pixels are found.

        Returns:
            The faces in pixels of `rgb`.
        """
        height, width = rgb.shape[:2]
        scale = long_side / max(width, height)
        across, down = (max(round(side * scale), _SMALLEST_SIDE) for side in (width, height))
        smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        # The network was trained on OpenCV's order of colours.
        resized = cv2.resize(rgb[..., ::-1], (across, down), interpolation=smooth)
        self._detector.setInputSize((across, down))
        _, rows = self._detector.detect(np.ascontiguousarray(resized))
        if rows is None:
            return ()
        stretch = np.array([width / across, height / down], dtype=np.float32)
        found = [_face(row, stretch) for row in np.asarray(rows, np.float32)]
        found.sort(key=lambda face: face.score, reverse=True)
        return tuple(found[:_MOST_FACES])


def _face(row: Floats, stretch: Floats) -> Face:
    left, top = (float(number) for number in row[:2] * stretch)
    width, height = (float(number) for number in row[2:4] * stretch)
    points = row[_POINTS].reshape(5, 2) * stretch
    return Face(left, top, width, height, points.astype(np.float32), float(row[_SCORE]))
