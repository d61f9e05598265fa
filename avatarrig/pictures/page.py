"""A page of shapes and words that becomes a PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final, NamedTuple

from PIL import Image, ImageDraw

from avatarrig.pictures import style
from avatarrig.pictures.style import Colour
from avatarrig.process.printable import printable

_OVERSAMPLING: Final = 2
"""Drawn twice as large and reduced: Pillow's lines have no smooth edges of their own."""

Place = tuple[float, float]
"""Pixels of the page, from its upper left corner: across, down."""


class Edge(NamedTuple):
    """The line around a shape; its width in pixels."""

    colour: Colour
    width: float


class Letters(NamedTuple):
    """What words look like; their size in pixels."""

    size: int
    colour: Colour


class Page:
    """An empty page; all places and lengths are in its pixels.

    Args:
        width: Pixels.
        height: Pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        large = (width * _OVERSAMPLING, height * _OVERSAMPLING)
        self._image = Image.new("RGB", large, style.PAPER)
        self._draw = ImageDraw.Draw(self._image)

    def line(self, places: Sequence[Place], colour: Colour, width: float) -> None:
        """Draws a line through two places or more; a single one draws nothing."""
        if len(places) > 1:
            wide = round(width * _OVERSAMPLING)
            self._draw.line(_enlarged(places), fill=colour, width=wide, joint="curve")

    def area(self, places: Sequence[Place], colour: Colour) -> None:
        """Fills a polygon."""
        self._draw.polygon(_enlarged(places), fill=colour)

    def dot(self, centre: Place, radius: float, colour: Colour) -> None:
        """Fills a circle."""
        self.box(centre, (2 * radius, 2 * radius), radius, colour)

    def box(
        self,
        centre: Place,
        size: tuple[float, float],
        radius: float,
        fill: Colour,
        edge: Edge | None = None,
    ) -> None:
        """Draws a box with round corners."""
        self._draw.rounded_rectangle(
            _corners(centre, size),
            radius * _OVERSAMPLING,
            fill=fill,
            outline=edge.colour if edge else None,
            width=round(edge.width * _OVERSAMPLING) if edge else 0,
        )

    def ellipse(self, centre: Place, size: tuple[float, float], fill: Colour, edge: Edge) -> None:
        """Draws an upright ellipse."""
        self._draw.ellipse(
            _corners(centre, size),
            fill=fill,
            outline=edge.colour,
            width=round(edge.width * _OVERSAMPLING),
        )

    def write(
        self, place: Place, words: str, letters: Letters, *, anchor: str = "lt", halo: float = 0
    ) -> None:
        """Writes a line of words.

        Args:
            place: Where the anchor is.
            words: They may come from anywhere; a line break in them begins no other line.
            anchor: Which point of the words is at the place, as Pillow names them.
            halo: How far the paper shows around the letters.
        """
        ((x, y),) = _enlarged([place])
        self._draw.text(
            (x, y),
            printable(words, len(words)),
            fill=letters.colour,
            font=style.font(letters.size * _OVERSAMPLING),
            anchor=anchor,
            stroke_width=round(halo * _OVERSAMPLING),
            stroke_fill=style.PAPER,
        )

    def encode(self) -> bytes:
        """Gives the page as a PNG."""
        data = io.BytesIO()
        # To optimise it would take as long again, for a fiftieth of its size.
        self._image.reduce(_OVERSAMPLING).save(data, "PNG")
        return data.getvalue()


def _enlarged(places: Sequence[Place]) -> list[Place]:
    return [(x * _OVERSAMPLING, y * _OVERSAMPLING) for x, y in places]


def _corners(centre: Place, size: tuple[float, float]) -> list[Place]:
    (x, y), (width, height) = centre, size
    return _enlarged([(x - width / 2, y - height / 2), (x + width / 2, y + height / 2)])
