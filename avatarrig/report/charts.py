"""The report's charts."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from markupsafe import Markup

from avatarrig.report.calibration.report import Distribution
from avatarrig.report.convergence import Curve
from avatarrig.report.course_scale import CourseScale
from avatarrig.report.drawing import Drawing, Place
from avatarrig.wire.counted import counted

_WIDTH: Final = 340
_HEIGHT: Final = 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 54, 12, 26
_BAR_HEIGHT: Final = 22
_NAME_WIDTH: Final = 130
_REACH_SHOWN: Final = 0.25
"""An interval's bar is full at this half-width, as a share of the value."""


def course_chart(curve: Curve, truth: float | None = None) -> Markup:
    """Draws how a ratio and its 90 % interval went with the photos, on a logarithmic axis.

    Args:
        curve: At least one point.
        truth: What the ratio really is, where that is known.
    """
    last = curve.points[-1]
    drawing = Drawing(
        _WIDTH,
        _HEIGHT,
        f"{curve.name}: {last.value:.3f}, 90 % interval {last.low:.3f} to {last.high:.3f} "
        f"after {counted(last.photos, 'photo')}",
    )
    scale = CourseScale.of(curve)

    def place(photos: float, value: float) -> Place:
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * scale.across(photos)
        return x, _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * scale.up(value)

    for value in scale.value_ticks:
        y = place(1, value)[1]
        drawing.line((_LEFT, y), (_WIDTH - _RIGHT, y), "grid")
        drawing.text((_LEFT - 6, y + 4), f"{value:.4g}", "tick", anchor="end")
    for photos in scale.photo_ticks:
        x = place(photos, scale.low)[0]
        drawing.line((x, _HEIGHT - _BOTTOM), (x, _HEIGHT - _BOTTOM + 4), "axis")
        drawing.text((x, _HEIGHT - 7), str(photos), "tick", anchor="middle")
    upper = [place(point.photos, point.high) for point in curve.points]
    lower = [place(point.photos, point.low) for point in curve.points]
    drawing.path([*upper, *reversed(lower)], "band", closed=True)
    drawing.path([place(point.photos, point.value) for point in curve.points], "curve")
    if truth is not None:
        drawing.line(place(1, truth), place(scale.most, truth), "mark")
    end = place(last.photos, last.value)
    drawing.dot(end, 3.5, "end")
    drawing.text((end[0] + 8, end[1] + 5), f"{last.value:.3f}", "value")
    _add_hover(drawing, curve, [x for x, _ in upper])
    return drawing.to_markup()


def _add_hover(drawing: Drawing, curve: Curve, across: list[float]) -> None:
    """Lays a see-through strip over each point that says its numbers when pointed at."""
    borders = [across[0] - 4, *((a + b) / 2 for a, b in pairwise(across)), across[-1] + 4]
    for point, left, right in zip(curve.points, borders, borders[1:], strict=False):
        drawing.box(
            (left, _TOP),
            (right - left, _HEIGHT - _TOP - _BOTTOM),
            "hover",
            title=f"after {counted(point.photos, 'photo')}: {point.value:.3f} "
            f"({point.low:.3f} – {point.high:.3f})",
        )


def histogram_chart(distribution: Distribution, mark: float | None = None) -> Markup:
    """Draws how a metric is spread over the photos with a pose.

    Args:
        mark: A value to mark, such as a suggested threshold; None for none.
    """
    label = ", ".join(
        f"{edge:g}: {count}"
        for edge, count in zip(distribution.edges, distribution.counts, strict=False)
        if count
    )
    drawing = Drawing(_WIDTH, _HEIGHT, f"{distribution.metric}: {label or 'no photo'}")
    first, last = distribution.edges[0], distribution.edges[-1]
    inner = _WIDTH - 2 * _BOTTOM
    floor, tall = _HEIGHT - _BOTTOM, _HEIGHT - 2 * _BOTTOM
    most = max(distribution.counts, default=0) or 1
    whole = all(float(edge).is_integer() for edge in distribution.edges)

    def across(value: float) -> float:
        return _BOTTOM + inner * (value - first) / (last - first)

    for left, right, count in zip(
        distribution.edges, distribution.edges[1:], distribution.counts, strict=False
    ):
        height = tall * count / most
        width = across(right) - across(left) - 3
        words = f"{left:g}" if whole else f"{left:g} to {right:g}"
        title = f"{words}: {counted(count, 'photo')}"
        corner = (across(left) + 1.5, floor - height)
        drawing.box(corner, (width, height), "bar", radius=2, title=title)
        if count:
            drawing.text(
                (corner[0] + width / 2, corner[1] - 5), str(count), "tick", anchor="middle"
            )
        shift = width / 2 + 1.5 if whole else 0.0
        drawing.text((across(left) + shift, _HEIGHT - 8), f"{left:g}", "tick", anchor="middle")
    if not whole:
        drawing.text((across(last), _HEIGHT - 8), f"{last:g}", "tick", anchor="middle")
    drawing.line((_BOTTOM, floor), (_WIDTH - _BOTTOM, floor), "axis")
    if mark is not None:
        drawing.line((across(mark), _TOP), (across(mark), floor), "mark")
        drawing.text((across(mark) - 5, _TOP + 10), f"suggested {mark:.2f}", "value", anchor="end")
    return drawing.to_markup()


def bars_chart(counts: dict[str, int], label: str) -> Markup:
    """Draws named counts as bars that lie."""
    drawing = Drawing(
        _WIDTH,
        max(1, len(counts)) * _BAR_HEIGHT + 8,
        f"{label}: " + (", ".join(f"{name} {count}" for name, count in counts.items()) or "none"),
    )
    most = max(counts.values(), default=0) or 1
    for row, (name, count) in enumerate(counts.items()):
        top = 4 + row * _BAR_HEIGHT
        drawing.text((_NAME_WIDTH, top + 14), name, "tick", anchor="end")
        width = (_WIDTH - _NAME_WIDTH - 60) * count / most
        drawing.box((_NAME_WIDTH + 8, top + 2), (width, _BAR_HEIGHT - 7), "bar", radius=2)
        drawing.text((_NAME_WIDTH + 16 + width, top + 14), str(count), "tick")
    return drawing.to_markup()


def interval_bar(value: float, low: float, high: float) -> Markup:
    """Draws an interval around its value, as shares of the value: the shorter, the surer."""
    drawing = Drawing(120, 16, f"from {low / value - 1:+.0%} to {high / value - 1:+.0%}")
    drawing.line((0, 8), (120, 8), "grid")

    def across(share: float) -> float:
        return 60 + 60 * min(max(share / _REACH_SHOWN, -1), 1)

    left, right = across(low / value - 1), across(high / value - 1)
    drawing.box((left, 3), (right - left, 10), "band", radius=3)
    drawing.line((60, 2), (60, 14), "curve")
    return drawing.to_markup()
