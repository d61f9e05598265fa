"""Lines of text on a dark plate, and how it is laid over a picture."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image, ImageDraw

from avatarrig.pictures import style
from avatarrig.pictures.style import Colour, Pixels


def badge(lines: list[tuple[str, Colour]], dot: Colour | None, size: int) -> Pixels:
    """Draws lines of text on a dark rounded plate.

    Args:
        dot: Colour of a signal dot before the first line.
        size: Font size in pixels.

    Returns:
        (height, width, 4) uint8, RGBA.
    """
    pad, gap = round(0.55 * size), round(0.25 * size)
    indent = round(1.1 * size) if dot else 0
    widths = [style.text_size(text, size)[0] for text, _ in lines]
    line_height = style.text_size("", size)[1]
    width = 2 * pad + indent + max(widths)
    height = 2 * pad + len(lines) * line_height + (len(lines) - 1) * gap
    plate = _rounded_plate(width, height, round(0.5 * size))
    draw = ImageDraw.Draw(plate)
    for row, (text, colour) in enumerate(lines):
        top = pad + row * (line_height + gap)
        draw.text((pad + indent, top), text, font=style.font(size), fill=(*colour, 255))
    pixels = np.asarray(plate).copy()
    if dot:
        centre = (round((pad + 0.32 * size) * 16), round((pad + 0.55 * line_height) * 16))
        _disc(pixels, centre, round(0.32 * size * 16), dot)
    return pixels


def _rounded_plate(width: int, height: int, radius: int) -> Image.Image:
    enlarged = Image.new("L", (4 * width, 4 * height))
    box = (0, 0, 4 * width - 1, 4 * height - 1)
    ImageDraw.Draw(enlarged).rounded_rectangle(box, 4 * radius, fill=200)
    plate = Image.new("RGBA", (width, height), (*style.INK, 0))
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
