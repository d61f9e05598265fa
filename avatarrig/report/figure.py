"""The estimated skeleton as an SVG T-pose."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup

from avatarrig.pictures.figure import (
    HEAD_HEIGHT,
    HEAD_WIDTH,
    NECK,
    Bone,
    Point,
    build_figure,
)
from avatarrig.report.drawing import Drawing
from avatarrig.wire.estimate import Estimate

_UNIT: Final = 170.0
"""Shoulder width in units of the drawing."""
_MARGIN: Final = 24.0
_BAND: Final = 18.0
_LINE: Final = 19.0
_ANCHORS: Final = {"l": "start", "m": "middle", "r": "end"}


def draw_figure(estimate: Estimate) -> Markup:
    """Draws an estimate as a T-pose seen from the front, the person's left on the right."""
    figure = build_figure(estimate)
    width = _UNIT * figure.width + 2 * _MARGIN
    height = _UNIT * (figure.above + figure.below) + 2 * _MARGIN
    hips = (width / 2, _MARGIN + _UNIT * figure.above)
    drawing = Drawing(width, height, "T-pose with the length of each bone in shoulder widths")

    def place(point: Point) -> Point:
        return hips[0] + _UNIT * point[0], hips[1] - _UNIT * point[1]

    shoulders = figure.shoulder_height
    head = (0.0, shoulders + NECK + HEAD_HEIGHT / 2)
    drawing.line(place((0.0, shoulders)), place((0.0, shoulders + NECK)), "bone sketch")
    size = (_UNIT * HEAD_WIDTH, _UNIT * HEAD_HEIGHT)
    drawing.ellipse(place(head), size, "head")
    for bone in figure.bones:
        if bone.length.high > bone.length.low:
            ends = (place(bone.reach(bone.length.low)), place(bone.reach(bone.length.high)))
            low = (min(x for x, _ in ends), min(y for _, y in ends))
            high = (max(x for x, _ in ends), max(y for _, y in ends))
            grow = (0.0, _BAND) if bone.direction[0] else (_BAND, 0.0)
            drawing.box(
                (low[0] - grow[0], low[1] - grow[1]),
                (high[0] - low[0] + 2 * grow[0], high[1] - low[1] + 2 * grow[1]),
                f"reach {bone.side}",
                radius=5,
            )
    for bone in figure.bones:
        kind = "sketch" if bone.length.status == "insufficient" else bone.side
        drawing.line(place(bone.start), place(bone.end), f"bone {kind}", title=_title(bone))
        if bone.length.status == "provisional":
            drawing.line(place(bone.start), place(bone.end), "core")
    for joint in sorted({end for bone in figure.bones for end in (bone.start, bone.end)}):
        drawing.dot(place(joint), 7, "joint")
    for bone in figure.bones:
        _write(drawing, bone, place(bone.label))
    return drawing.to_markup()


def _title(bone: Bone) -> str:
    length = bone.length
    if length.value is None:
        return "too few photos yet"
    return f"{length.value:.3f} ({length.low:.3f} – {length.high:.3f}), {length.status}"


def _write(drawing: Drawing, bone: Bone, place: Point) -> None:
    if bone.written is None:
        return
    middle = place[1] + {"t": _LINE, "m": 0.35 * _LINE, "b": -0.2 * _LINE}[bone.anchor[1]]
    anchor = _ANCHORS[bone.anchor[0]]
    drawing.text((place[0], middle), f"{bone.written.drawn:.2f}", "length", anchor=anchor)
