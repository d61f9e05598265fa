"""Two skeletons over each other: as SVG for a page, and as a picture card to send on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from avatarrig.body.comparison import differences
from avatarrig.pictures import style
from avatarrig.pictures.figure import HEAD_HEIGHT, HEAD_WIDTH, NECK, Bone, Figure, build_figure
from avatarrig.pictures.page import Edge, Letters, Page
from avatarrig.pictures.style import GRID, SOFT_TEXT, TEXT, Colour
from avatarrig.process.printable import printable
from avatarrig.wire.counted import counted

if TYPE_CHECKING:
    from avatarrig.wire.estimate import Estimate

FIRST: Final = Colour(120, 94, 190)
SECOND: Final = Colour(0, 142, 116)
"""Neither is the colour of a side; they stay apart for common kinds of colour blindness."""

_WIDTH: Final = 1200
_HEIGHT: Final = 630
_UNIT: Final = 100
_MARGIN: Final = 30
_LONGEST_NAME: Final = 24
_ROWS: Final = 6


def comparison_svg(first: Estimate, second: Estimate) -> str:
    """Draws two T-poses over each other, hips on hips, shoulder widths alike.

    Lines are of class ``first`` or ``second``; the page says how they look.
    """
    figures = (build_figure(first), build_figure(second))
    half = max(figure.width for figure in figures) / 2 * _UNIT + _MARGIN
    above = max(figure.above for figure in figures) * _UNIT + _MARGIN
    below = max(figure.below for figure in figures) * _UNIT + _MARGIN
    lines = [
        f'<line class="{css_class}" x1="{x1 * _UNIT:.1f}" y1="{-y1 * _UNIT:.1f}" '
        f'x2="{x2 * _UNIT:.1f}" y2="{-y2 * _UNIT:.1f}"/>'
        for css_class, figure in zip(("first", "second"), figures, strict=True)
        for (x1, y1), (x2, y2) in ((bone.start, bone.end) for bone in figure.bones)
    ]
    heads = [
        f'<ellipse class="{css_class}" cx="0" '
        f'cy="{-(figure.shoulder_height + NECK + HEAD_HEIGHT / 2 - 0.06) * _UNIT:.1f}" '
        f'rx="{HEAD_WIDTH / 2 * _UNIT:.1f}" ry="{HEAD_HEIGHT / 2 * _UNIT:.1f}"/>'
        for css_class, figure in zip(("first", "second"), figures, strict=True)
    ]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" class="over" role="img" '
        'aria-label="Both skeletons over each other" '
        f'viewBox="{-half:.1f} {-above:.1f} {2 * half:.1f} {above + below:.1f}">'
        f"{''.join(heads + lines)}</svg>"
    )


def draw_card(first: Estimate, second: Estimate, names: tuple[str, str]) -> bytes:
    """Draws both over each other, with the bones that differ most, as a card to send on.

    Returns:
        A PNG of 1200 x 630 pixels.
    """
    page = Page(_WIDTH, _HEIGHT)
    _draw_figures(page, (build_figure(first), build_figure(second)))
    _draw_words(page, first, second, names)
    return page.encode()


def _draw_figures(page: Page, figures: tuple[Figure, Figure]) -> None:
    wide = max(figure.width for figure in figures)
    above = max(figure.above for figure in figures)
    below = max(figure.below for figure in figures)
    unit = min(560 / wide, 540 / (above + below))
    hips = (330.0, 50 + unit * above)
    for row in range(1, 12):
        y = 30 + row * 50
        page.line([(30, y), (630, y)], GRID, 1)
    for figure, colour, thick in zip(figures, (FIRST, SECOND), (18, 8), strict=True):
        top = hips[1] - unit * (figure.shoulder_height + NECK + HEAD_HEIGHT / 2 - 0.06)
        size = (unit * HEAD_WIDTH, unit * HEAD_HEIGHT)
        page.ellipse((hips[0], top), size, style.PAPER, Edge(colour, thick / 2))
        for bone in figure.bones:
            ends = [_place(bone, end, hips, unit) for end in ("start", "end")]
            page.line(ends, colour, thick)
            for end in ends:
                page.dot(end, thick / 2, colour)


def _place(bone: Bone, end: str, hips: tuple[float, float], unit: float) -> tuple[float, float]:
    x, y = bone.start if end == "start" else bone.end
    return hips[0] + unit * x, hips[1] - unit * y


def _draw_words(page: Page, first: Estimate, second: Estimate, names: tuple[str, str]) -> None:
    y = 70.0
    for estimate, name, colour in zip((first, second), names, (FIRST, SECOND), strict=True):
        page.dot((690, y + 14), 11, colour)
        page.write((716, y - 4), _short(name), Letters(34, TEXT))
        words = f"{counted(estimate.used, 'photo')} that count"
        page.write((716, y + 36), words, Letters(20, SOFT_TEXT))
        y += 84
    y += 34
    compared = differences(first.stats, second.stats)
    ranked = sorted(compared, key=lambda one: (not one.apart, -abs(one.percent)))
    for one in ranked[:_ROWS]:
        colour = TEXT if one.apart else SOFT_TEXT
        percent = f"{one.percent:+.1f} %".replace("-", "\N{MINUS SIGN}")
        page.write((690, y), one.label, Letters(24, colour), anchor="ls")
        page.write((935, y), f"{one.first:.2f}", Letters(24, FIRST), anchor="rs")
        page.write((1025, y), f"{one.second:.2f}", Letters(24, SECOND), anchor="rs")
        page.write((1160, y), percent, Letters(26, colour), anchor="rs")
        y += 42
    if any(one.apart for one in compared):
        words = "Dark: the 90 % intervals have nothing in common."
    else:
        words = "No bone differs by more than its 90 % intervals leave open."
    page.write((690, 560), words, Letters(19, SOFT_TEXT))
    page.write((690, 588), "Lengths in shoulder widths · AvatarRig", Letters(19, SOFT_TEXT))


def _short(name: str) -> str:
    kept = printable(name, len(name))
    while style.text_size(kept, 34)[0] > _WIDTH - 740 and kept:
        kept = kept[:-1]
    return kept if len(kept) == len(name) else f"{kept[:-1]}…"
