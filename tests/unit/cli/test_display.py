from __future__ import annotations

import io
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from support.body.estimates import said
from support.waiting import wait_for

from avatarrig.cli import with_command
from avatarrig.cli.screen.display import (
    LiveDisplay,
    PlainDisplay,
    bones_table,
    display_for,
    interval_bar,
    panel,
)
from avatarrig.views.progress import Counts
from avatarrig.views.view import BoneRow, View, bone_rows, duration


def a_view(**fields: Any) -> View:
    required: dict[str, Any] = {
        "stage": "detecting",
        "counts": Counts(found=30, observed=9, person=8, rejected=1),
        "scanning": False,
        "rate": 9.87,
        "seconds_left": 125.0,
        "elapsed": 3.0,
        "bones": (BoneRow("thigh, left", 1.2, 1.1, 1.3, 8, "provisional"),),
    }
    return View(**(required | fields))


def drawn(renderable: object, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(renderable)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_the_panel_tells_photos_pace_and_skeleton() -> None:
    text = drawn(panel(a_view(), 100))
    for part in ("10 of 30", "detected 9, of them 8", "rejected 1", "9.9 images/s", "2:05 left"):
        assert part in text
    for part in ("thigh, left", "1.200", "1.100 – 1.300", "8", "provisional"):
        assert part in text


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(len(line) for line in drawn(panel(a_view(), width), width).splitlines()) <= width


def test_at_eighty_columns_nothing_is_cut() -> None:
    row = BoneRow("upper arm, right", 0.8, 0.7, 0.9, 1234567, "insufficient", metres=0.27)
    text = drawn(bones_table((row,), 80), 80)
    assert "…" not in text
    assert "0.270 m" in text


def test_an_unknown_ratio_is_a_dash_not_a_number() -> None:
    row = BoneRow("hips", None, None, None, 0, "insufficient")
    assert "nan" not in drawn(bones_table((row,), 80))
    assert "–" in drawn(bones_table((row,), 80))


def test_off_a_terminal_lines_are_plain() -> None:
    console = Console(file=io.StringIO(), width=200)
    display = display_for(console)
    assert isinstance(display, PlainDisplay)
    with display:
        display.show(a_view())
        display.show(a_view())
        display.show(a_view(stage="finishing"))
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert len(lines) == 2
    assert "found 30 · detected 9 · rejected 1 · 9.9 images/s · 2:05 left" in lines[0]
    assert "\x1b" not in console.file.getvalue()


def test_a_terminal_gets_the_live_panel() -> None:
    assert isinstance(display_for(Console(force_terminal=True)), LiveDisplay)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (65.4, "1:05"), (3723, "1:02:03"), (math.inf, "–")]
)
def test_durations_read_like_a_clock(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_rows_come_from_the_estimate() -> None:
    estimate = said({"upper_leg_L": 1.25}, used=7, spread=0.2)
    rows = {row.label: row for row in bone_rows(estimate)}
    assert rows["thigh, left"] == BoneRow("thigh, left", 1.25, 1.0, 1.5, 7, "stable", None, 0.2)
    assert rows["hips"].ratio is None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["photos", "--out", "run"], ["run", "photos", "--out", "run"]),
        (["--out", "run", "photos"], ["run", "--out", "run", "photos"]),
        (["./models"], ["run", "./models"]),
        (["run", "photos"], ["run", "photos"]),
        (["models", "fetch"], ["models", "fetch"]),
        (["--help"], ["--help"]),
        ([], []),
    ],
)
def test_what_is_no_command_is_a_dataset(typed: list[str], meant: list[str]) -> None:
    assert with_command(typed) == meant


def test_the_share_that_comes_from_people_in_general_is_told() -> None:
    row = BoneRow("hips", 0.6, 0.5, 0.7, 3, "provisional", prior_share=0.624)
    assert "62 %" in drawn(bones_table((row,), 80))


@given(st.floats(0.2, 3.0), st.floats(1.01, 1.6), st.floats(3.0, 4.5))
def test_an_interval_reaches_as_far_to_both_sides(
    ratio: float, factor: float, widest: float
) -> None:
    row = BoneRow("hips", ratio, ratio / factor, ratio * factor, 3, "stable")
    bar = interval_bar(row, max(widest, ratio * factor), 60).plain
    left, right = bar.split("●")
    cut = bar[0] == "━" or bar[-1] in "━●"
    assert cut or left.count("━") == right.count("━")


def test_the_clock_of_the_panel_goes_on_between_two_looks() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80)
    with LiveDisplay(console) as display:
        display.show(a_view(elapsed=0.0, stage="starting Apache Kafka"))
        wait_for(lambda: "0:01" in file.getvalue())
    assert "starting Apache Kafka" in file.getvalue()


def test_an_interval_beyond_the_scale_is_not_drawn_cut_off() -> None:
    row = BoneRow("wingspan", 3.8, 3.5, 4.2, 20, "stable")
    assert not interval_bar(row, 1.6).plain
    assert interval_bar(row, 4.2).plain.count("●") == 1
