"""Colours and lettering that all pictures share. No OpenCV: the aggregator draws as well."""

from __future__ import annotations

import functools
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFont

Pixels = NDArray[np.uint8]


class Colour(NamedTuple):
    """Red, green, blue, 0..255."""

    red: int
    green: int
    blue: int


# Orange and blue stay apart for every common kind of colour blindness.
LEFT: Final = Colour(255, 152, 28)
"""The person's own left side."""
RIGHT: Final = Colour(48, 176, 255)
"""The person's own right side."""
MIDDLE: Final = Colour(245, 245, 240)
INK: Final = Colour(18, 22, 28)
PAPER: Final = Colour(255, 255, 255)

# On paper: the soft text has the contrast that WCAG 2.2 asks of small text (4.5 to 1).
TEXT: Final = Colour(38, 45, 55)
SOFT_TEXT: Final = Colour(98, 107, 118)
GRID: Final = Colour(230, 233, 237)

GOOD: Final = Colour(74, 201, 126)
FAIR: Final = Colour(247, 196, 70)
POOR: Final = Colour(236, 92, 84)


@functools.cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Loads the font that Pillow carries, so that pictures look alike on every machine."""
    return ImageFont.load_default(size)


def text_size(text: str, size: int) -> tuple[int, int]:
    """Measures a line of text: width and line height in pixels."""
    ascent, descent = _metrics(size)
    return round(font(size).getlength(text)), ascent + descent


def _metrics(size: int) -> tuple[int, int]:
    face = font(size)
    return face.getmetrics() if isinstance(face, ImageFont.FreeTypeFont) else (size, size // 4)
