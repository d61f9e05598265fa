"""The estimated skeleton as a picture: a T-pose with its lengths and how sure each is."""

from __future__ import annotations

from typing import Final

from avatarrig.pictures import style
from avatarrig.pictures.figure import (
    HEAD_HEIGHT,
    HEAD_WIDTH,
    NECK,
    Bone,
    Figure,
    Length,
    Point,
    Side,
    build_figure,
)
from avatarrig.pictures.page import Edge, Letters, Page, Place
from avatarrig.pictures.style import GRID, SOFT_TEXT, TEXT, Colour
from avatarrig.wire.counted import counted
from avatarrig.wire.estimate import Estimate

_WIDTH: Final = 1600
_HEIGHT: Final = 1500
_FIGURE_SHARE: Final = 0.93
_MARGIN: Final = 130
_TITLE: Final = 150
_FOOT: Final = 110
_BONE: Final = 20
_BAND: Final = 64

_GREY: Final = Colour(158, 166, 176)
_SKETCH: Final = Colour(202, 206, 212)
_COLOURS: Final[dict[Side, Colour]] = {
    "left": style.LEFT,
    "right": style.RIGHT,
    "middle": Colour(70, 80, 94),
}


def draw_preview(estimate: Estimate, *, title: str = "") -> bytes:
    """Draws an estimate as a T-pose seen from the front.

    The person's left, on the picture's right, is orange, the right blue. A pale band at the end
    of a bone is its 90 % interval. A provisional bone is hollow; one without an estimate is a
    grey sketch without a number, as are head and neck, which are never estimated.

    Args:
        title: Whose skeleton it is; empty for none.

    Returns:
        A PNG of 1600 x 1500 pixels.
    """
    page = Page(_WIDTH, _HEIGHT)
    drawing = _Drawing(page, build_figure(estimate))
    drawing.draw_figure()
    photos = counted(estimate.used, "photo")
    drawing.draw_words(title or "Skeletal proportions", f"{photos} · lengths in shoulder widths")
    return page.encode()


class _Drawing:
    """A page and where a figure stands on it."""

    def __init__(self, page: Page, figure: Figure) -> None:
        self._figure = figure
        self._page = page
        room = (_WIDTH - 2 * _MARGIN, _HEIGHT - _TITLE - _FOOT)
        tall = figure.above + figure.below
        self._unit = _FIGURE_SHARE * min(room[0] / figure.width, room[1] / tall)
        spare = room[1] - self._unit * tall
        self._hips = (_WIDTH / 2, _TITLE + spare / 2 + self._unit * figure.above)

    def draw_figure(self) -> None:
        """Draws back to front, numbers last."""
        bones = self._figure.bones
        self._draw_grid()
        self._draw_wingspan()
        self._draw_head()
        for draw in (self._draw_band, self._draw_bone, self._draw_joints, self._draw_number):
            for bone in bones:
                draw(bone)

    def draw_words(self, title: str, subtitle: str) -> None:
        """Writes title and legend."""
        lines = [(title, 40, TEXT), (subtitle, 24, SOFT_TEXT)]
        self._write((_MARGIN / 2, 46), "lt", lines)
        self._draw_legend()

    def _place(self, point: Point) -> Place:
        """Converts bone units to pixels of the page."""
        return self._hips[0] + self._unit * point[0], self._hips[1] - self._unit * point[1]

    def _line(self, start: Place, end: Place, colour: Colour, width: float) -> None:
        """Draws a line with round ends; pixels of the page."""
        self._page.line([start, end], colour, width)
        for point in (start, end):
            self._page.dot(point, width / 2, colour)

    def _draw_grid(self) -> None:
        """Draws lines half a shoulder width apart."""
        step = self._unit / 2
        below = _HEIGHT - _FOOT
        for column in range(-round(_WIDTH / step), round(_WIDTH / step)):
            x = self._hips[0] + column * step
            self._line((x, _TITLE), (x, below), GRID, 1)
        for row in range(-round(_HEIGHT / step), round(_HEIGHT / step)):
            y = self._hips[1] + row * step
            if _TITLE <= y <= below:
                self._line((0, y), (_WIDTH, y), GRID, 1)

    def _draw_head(self) -> None:
        shoulders = self._place((0.0, self._figure.shoulder_height))
        chin = self._figure.shoulder_height + NECK
        self._line(shoulders, self._place((0.0, chin)), _SKETCH, 0.6 * _BONE)
        size = (self._unit * HEAD_WIDTH, self._unit * HEAD_HEIGHT)
        centre = self._place((0.0, chin + HEAD_HEIGHT / 2 - 0.06))
        self._page.ellipse(centre, size, _lighter(_SKETCH, 0.6), Edge(_SKETCH, 4))

    def _draw_wingspan(self) -> None:
        span = self._figure.wingspan
        if span.value is None:
            return
        height = self._figure.shoulder_height - 0.3
        half = span.drawn / 2
        for x in (-half, half):
            self._line(self._place((x, height + 0.04)), self._place((x, height - 0.04)), _GREY, 3)
        self._line(self._place((-half, height)), self._place((half, height)), _GREY, 3)
        label = self._place((self._figure.width / 4, height - 0.05))
        self._write(label, "mt", [(f"arm span {_number(span)}", 24, SOFT_TEXT)])

    def _draw_band(self, bone: Bone) -> None:
        """Draws the interval as a pale band around the bone's end."""
        low, high = (self._place(bone.reach(end)) for end in (bone.length.low, bone.length.high))
        if low == high:
            return
        centre = ((low[0] + high[0]) / 2, (low[1] + high[1]) / 2)
        lengthwise = abs(low[0] - high[0]) + abs(low[1] - high[1])
        size = (lengthwise, _BAND) if bone.direction[0] else (_BAND, lengthwise)
        colour = _colour(bone)
        edge = Edge(_lighter(colour, 0.4), 2)
        self._page.box(centre, size, min(8, lengthwise / 2), _lighter(colour, 0.75), edge)

    def _draw_bone(self, bone: Bone) -> None:
        ends = (self._place(bone.start), self._place(bone.end))
        if bone.length.status == "insufficient":
            self._line(*ends, _colour(bone), 0.6 * _BONE)
            return
        self._line(*ends, _colour(bone), _BONE)
        if bone.length.status != "stable":
            self._line(*ends, _lighter(_colour(bone), 0.8), 0.5 * _BONE)

    def _draw_joints(self, bone: Bone) -> None:
        known = bone.length.status != "insufficient"
        for joint in (bone.start, bone.end) if known else (bone.end,):
            self._page.dot(self._place(joint), 13, style.PAPER)
            self._page.dot(self._place(joint), 9, TEXT if known else _GREY)

    def _draw_number(self, bone: Bone) -> None:
        length = bone.written
        if length is None:
            return
        lines = [(_number(length), 34, TEXT)]
        if length.high > length.low:
            lines.append((f"{length.low:.2f} to {length.high:.2f}", 21, SOFT_TEXT))
        self._write(self._place(bone.label), bone.anchor, lines)

    def _write(self, place: Place, anchor: str, lines: list[tuple[str, int, Colour]]) -> None:
        """Writes lines at a place of the page; the anchor is l, m, r across and t, m, b down."""
        heights = [style.text_size(text, size)[1] for text, size, _ in lines]
        top = place[1] - sum(heights) * {"t": 0.0, "m": 0.5, "b": 1.0}[anchor[1]]
        for (text, size, colour), height in zip(lines, heights, strict=True):
            self._page.write(
                (place[0], top), text, Letters(size, colour), anchor=f"{anchor[0]}a", halo=4
            )
            top += height

    def _draw_legend(self) -> None:
        statuses = {bone.length.status for bone in self._figure.bones}
        entries: list[tuple[str, Colour, Colour | None]] = [
            ("person's right", style.RIGHT, None),
            ("person's left", style.LEFT, None),
            ("90 % interval", _lighter(_GREY, 0.7), None),
        ]
        if "provisional" in statuses:
            entries.append(("provisional: more photos will firm it up", _GREY, style.PAPER))
        if "insufficient" in statuses:
            entries.append(("sketch: too few photos yet", _SKETCH, None))
        x, y = _MARGIN / 2, _HEIGHT - 52
        for words, colour, core in entries:
            self._page.box((x + 17, y), (34, 18), 9, colour)
            if core:
                self._page.box((x + 17, y), (24, 8), 4, core)
            width, height = style.text_size(words, 22)
            self._write((x + 44, y - height / 2), "lt", [(words, 22, SOFT_TEXT)])
            x += 44 + width + 40


def _colour(bone: Bone) -> Colour:
    return _SKETCH if bone.length.status == "insufficient" else _COLOURS[bone.side]


def _number(length: Length) -> str:
    return f"{length.drawn:.2f}"


def _lighter(colour: Colour, share: float) -> Colour:
    """Mixes a colour with that share of white."""
    red, green, blue = (round(part + (255 - part) * share) for part in colour)
    return Colour(red, green, blue)
