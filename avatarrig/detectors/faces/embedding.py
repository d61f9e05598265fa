"""An aligned face as 128 numbers: SFace (Zhong et al. 2021), run by OpenCV's network module."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarrig.detectors.native import silenced

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


class FaceEmbedder:
    """SFace, opened once, for one face at a time.

    Args:
        model: The ``.onnx`` file.
    """

    def __init__(self, model: Path) -> None:
        with silenced():
            self._network = cv2.dnn.readNetFromONNX(np.frombuffer(model.read_bytes(), np.uint8))

    def embed(self, aligned: Pixels) -> Floats:
        """Turns a face into numbers.

        Args:
            aligned: uint8, 112 x 112 x 3, RGB, as `avatarrig.detectors.faces.align.align` gives it.

        Returns:
            (128,) of length 1: the cosine of two of them says how alike the faces are.
        """
        pixels = np.ascontiguousarray(aligned.transpose(2, 0, 1), dtype=np.float32)
        self._network.setInput(pixels[np.newaxis], "data")
        numbers = np.asarray(self._network.forward(), np.float32).reshape(-1)
        unit: Floats = numbers / np.float32(max(float(np.linalg.norm(numbers)), 1e-12))
        return unit
