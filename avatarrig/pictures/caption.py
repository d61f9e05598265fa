"""The words in the corner of an overlay."""

from __future__ import annotations

from typing import Final

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from avatarrig.pictures import style
from avatarrig.pictures.mask import PERSON, Mask, cut, stretch
from avatarrig.pictures.plate import badge, blend
from avatarrig.pictures.style import Colour, Pixels
from avatarrig.wire.reasons import verdict

_SMALLEST: Final = 8
"""Pixels; smaller letters cannot be read."""
_GOOD_SCORE: Final = 0.70
_FAIR_SCORE: Final = 0.45
"""Of poses: from the first on the light is green, from the second on amber."""

_WORDS: Final = {
    "full_or_mostly_full": "whole body",
    "to_the_knees": "down to the knees",
    "upper_body": "upper body",
    "lower_body": "lower body",
    "foot_closeup": "feet",
    "partial": "little of the body",
}


class Caption(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the corner of an overlay.

    Attributes:
        frame_kind: How much of the person is seen, as in ``meta``.
        score: ``pose_score``, 0..1; None where nobody was found.
        several: Whether more people than the subject were found.
        excluded: Why the photo does not count; empty where it counts.
    """

    frame_kind: str = ""
    score: float | None = None
    several: bool = False
    excluded: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """Whether it counts and why not, then what was seen and how sure the pose is."""
        counts = verdict(self.excluded)
        if self.score is None:
            return (counts,)
        seen = [_WORDS.get(self.frame_kind, self.frame_kind.replace("_", " "))]
        if self.several:
            seen.append("several people")
        seen.append(f"pose {self.score:.2f}")
        return counts, " · ".join(part for part in seen if part)


class Occupancy:
    """Knows how much of the person lies in each corner, so that words cover none of it."""

    _CELLS: Final = 16

    def __init__(self, canvas: Pixels, mask: Mask | None) -> None:
        self._size = canvas.shape[1::-1]
        cells = (self._CELLS, self._CELLS)
        self._taken = np.zeros(cells, np.float32)
        if mask is not None:
            person = cut(stretch(mask, mask.shape[1], mask.shape[0])).astype(np.float32) / PERSON
            self._taken += cv2.resize(person, cells, interpolation=cv2.INTER_AREA)

    def add_points(self, points: NDArray[np.float32]) -> None:
        """Counts landmarks in, given in pixels of the canvas."""
        shares = points / np.array(self._size, np.float32)
        inside = shares[((shares >= 0) & (shares < 1)).all(axis=1)]
        columns, rows = (inside * self._CELLS).astype(int).T
        np.add.at(self._taken, (rows, columns), 0.5)

    def freest_corner(self, width: int, height: int) -> tuple[bool, bool]:
        """Tells whether the freest corner for a plate is right, and whether it is below."""
        columns = max(1, -(-width * self._CELLS // self._size[0]))
        rows = max(1, -(-height * self._CELLS // self._size[1]))
        load = {}
        for below in (False, True):
            for right in (False, True):
                part = self._taken[-rows:] if below else self._taken[:rows]
                load[right, below] = float(
                    (part[:, -columns:] if right else part[:, :columns]).sum()
                )
        return min(load, key=lambda corner: load[corner])


def draw_caption(canvas: Pixels, caption: Caption, occupancy: Occupancy) -> None:
    """Draws a caption into the freest corner, in place."""
    height, width = canvas.shape[:2]
    size = max(15, round(max(height, width) / 48))
    lines = [(line, style.PAPER) for line in caption.lines]
    plate = badge(lines, _signal(caption), size)
    while plate.shape[1] > width and size > _SMALLEST:
        size = round(0.8 * size)
        plate = badge(lines, _signal(caption), size)
    right, below = occupancy.freest_corner(plate.shape[1], plate.shape[0])
    margin = size // 2
    left = width - plate.shape[1] - margin if right else margin
    top = height - plate.shape[0] - margin if below else margin
    blend(canvas, plate, left, top)


def _signal(caption: Caption) -> Colour:
    if caption.excluded or caption.score is None or caption.score < _FAIR_SCORE:
        return style.POOR
    return style.GOOD if caption.score >= _GOOD_SCORE else style.FAIR
