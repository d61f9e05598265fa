"""A smooth picture without anybody on it, and how it says which side is up."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from PIL import Image
from support.photos import encode, encode_heic

from avatarrig.photos.formats import Format

ORIENTATION = 0x0112


def landscape(width: int, height: int) -> Image.Image:
    """A smooth picture in which every corner is another colour."""
    corners = np.array([[[250, 20, 20], [20, 250, 20]], [[20, 20, 250], [240, 240, 40]]], np.uint8)
    return Image.fromarray(cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR))


def tagged(picture: Image.Image, name: Format, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    if name == "HEIC":
        return encode_heic(picture, exif=exif.tobytes())
    kinds = {"WebP": "WEBP"}
    lossless: dict[str, dict[str, Any]] = {"PNG": {}, "TIFF": {}}
    return encode(
        picture, kinds.get(name, name), exif=exif.tobytes(), **lossless.get(name, {"quality": 95})
    )
