"""Skeletons for a terminal: the T-pose in box characters, a photo's pose in braille dots."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from avatarrig.body.landmarks import BONES, LEFT_EAR, NOSE, RIGHT_EAR
from avatarrig.pictures.braille import DOTS_ACROSS, DOTS_DOWN, Canvas, Cell
from avatarrig.pictures.figure import HEAD_HEIGHT, HEAD_WIDTH, NECK, Bone, Figure, build_figure
from avatarrig.pictures.visible import TRUNK, visible_landmarks
from avatarrig.wire.estimate import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEWEST_COLUMNS: Final = 24
FEWEST_ROWS: Final = 8
NUMBERS_FROM_COLUMNS: Final = 44
"""In a narrower T-pose numbers would hide the bones."""

_STROKES: Final = {"stable": ("━", "┃"), "provisional": ("─", "│"), "insufficient": ("┄", "┆")}
"""Across and down: how sure a bone is can be seen without colours."""

_HEAD: Final = ((LEFT_EAR, NOSE), (NOSE, RIGHT_EAR))


def draw_t_pose(estimate: Estimate | None, columns: int, rows: int) -> list[list[Cell]]:
    """Draws an estimate as a T-pose seen from the front.

    A bone's line is heavy where it is stable, thin where it is provisional, dotted where too
    few photos show it; the cells' tones say the same. The person's left is on the right.

    Args:
        estimate: What is known; without it all is sketched.
        columns: Room across, `FEWEST_COLUMNS` or more.
        rows: Room down, `FEWEST_ROWS` or more.
    """
    page = _TPose(build_figure(estimate), columns, rows)
    page.draw()
    return page.canvas.cells()


class _TPose:
    """Where a figure stands on a canvas; a character is twice as high as it is wide."""

    def __init__(self, figure: Figure, columns: int, rows: int) -> None:
        self.canvas = Canvas(columns, rows)
        self._figure = figure
        tall = figure.above + figure.below
        self._unit = min((columns - 2) / figure.width, 2 * (rows - 1) / tall)
        self._numbered = self._unit * figure.width >= NUMBERS_FROM_COLUMNS
        self._middle = columns // 2
        spare = rows - 1 - self._unit * tall / 2
        self._hips = spare / 2 + self._unit * figure.above / 2

    def draw(self) -> None:
        self._draw_head()
        for bone in self._figure.bones:
            self._draw_bone(bone)
        for bone in self._figure.bones:
            for joint in (bone.start, bone.end):
                if abs(joint[0]) > 0 or bone.direction[0] == 0:
                    self.canvas.put(*self._place(joint), "●", bone.length.status)
        if self._numbered:
            for bone in self._figure.bones:
                self._draw_number(bone)

    def _place(self, point: tuple[float, float]) -> tuple[int, int]:
        aside = math.floor(self._unit * abs(point[0]) + 0.5)  # the same on both sides
        return (
            self._middle + (aside if point[0] > 0 else -aside),
            round(self._hips - self._unit * point[1] / 2),
        )

    def _draw_head(self) -> None:
        centre = self._figure.shoulder_height + NECK + HEAD_HEIGHT / 2
        across, down = HEAD_WIDTH / 2 * self._unit, HEAD_HEIGHT / 2 * self._unit / 2
        x = (self._middle + 0.5) * DOTS_ACROSS
        y = (self._hips - self._unit * centre / 2 + 0.5) * DOTS_DOWN
        for step in range(72):
            turn = math.tau * step / 72
            self.canvas.dot(
                round(x + across * DOTS_ACROSS * math.cos(turn)),
                round(y + down * DOTS_DOWN * math.sin(turn)),
                "head",
            )

    def _draw_bone(self, bone: Bone) -> None:
        across, along = _STROKES.get(bone.length.status, _STROKES["insufficient"])
        (left, top), (right, bottom) = sorted([self._place(bone.start), self._place(bone.end)])
        if bone.direction[0]:
            self.canvas.put(left, top, across * (right - left + 1), bone.length.status)
            return
        for row in range(min(top, bottom), max(top, bottom) + 1):
            self.canvas.put(left, row, along, bone.length.status)

    def _draw_number(self, bone: Bone) -> None:
        if bone.written is None:
            return
        text = f"{bone.written.drawn:.2f}"
        column, row = self._place(bone.label)
        if bone.direction[0] and bone.written is bone.length:  # an arm: above its middle
            row = self._place(bone.start)[1] - 1
        elif bone.direction[0]:  # a width: above the shoulders, below the hips
            is_hips = math.isclose(bone.start[1], 0.0, abs_tol=1e-9)
            row = self._place(bone.start)[1] + (1 if is_hips else -1)
        shift = {"l": 1, "m": -(len(text) // 2), "r": -len(text)}[bone.anchor[0]]
        self.canvas.put(column + shift, row, text, "number")


def draw_pose(
    pose: NDArray[np.float32], width: int, height: int, columns: int, rows: int
) -> list[list[Cell]]:
    """Draws the pose that was seen in a photo, as large as there is room.

    Args:
        pose: (33, 5): x, y, z, visibility, presence.
        width: Of the photo, pixels.
        height: Of the photo, pixels.

    Returns:
        Rows of cells with the tones left, right and middle; blank where nothing is visible.
    """
    canvas = Canvas(columns, rows)
    visible = visible_landmarks(pose, width, height)
    seen = {number: (x, y) for number, (x, y, _) in visible.items()}
    lines = [
        *((pair, "middle") for pair in (*TRUNK, *_HEAD)),
        *((pair, _tone(name)) for name, pair in BONES.items()),
    ]
    drawn = [(pair, tone) for pair, tone in lines if seen.keys() >= set(pair)]
    ends = [seen[end] for pair, _ in drawn for end in pair]
    if not ends:
        return canvas.cells()
    (left, right), (top, bottom) = (
        (min(end[axis] for end in ends), max(end[axis] for end in ends)) for axis in (0, 1)
    )
    room = (columns * DOTS_ACROSS - 1, rows * DOTS_DOWN - 1)
    unit = min(room[0] / max(right - left, 1e-6), room[1] / max(bottom - top, 1e-6))
    shift = ((room[0] - unit * (right - left)) / 2, (room[1] - unit * (bottom - top)) / 2)
    for (start, end), tone in drawn:
        points = [
            (shift[0] + unit * (x - left), shift[1] + unit * (y - top))
            for x, y in (seen[start], seen[end])
        ]
        canvas.line(points[0], points[1], tone)
    return canvas.cells()


def _tone(bone: str) -> str:
    return {"L": "left", "R": "right"}.get(bone[-1] if bone[-2] == "_" else "", "middle")
