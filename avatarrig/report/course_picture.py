"""The course of every ratio as one picture, for those who are sent no page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from avatarrig.pictures.page import Letters, Page, Place
from avatarrig.pictures.style import GRID, SOFT_TEXT, TEXT, Colour
from avatarrig.report.convergence import Curve
from avatarrig.report.course_scale import CourseScale

_COLUMNS: Final = 3
_CHART: Final = (560, 340)
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 90, 64, 44
_HEAD: Final = 110
_FOOT: Final = 60

_BAND: Final = Colour(204, 224, 241)
_CURVE: Final = Colour(23, 119, 188)


def draw_courses(curves: Sequence[Curve], *, title: str) -> bytes:
    """Draws how each ratio and its 90 % interval went with the photos.

    Args:
        curves: Each with at least one point.

    Returns:
        A PNG, three charts to a row.
    """
    rows = -(-len(curves) // _COLUMNS)
    page = Page(_COLUMNS * _CHART[0], _HEAD + rows * _CHART[1] + _FOOT)
    page.write((_LEFT, 34), title, Letters(40, TEXT))
    page.write((_LEFT, 86), "Ratios to shoulder width, as photos arrived", Letters(24, SOFT_TEXT))
    for number, curve in enumerate(curves):
        row, column = divmod(number, _COLUMNS)
        _draw_course(page, curve, (column * _CHART[0], _HEAD + row * _CHART[1]))
    words = "across: photos that count, on a logarithmic scale · pale: 90 % interval"
    page.write((_LEFT, _HEAD + rows * _CHART[1] + 20), words, Letters(22, SOFT_TEXT))
    return page.encode()


def _draw_course(page: Page, curve: Curve, corner: Place) -> None:
    scale = CourseScale.of(curve)
    left, right = corner[0] + _LEFT, corner[0] + _CHART[0] - _RIGHT
    top, floor = corner[1] + _TOP, corner[1] + _CHART[1] - _BOTTOM

    def place(photos: float, value: float) -> Place:
        return left + (right - left) * scale.across(photos), floor - (floor - top) * scale.up(value)

    page.write((left, top - 38), curve.name, Letters(26, TEXT))
    upper = [place(point.photos, point.high) for point in curve.points]
    lower = [place(point.photos, point.low) for point in curve.points]
    page.area([*upper, *reversed(lower)], _BAND)
    for value in scale.value_ticks:
        y = place(1, value)[1]
        page.line([(left, y), (right, y)], GRID, 1)
        page.write((left - 12, y), f"{value:.4g}", Letters(20, SOFT_TEXT), anchor="rm")
    for photos in scale.photo_ticks:
        x = place(photos, scale.low)[0]
        page.line([(x, floor), (x, floor + 6)], SOFT_TEXT, 1)
        page.write((x, floor + 10), str(photos), Letters(20, SOFT_TEXT), anchor="mt")
    page.line([place(point.photos, point.value) for point in curve.points], _CURVE, 4)
    last = curve.points[-1]
    end = place(last.photos, last.value)
    page.dot(end, 6, _CURVE)
    page.write((end[0] + 14, end[1]), f"{last.value:.3f}", Letters(22, TEXT), anchor="lm")
