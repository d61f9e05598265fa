"""Pictures in files, as OpenCV reads them."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image


def read_picture(file: Path, flags: int = cv2.IMREAD_COLOR) -> NDArray[np.uint8]:
    """BGR unless the flags say otherwise."""
    picture = cv2.imread(str(file), flags)
    assert picture is not None, file
    return picture.astype(np.uint8)


def scaled(picture: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(
        np.uint8
    )


def damaged_pngs() -> dict[str, bytes]:
    """PNG files of which each makes Pillow raise another kind of error, by what is wrong."""
    noise = np.random.default_rng(1).integers(0, 255, (300, 400, 3), np.uint8)
    data = io.BytesIO()
    Image.fromarray(noise).save(data, "PNG")
    whole = data.getvalue()
    second = whole.rindex(b"IDAT")
    head = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    huge = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    return {
        "cut off": whole[:second],
        "no chunk's name": whole[:second] + b"\1\2\3\4" + whole[second + 4 :],
        "far too large": whole[:8] + huge + whole[33:],
    }
