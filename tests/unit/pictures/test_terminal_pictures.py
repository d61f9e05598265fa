"""Skeletons in characters: whole, symmetrical, and told apart without colours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.body.estimates import said

from avatarrig.body.landmarks import (
    LEFT_ELBOW,
    LEFT_HIP,
    LEFT_SHOULDER,
    LEFT_WRIST,
    RIGHT_HIP,
    RIGHT_SHOULDER,
)
from avatarrig.pictures.braille import Canvas, Cell, to_ascii
from avatarrig.pictures.terminal import draw_pose, draw_t_pose
from avatarrig.wire.estimate import Estimate, Status

RATIOS = {
    "shoulder_width": 1.0,
    "hip_width": 0.6,
    "torso_length": 1.35,
    "wingspan_est": 3.9,
    **{f"upper_arm_{side}": 0.8 for side in "LR"},
    **{f"lower_arm_{side}": 0.65 for side in "LR"},
    **{f"upper_leg_{side}": 1.2 for side in "LR"},
    **{f"lower_leg_{side}": 1.25 for side in "LR"},
}


def estimate(status: Status = "stable", **ratios: float) -> Estimate:
    return said(RATIOS | ratios, status=status, spread=0.1, used=3)


def text(cells: list[list[Cell]]) -> list[str]:
    return ["".join(cell.character for cell in row) for row in cells]


# The canvas.


def test_dots_become_braille() -> None:
    canvas = Canvas(2, 1)
    canvas.line((0, 0), (0, 3), "a")
    canvas.dot(3, 3, "b")
    assert canvas.cells() == [[Cell("⡇", "a"), Cell("⢀", "b")]]


def test_characters_lie_over_dots_and_what_is_outside_is_cut_off() -> None:
    canvas = Canvas(3, 1)
    canvas.line((-20, 0), (20, 0), "line")
    canvas.put(2, 0, "abc", "text")
    canvas.put(-1, 0, "xy", "text")
    canvas.put(0, 5, "far", "text")
    assert text(canvas.cells()) == ["y⠉a"]


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(-50, 50), st.floats(-50, 50))
def test_a_line_has_both_its_ends(x0: float, y0: float, x1: float, y1: float) -> None:
    canvas = Canvas(100, 100)
    shift = 100
    canvas.line((x0 + shift, y0 + shift), (x1 + shift, y1 + shift), "line")
    cells = canvas.cells()
    for x, y in ((x0, y0), (x1, y1)):
        assert cells[round(y + shift) // 4][round(x + shift) // 2].tone == "line"


def test_every_character_has_one_in_ascii() -> None:
    drawn = "".join(text(draw_t_pose(estimate(), 60, 24)))
    assert to_ascii(drawn + "▁▂▃▄▅▆▇█─┄│┆·⡇").isascii()
    assert len(to_ascii(drawn)) == len(drawn)
    assert to_ascii("⠀⡇") == " ."


# The T-pose.


@pytest.mark.parametrize("size", [(24, 8), (40, 20), (41, 20), (80, 30), (200, 60)])
def test_it_is_whole_and_fills_its_room(size: tuple[int, int]) -> None:
    rows = text(draw_t_pose(estimate(), *size))
    assert len(rows) == size[1]
    assert {len(row) for row in rows} == {size[0]}
    limbs = sum(row.count("●") for row in rows)
    assert limbs >= 10, "no joint is lost"
    used_rows = sum(bool(row.strip()) for row in rows)
    used_columns = max(len(row.strip()) for row in rows)
    assert used_rows >= size[1] - 4 or used_columns >= size[0] - 4


def test_both_sides_are_alike() -> None:
    for columns in (40, 41, 43):
        for row in text(draw_t_pose(estimate(), columns, 20)):
            bones = "".join(character if character in "●━┃" else " " for character in row)
            middle = columns // 2
            left, right = bones[:middle][::-1], bones[middle + 1 :]
            assert left.rstrip() == right.rstrip()


def test_a_longer_bone_is_drawn_longer() -> None:
    def arm(length: float) -> int:
        cells = draw_t_pose(estimate(upper_arm_L=length), 100, 60)
        arms = next(row for row in text(cells) if row.count("●") >= 6)
        joints = [place for place, character in enumerate(arms) if character == "●"]
        return joints[-2] - joints[-3]

    assert arm(0.5) < arm(0.8) < arm(1.1)


def test_how_sure_a_bone_is_shows_without_colours() -> None:
    drawn = {
        status: set("".join(text(draw_t_pose(estimate(status), 40, 20))))
        for status in ("stable", "provisional", "insufficient")
    }
    assert {"━", "┃"} <= drawn["stable"]
    assert {"─", "│"} <= drawn["provisional"]
    assert {"┄", "┆"} <= drawn["insufficient"]
    assert not {"━", "─"} & drawn["insufficient"]


def test_numbers_stand_beside_the_bones_where_there_is_room() -> None:
    wide = "".join(text(draw_t_pose(estimate(), 120, 44)))
    assert {"0.80", "0.65", "1.20", "1.25", "1.35", "0.60"} <= set(wide.split())
    assert "0.80" not in "".join(text(draw_t_pose(estimate(), 36, 16)))
    assert "0.80" not in "".join(text(draw_t_pose(estimate("insufficient"), 120, 44)))


# A pose.


def pose(**points: tuple[float, float]) -> NDArray[np.float32]:
    array = np.zeros((33, 5), np.float32)
    numbers = {
        "left_shoulder": LEFT_SHOULDER,
        "right_shoulder": RIGHT_SHOULDER,
        "left_elbow": LEFT_ELBOW,
        "left_wrist": LEFT_WRIST,
        "left_hip": LEFT_HIP,
        "right_hip": RIGHT_HIP,
    }
    for name, (x, y) in points.items():
        array[numbers[name]] = (x, y, 0, 1, 1)
    return array


def test_a_pose_keeps_its_sides_apart() -> None:
    cells = draw_pose(
        pose(
            left_shoulder=(0.6, 0.2),
            right_shoulder=(0.4, 0.2),
            left_elbow=(0.8, 0.2),
            left_wrist=(0.8, 0.5),
        ),
        1000,
        1000,
        40,
        12,
    )
    tones = [[cell.tone for cell in row] for row in cells]
    assert {tone for row in tones for tone in row} == {"", "left", "middle"}
    assert tones[0].index("middle") < tones[0].index("left"), "the person faces us"
    assert tones[-1].count("left"), "down to the wrist"


def test_what_is_hardly_seen_is_left_out() -> None:
    dim = pose(left_shoulder=(0.6, 0.2), right_shoulder=(0.4, 0.2))
    dim[:, 3] = 0.1
    assert not "".join(text(draw_pose(dim, 100, 100, 20, 10))).strip()


@given(st.integers(0, 2**32 - 1))
def test_any_numbers_can_be_drawn(seed: int) -> None:
    random = np.random.default_rng(seed)
    wild = random.choice(np.array([0.5, 1e30, -1e30, np.nan, np.inf, 0.2], np.float32), (33, 5))
    cells = draw_pose(wild, 640, 480, 30, 10)
    assert {len(row) for row in cells} == {30}
