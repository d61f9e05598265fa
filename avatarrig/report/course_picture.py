"""The course of every ratio as one picture, for those who are sent no page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

from PIL import Image, ImageDraw

from avatarrig.pictures import style
from avatarrig.pictures.style import Colour
from avatarrig.report.convergence import Curve
from avatarrig.report.course_scale import CourseScale

_COLUMNS: Final = 3
_CHART: Final = (560, 340)
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 90, 64, 44
_HEAD: Final = 110
_FOOT: Final = 60
_OVERSAMPLING: Final = 2

_TEXT: Final = Colour(38, 45, 55)
_SOFT_TEXT: Final = Colour(98, 107, 118)
_GRID: Final = Colour(228, 231, 236)
_BAND: Final = Colour(204, 224, 241)
_CURVE: Final = Colour(23, 119, 188)

Place = tuple[float, float]


def draw_courses(curves: Sequence[Curve], *, title: str) -> bytes:
    """Draws how each ratio and its 90 % interval went with the photos.

    Args:
        curves: Each with at least one point.
        title: Whose they are.

    Returns:
        A PNG, three charts to a row.
    """
    rows = -(-len(curves) // _COLUMNS)
    page = _Page(_COLUMNS * _CHART[0], _HEAD + rows * _CHART[1] + _FOOT)
    page.write((_LEFT, 34), title, 40, _TEXT)
    page.write((_LEFT, 86), "Ratios to shoulder width, as photos arrived", 24, _SOFT_TEXT)
    for number, curve in enumerate(curves):
        row, column = divmod(number, _COLUMNS)
        _draw_course(page, curve, (column * _CHART[0], _HEAD + row * _CHART[1]))
    words = "across: photos that count, on a logarithmic scale · pale: 90 % interval"
    page.write((_LEFT, _HEAD + rows * _CHART[1] + 20), words, 22, _SOFT_TEXT)
    return page.encode()


def _draw_course(page: _Page, curve: Curve, corner: Place) -> None:
    scale = CourseScale.of(curve)
    left, right = corner[0] + _LEFT, corner[0] + _CHART[0] - _RIGHT
    top, floor = corner[1] + _TOP, corner[1] + _CHART[1] - _BOTTOM

    def place(photos: float, value: float) -> Place:
        return left + (right - left) * scale.across(photos), floor - (floor - top) * scale.up(value)

    page.write((left, top - 38), curve.name, 26, _TEXT)
    upper = [place(point.photos, point.high) for point in curve.points]
    lower = [place(point.photos, point.low) for point in curve.points]
    page.area([*upper, *reversed(lower)], _BAND)
    for value in scale.value_ticks:
        y = place(1, value)[1]
        page.line([(left, y), (right, y)], _GRID, 1)
        page.write((left - 12, y), f"{value:.4g}", 20, _SOFT_TEXT, anchor="rm")
    for photos in scale.photo_ticks:
        x = place(photos, scale.low)[0]
        page.line([(x, floor), (x, floor + 6)], _SOFT_TEXT, 1)
        page.write((x, floor + 10), str(photos), 20, _SOFT_TEXT, anchor="mt")
    page.line([place(point.photos, point.value) for point in curve.points], _CURVE, 4)
    last = curve.points[-1]
    end = place(last.photos, last.value)
    page.dot(end, 6, _CURVE)
    page.write((end[0] + 14, end[1]), f"{last.value:.3f}", 22, _TEXT, anchor="lm")


class _Page:
    """Drawn twice as large and reduced: Pillow's lines have no smooth edges of their own."""

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        large = (width * _OVERSAMPLING, height * _OVERSAMPLING)
        self._image = Image.new("RGB", large, style.PAPER)
        self._draw = ImageDraw.Draw(self._image)

    def line(self, places: Sequence[Place], colour: Colour, width: float) -> None:
        if len(places) > 1:
            wide = round(width * _OVERSAMPLING)
            self._draw.line(_enlarged(places), fill=colour, width=wide, joint="curve")

    def area(self, places: Sequence[Place], colour: Colour) -> None:
        self._draw.polygon(_enlarged(places), fill=colour)

    def dot(self, centre: Place, radius: float, colour: Colour) -> None:
        ((x, y),) = _enlarged([centre])
        self._draw.circle((x, y), radius * _OVERSAMPLING, fill=colour)

    def write(
        self, place: Place, words: str, size: int, colour: Colour, *, anchor: str = "lt"
    ) -> None:
        ((x, y),) = _enlarged([place])
        font = style.font(size * _OVERSAMPLING)
        self._draw.text((x, y), words, fill=colour, font=font, anchor=anchor)

    def encode(self) -> bytes:
        data = io.BytesIO()
        self._image.resize(self._size, Image.Resampling.BOX).save(data, "PNG", optimize=True)
        return data.getvalue()


def _enlarged(places: Sequence[Place]) -> list[Place]:
    return [(x * _OVERSAMPLING, y * _OVERSAMPLING) for x, y in places]
