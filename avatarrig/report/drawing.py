"""SVG elements for the report's page; colours come from the page's style sheet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from xml.etree import ElementTree as ET

from markupsafe import Markup

Place = tuple[float, float]

_NAMESPACE: Final = "http://www.w3.org/2000/svg"


class Drawing:
    """An SVG picture that scales with the page.

    Args:
        width: Width in its own units.
        height: Height in its own units.
        label: What it shows, in words, for those who do not see it.
    """

    def __init__(self, width: float, height: float, label: str) -> None:
        self._root = ET.Element(
            "svg",
            {
                "xmlns": _NAMESPACE,
                "viewBox": f"0 0 {_number(width)} {_number(height)}",
                "role": "img",
                "aria-label": label,
            },
        )

    def line(self, start: Place, end: Place, kind: str) -> None:
        """Draws a straight line; the kind is its class in the style sheet."""
        self._add(
            "line",
            kind,
            "",
            x1=_number(start[0]),
            y1=_number(start[1]),
            x2=_number(end[0]),
            y2=_number(end[1]),
        )

    def path(self, places: Iterable[Place], kind: str, *, closed: bool = False) -> None:
        """Draws a line through places, or the area that they enclose."""
        steps = " L".join(f"{_number(x)} {_number(y)}" for x, y in places)
        self._add("path", kind, "", d=f"M{steps}{'Z' if closed else ''}")

    def box(
        self,
        corner: Place,
        size: tuple[float, float],
        kind: str,
        *,
        radius: float = 0,
        title: str = "",
    ) -> None:
        """Draws a box; the title appears when pointed at."""
        self._add(
            "rect",
            kind,
            title,
            x=_number(corner[0]),
            y=_number(corner[1]),
            width=_number(size[0]),
            height=_number(size[1]),
            rx=_number(radius),
        )

    def dot(self, centre: Place, radius: float, kind: str) -> None:
        """Draws a disc."""
        self._add(
            "circle", kind, "", cx=_number(centre[0]), cy=_number(centre[1]), r=_number(radius)
        )

    def text(self, place: Place, words: str, kind: str, *, anchor: str = "start") -> None:
        """Writes words; the anchor is start, middle or end."""
        element = self._add(
            "text", kind, "", x=_number(place[0]), y=_number(place[1]), **{"text-anchor": anchor}
        )
        element.text = words

    def to_markup(self) -> Markup:
        """Returns the SVG element; everything in it is escaped."""
        return Markup(ET.tostring(self._root, encoding="unicode"))  # noqa: S704 - ET escapes

    def _add(self, tag: str, kind: str, title: str, **attributes: str) -> ET.Element:
        element = ET.SubElement(self._root, tag, {"class": kind, **attributes})
        if title:
            ET.SubElement(element, "title").text = title
        return element


def _number(value: float) -> str:
    """Writes a length, a tenth of a unit exact."""
    return f"{value:.1f}".removesuffix(".0")
