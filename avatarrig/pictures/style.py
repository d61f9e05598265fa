"""Colours and lettering that all pictures share."""

from __future__ import annotations

import functools
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

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


def badge(lines: list[tuple[str, Colour]], dot: Colour | None, size: int) -> Pixels:
    """Draws lines of text on a dark rounded plate.

    Args:
        lines: Text and colour of each line.
        dot: Colour of a signal dot before the first line.
        size: Font size in pixels.

    Returns:
        (height, width, 4) uint8, RGBA.
    """
    pad, gap = round(0.55 * size), round(0.25 * size)
    indent = round(1.1 * size) if dot else 0
    widths = [text_size(text, size)[0] for text, _ in lines]
    line_height = text_size("", size)[1]
    width = 2 * pad + indent + max(widths)
    height = 2 * pad + len(lines) * line_height + (len(lines) - 1) * gap
    plate = _rounded_plate(width, height, round(0.5 * size))
    draw = ImageDraw.Draw(plate)
    for row, (text, colour) in enumerate(lines):
        top = pad + row * (line_height + gap)
        draw.text((pad + indent, top), text, font=font(size), fill=(*colour, 255))
    pixels = np.asarray(plate).copy()
    if dot:
        centre = (round((pad + 0.32 * size) * 16), round((pad + 0.55 * line_height) * 16))
        _disc(pixels, centre, round(0.32 * size * 16), dot)
    return pixels


def _rounded_plate(width: int, height: int, radius: int) -> Image.Image:
    enlarged = Image.new("L", (4 * width, 4 * height))
    box = (0, 0, 4 * width - 1, 4 * height - 1)
    ImageDraw.Draw(enlarged).rounded_rectangle(box, 4 * radius, fill=200)
    plate = Image.new("RGBA", (width, height), (*INK, 0))
    plate.putalpha(enlarged.resize((width, height), Image.Resampling.BOX))
    return plate


def _disc(rgba: Pixels, centre: tuple[int, int], radius: int, colour: Colour) -> None:
    """Draws an anti-aliased disc; positions in sixteenths of a pixel."""
    cv2.circle(rgba, centre, radius, (*colour, 255), -1, cv2.LINE_AA, 4)


def blend(canvas: Pixels, rgba: Pixels, left: int, top: int) -> None:
    """Lays an RGBA picture over a canvas in place, cut off at the canvas's edges."""
    height, width = rgba.shape[:2]
    area = canvas[max(top, 0) : top + height, max(left, 0) : left + width]
    patch = rgba[max(-top, 0) :, max(-left, 0) :][: area.shape[0], : area.shape[1]]
    alpha = patch[:, :, 3:].astype(np.uint16)
    mixed = area * (255 - alpha) + patch[:, :, :3] * alpha
    area[:] = (mixed // 255).astype(np.uint8)
