"""What the detector saw, drawn on the photo."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from avatarrig.body import landmarks as names
from avatarrig.pictures import face_mesh, style
from avatarrig.pictures.caption import Caption, Occupancy, draw_caption
from avatarrig.pictures.mask import Mask, cut, stretch
from avatarrig.pictures.png import encode_png
from avatarrig.pictures.style import Colour, Pixels

Floats = NDArray[np.float32]

_SMALLEST_CANVAS: Final = 800
"""Smaller photos are enlarged to this long side, or lines and words would cover the person."""

_SHIFT: Final = 4
"""OpenCV draws at sixteenths of a pixel."""

_BACKGROUND_LIGHT: Final = 0.62
"""How bright the surroundings of the person stay."""
_LIGHT_BY_MASK: Final = np.linspace(255 * _BACKGROUND_LIGHT, 255, 256).astype(np.uint8)

_OUTLINE_ALPHA: Final = 0.8
_SHORTEST_OUTLINE: Final = 12
"""Outlines of specks in the mask, shorter than this many line widths, are left out."""

_MIN_ALPHA: Final = 0.25

_ACROSS: Final = ((11, 12), (23, 24))
_LEFT_CHAINS: Final = ((11, 23), (11, 13), (13, 15), (23, 25), (25, 27))
_RIGHT_CHAINS: Final = ((12, 24), (12, 14), (14, 16), (24, 26), (26, 28))
_LEFT_DETAILS: Final = ((15, 17), (15, 19), (15, 21), (17, 19), (27, 29), (29, 31), (27, 31))
_RIGHT_DETAILS: Final = ((16, 18), (16, 20), (16, 22), (18, 20), (28, 30), (30, 32), (28, 32))
_HEAD: Final = (0, 2, 5, 7, 8)
_JOINTS: Final = tuple(joint for joint in names.QUALITY_JOINTS if joint != names.NOSE)


def draw_overlay(  # noqa: PLR0913 - one argument for each layer of the picture
    rgb: Pixels,
    pose: Floats | None,
    *,
    face: Floats | None = None,
    mask: Mask | None = None,
    caption: Caption | None = None,
    threshold: float = 0.35,
) -> bytes:
    """Draws mask outline, face mesh, skeleton and caption on a photo.

    The person's left is orange, the right blue. The less sure a bone is, the fainter it is
    drawn; joints below the threshold are left out. With a threshold of 0 and neither mask nor
    caption this is the ``_raw`` picture: everything as the model gave it.

    Args:
        rgb: (height, width, 3) uint8, the upright photo at any size.
        pose: (33, 5): x and y as shares of width and height, z, visibility, presence.
        face: (478, 3): x and y as shares of width and height, z.
        mask: Where people are, at any resolution; see `Mask`.
        threshold: Least confidence (the smaller of visibility and presence) that is drawn.

    Returns:
        A PNG, at least 800 pixels on its long side.
    """
    canvas = _canvas(rgb)
    if mask is not None:
        _draw_mask(canvas, mask)
    occupancy = Occupancy(canvas, mask)
    if face is not None:
        face_mesh.draw(canvas, _to_pixels(face, canvas))
    if pose is not None:
        skeleton = _Skeleton(canvas, pose, threshold)
        skeleton.draw()
        if face is None:
            skeleton.draw_head()
        occupancy.add_points(_to_pixels(pose, canvas))
    if caption is not None:
        draw_caption(canvas, caption, occupancy)
    return encode_png(canvas)


def confidence(pose: Floats) -> Floats:
    """Gives the confidence of each landmark: the smaller of visibility and presence.

    Either stands in for the other where that is 0 (models that do not report it).
    """
    visibility, presence = pose[:, 3], pose[:, 4]
    lower = np.minimum(visibility, presence)
    return np.where(lower > 0, lower, np.maximum(visibility, presence)).astype(np.float32)


def _canvas(rgb: Pixels) -> Pixels:
    height, width = rgb.shape[:2]
    factor = _SMALLEST_CANVAS / max(height, width)
    if factor <= 1:
        return rgb.copy()
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _to_pixels(points: Floats, canvas: Pixels) -> Floats:
    height, width = canvas.shape[:2]
    return points[:, :2] * np.array([width, height], np.float32)


def _line_unit(canvas: Pixels) -> float:
    """Width of a bone in pixels for a person who fills the picture."""
    return float(max(canvas.shape[:2])) / 210


class _Skeleton:
    """Draws one person's bones and joints."""

    def __init__(self, canvas: Pixels, pose: Floats, threshold: float) -> None:
        self._canvas = canvas
        # A landmark that is no number is nowhere, and below any threshold.
        somewhere = np.isfinite(pose).all(axis=1)
        self._confidence = np.where(somewhere, confidence(pose), -1.0)
        self._points = _to_pixels(np.nan_to_num(pose), canvas)
        self._threshold = threshold
        self._width = self._bone_width()

    def draw(self) -> None:
        """Draws details first, so that the limbs lie on top."""
        thin = 0.55 * self._width
        for pairs, colour, width in (
            (_LEFT_DETAILS, style.LEFT, thin),
            (_RIGHT_DETAILS, style.RIGHT, thin),
            (_ACROSS, style.MIDDLE, self._width),
            (_LEFT_CHAINS, style.LEFT, self._width),
            (_RIGHT_CHAINS, style.RIGHT, self._width),
        ):
            for start, end in pairs:
                self._bone(start, end, colour, width)
        for joint in _JOINTS:
            self._joint(joint, _side(joint))

    def draw_head(self) -> None:
        """Draws nose, eyes and ears as dots, for photos without a face mesh."""
        for joint in _HEAD:
            if self._confidence[joint] >= self._threshold:
                _disc(self._canvas, self._points[joint], 0.75 * self._width, style.INK)
                _disc(self._canvas, self._points[joint], 0.55 * self._width, _side(joint))

    def _bone_width(self) -> float:
        """Scales lines with the picture, and down with a person who is small in it."""
        unit = _line_unit(self._canvas)
        shown = self._points[self._confidence >= self._threshold]
        if not len(shown):
            return unit
        extent = float(np.ptp(shown, axis=0).max())
        return float(np.clip(0.014 * extent, 0.4 * unit, unit))

    def _bone(self, start: int, end: int, colour: Colour, width: float) -> None:
        sureness = float(min(self._confidence[start], self._confidence[end]))
        if sureness < self._threshold:
            return
        ends = (self._points[start], self._points[end])
        alpha = _MIN_ALPHA + (1 - _MIN_ALPHA) * sureness
        _line(self._canvas, ends, style.INK, width * 1.9, 0.5 * alpha)
        _line(self._canvas, ends, colour, width, alpha)

    def _joint(self, joint: int, colour: Colour) -> None:
        if self._confidence[joint] < self._threshold:
            return
        for radius, fill in ((1.5, style.INK), (1.25, style.PAPER), (0.8, colour)):
            _disc(self._canvas, self._points[joint], radius * self._width, fill)


def _side(landmark: int) -> Colour:
    """Gives a landmark the colour of its side of the body."""
    if landmark == names.NOSE:
        return style.MIDDLE
    return style.LEFT if names.POSE_LANDMARK_NAMES[landmark].startswith("left") else style.RIGHT


def _line(
    canvas: Pixels, ends: tuple[Floats, Floats], colour: Colour, width: float, alpha: float
) -> None:
    """Draws a translucent anti-aliased line."""
    height, size = canvas.shape[:2]
    margin = width + 2
    low = np.floor(np.minimum(*ends) - margin).astype(int).clip(0, [size, height])
    high = np.ceil(np.maximum(*ends) + margin).astype(int).clip(0, [size, height])
    area = canvas[low[1] : high[1], low[0] : high[0]]
    if not area.size:
        return
    drawn = np.ascontiguousarray(area)
    thickness = max(1, round(width))
    cv2.line(
        drawn, _fixed(ends[0] - low), _fixed(ends[1] - low), colour, thickness, cv2.LINE_AA, _SHIFT
    )
    area[:] = cv2.addWeighted(drawn, alpha, np.ascontiguousarray(area), 1 - alpha, 0)


def _disc(canvas: Pixels, centre: Floats, radius: float, colour: Colour) -> None:
    fixed_radius = max(1, round(radius * 2**_SHIFT))
    cv2.circle(canvas, _fixed(centre), fixed_radius, colour, -1, cv2.LINE_AA, _SHIFT)


def _fixed(point: Floats) -> tuple[int, int]:
    """Converts to sixteenths of a pixel, within what OpenCV can draw."""
    x, y = np.clip(point * 2**_SHIFT, -(2**24), 2**24)
    return round(float(x)), round(float(y))


def _draw_mask(canvas: Pixels, mask: Mask) -> None:
    """Darkens the surroundings and outlines the person."""
    height, width = canvas.shape[:2]
    unit = _line_unit(canvas)
    sharp = cut(stretch(mask, width, height))
    person = np.asarray(cv2.GaussianBlur(sharp, (0, 0), max(0.8, 0.5 * unit)), np.uint8)
    light = _LIGHT_BY_MASK[person]
    np.copyto(canvas, cv2.multiply(canvas, cv2.merge([light] * 3), scale=1 / 255))
    outlines, _ = cv2.findContours(cut(person), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    shown = [line for line in outlines if len(line) > _SHORTEST_OUTLINE * unit]
    before = canvas.copy()
    cv2.drawContours(canvas, shown, -1, style.PAPER, max(1, round(0.3 * unit)), cv2.LINE_AA)
    cv2.addWeighted(canvas, _OUTLINE_ALPHA, before, 1 - _OUTLINE_ALPHA, 0, canvas)
