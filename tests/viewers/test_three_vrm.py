"""Fitted avatars in three-vrm, as a browser shows them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from support.avatar.avatars import JOINTS, Recipe, build, name_of
from support.viewers.estimates import ESTIMATES, OTHERS
from support.viewers.three import Shown, Viewer

from avatarrig.cli.commands.fit import fit

TALL = 1.9  # metres that are shown
SEGMENTS = {
    "upper_arm": ("UpperArm", "LowerArm"),
    "lower_arm": ("LowerArm", "Hand"),
    "upper_leg": ("UpperLeg", "LowerLeg"),
    "lower_leg": ("LowerLeg", "Foot"),
}
WITHIN = 0.005


def fitted(avatar: Path, run: Path, *arguments: str) -> Path:
    target = avatar.with_name(f"{avatar.stem}-fitted{avatar.suffix}")
    command = [str(avatar), "--run", str(run), "--out", str(target), *arguments]
    done = CliRunner().invoke(fit, command)
    assert done.exit_code == 0, done.output
    return target


def assert_ratios(places: dict[str, list[float]], wanted: dict[str, float]) -> None:
    place = {bone: np.array(point) for bone, point in places.items()}

    def apart(one: str, other: str) -> float:
        return float(np.linalg.norm(place[one] - place[other]))

    shoulders = apart("leftUpperArm", "rightUpperArm")
    found = {"hip_width": apart("leftUpperLeg", "rightUpperLeg")}
    for side in ("left", "right"):
        for key, (start, end) in SEGMENTS.items():
            found[f"{key}_{side[0].upper()}"] = apart(f"{side}{start}", f"{side}{end}")
    for key, length in found.items():
        assert length / shoulders == pytest.approx(wanted[key], rel=WITHIN), key


def pieces(outline: np.ndarray) -> int:
    """How many pieces an outline has that are no specks."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(outline.astype(np.uint8))
    return int(np.sum(stats[1:, cv2.CC_STAT_AREA] > 20))


def middle_widths(outline: np.ndarray, low: float, high: float) -> list[int]:
    """Pixels from the middle outwards that are the body's, from one height to another, metres."""
    rows = [round(len(outline) * (0.46 + 0.5 - height / TALL)) for height in (high, low)]
    half = outline.shape[1] // 2
    return [
        sum(int(np.argmin(side)) for side in (row[half:], row[:half][::-1]))
        for row in outline[rows[0] : rows[1]]
    ]


@pytest.fixture(scope="module")
def bodies(run: Path, other_run: Path) -> tuple[Path, Path]:
    return run / "body.vrm", fitted(run / "body.vrm", other_run, "--widths", "full")


@pytest.fixture(scope="module")
def before(viewer: Viewer, bodies: tuple[Path, Path]) -> Shown:
    return viewer.open(bodies[0], tall=TALL)


@pytest.fixture(scope="module")
def after(viewer: Viewer, bodies: tuple[Path, Path]) -> Shown:
    return viewer.open(bodies[1], tall=TALL)


def test_a_body_and_its_fit_are_loaded_without_complaint(before: Shown, after: Shown) -> None:
    for shown in (before, after):
        assert not shown.errors
        assert shown.told["version"] == "1"
    for key in ("version", "expressions", "springs"):
        assert before.told[key] == after.told[key]
    assert {"aa", "blink", "happy"} <= set(after.told["expressions"])


def test_joints_are_where_the_estimate_has_them(before: Shown, after: Shown) -> None:
    assert_ratios(before.told["bones"], ESTIMATES)
    assert_ratios(after.told["bones"], OTHERS)


def test_a_fitted_body_looks_like_one(before: Shown, after: Shown) -> None:
    one, other = before.outline(), after.outline()
    assert pieces(one) == pieces(other) == 1
    for outline in (one, other):
        mirrored = outline[:, ::-1]
        assert (outline & mirrored).sum() / (outline | mirrored).sum() > 0.97
    tall = [int(np.ptp(np.flatnonzero(outline.any(axis=1)))) for outline in (one, other)]
    assert tall[1] == pytest.approx(tall[0], abs=2)
    # The head is as broad as before.
    heads = [outline[np.flatnonzero(outline.any(axis=1))[0] :][:60] for outline in (one, other)]
    assert heads[1].sum() == pytest.approx(heads[0].sum(), rel=0.03)


def test_hips_do_not_become_a_bell(before: Shown, after: Shown) -> None:
    """Between the hip joints and the waist a body widens no more than its hip joints do."""
    found = []
    for shown in (before, after):
        bones = shown.told["bones"]
        hips, spine = bones["leftUpperLeg"][1], bones["spine"][1]
        hips_apart = bones["leftUpperLeg"][0] - bones["rightUpperLeg"][0]
        widths = middle_widths(shown.outline(), hips, spine + 0.1)
        found.append((max(widths), hips_apart))
        # From row to row a body's outline changes by little.
        assert max(abs(upper - lower) for upper, lower in pairwise(widths)) < 12
    (was, joints_were), (now, joints_now) = found
    assert min(1.0, joints_now / joints_were) - 0.05 < now / was
    assert now / was < max(1.0, joints_now / joints_were) + 0.05


def test_a_fitted_body_moves_in_one_piece(after: Shown) -> None:
    rest = after.outline()
    after.move()
    moved = after.outline()
    assert pieces(moved) == 1
    assert (rest ^ moved).sum() > 0.1 * rest.sum()
    assert moved.sum() == pytest.approx(rest.sum(), rel=0.3)


def test_a_vrm_of_the_older_kind_is_loaded_with_its_springs(
    viewer: Viewer, other_run: Path, tmp_path: Path
) -> None:
    avatar = tmp_path / "older.vrm"
    avatar.write_bytes(build(Recipe(vrm="0.x", scheme="vroid", turned=True)))
    one = viewer.open(avatar, tall=TALL)
    other = viewer.open(fitted(avatar, other_run, "--widths", "full"), tall=TALL)
    assert not other.errors
    assert other.told["version"] == "0"
    assert other.told["springs"] == one.told["springs"]
    assert_ratios(other.told["bones"], OTHERS)


def test_a_clip_keeps_the_lengths(viewer: Viewer, other_run: Path, tmp_path: Path) -> None:
    avatar = tmp_path / "walker.glb"
    avatar.write_bytes(build(Recipe(turned=True)))
    shown = viewer.open(fitted(avatar, other_run, "--widths", "full"), tall=TALL)
    assert shown.told["clips"] == 1
    names = {bone: name_of(bone, "mixamo").replace(":", "") for bone in JOINTS}
    rest, played = shown.told["named"], shown.play(0.5)
    hips = names["hips"]
    assert not np.allclose(rest[hips], played[hips], atol=0.01)
    assert_ratios({bone: played[name] for bone, name in names.items()}, OTHERS)
