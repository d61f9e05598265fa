"""The person mask as a file."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarrig.pictures.png import encode_png

PERSON = 255
"""Value of a pixel that shows the person; all others are 0."""


def encode_mask(mask: NDArray[Any], width: int, height: int) -> bytes:
    """Encodes a person mask at the size of the photo.

    Args:
        mask: (rows, columns) at any resolution: bool, or numbers that are not 0 on the person.
        width: Upright width of the original photo in pixels.
        height: Upright height of the original photo in pixels.

    Returns:
        An 8-bit gray PNG of exactly that size, 255 = person, 0 = not.
    """
    person = (mask != 0).astype(np.uint8) * PERSON
    if person.shape != (height, width):
        # Interpolating and cutting at one half keeps edges smooth where the mask is enlarged.
        smooth = cv2.resize(person, (width, height), interpolation=cv2.INTER_LINEAR)
        person = cv2.threshold(smooth, PERSON // 2, PERSON, cv2.THRESH_BINARY)[1]
    return encode_png(person)
