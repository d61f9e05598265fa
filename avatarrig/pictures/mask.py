"""The person mask: as a file, and at the size of a picture."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarrig.pictures.png import encode_png

Mask = NDArray[np.bool_] | NDArray[np.uint8]
"""(rows, columns) at any resolution, stretched over the photo: true on the person, or how sure
that is from 0 to 255, where 128 and more counts as the person."""

PERSON: Final = 255
"""Value of a pixel in the file that shows the person; all others are 0."""

_HALF: Final = 127


def encode_mask(mask: Mask, width: int, height: int) -> bytes:
    """Encodes a person mask at the size of the photo.

    Args:
        mask: See `Mask`.
        width: Upright width of the original photo in pixels.
        height: Upright height of the original photo in pixels.

    Returns:
        An 8-bit gray PNG of exactly that size, 255 = person, 0 = not.
    """
    return encode_png(cut(stretch(mask, width, height)))


def stretch(mask: Mask, width: int, height: int) -> NDArray[np.uint8]:
    """Gives a mask's confidences, 0 to 255, at another size, with smooth edges."""
    confidence = mask.astype(np.uint8)
    if mask.dtype == np.bool_:
        confidence *= PERSON
    if confidence.shape == (height, width):
        return confidence
    # Linear between confidences: enlarged edges are slanted lines and no steps.
    enlarged = cv2.resize(confidence, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(enlarged, np.uint8)


def cut(confidence: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cuts confidences at one half: 255 on the person, else 0."""
    return np.asarray(cv2.threshold(confidence, _HALF, PERSON, cv2.THRESH_BINARY)[1], np.uint8)
