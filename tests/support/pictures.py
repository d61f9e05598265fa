"""Pictures in files, as OpenCV reads them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray


def read_picture(file: Path, flags: int = cv2.IMREAD_COLOR) -> NDArray[np.uint8]:
    """BGR unless the flags say otherwise."""
    picture = cv2.imread(str(file), flags)
    assert picture is not None, file
    return picture.astype(np.uint8)


def scaled(picture: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(
        np.uint8
    )
