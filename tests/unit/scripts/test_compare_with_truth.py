"""The demo's last word: how close an estimate came to the known body."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from avatarrig.body.bones import BENCH_RATIOS
from avatarrig.photos.formats import PHOTO_SUFFIXES

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "scripts" / "compare_with_truth.py"
DEMO = ROOT / "inputs" / "datasets" / "Demo"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("compare_with_truth", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((DEMO / "truth.json").read_text())
    return document


def estimate_of(truth: dict[str, Any], **factors: float) -> dict[str, Any]:
    """The true bones in shoulder widths, some of them made longer."""
    bones = truth["bones_m"]
    estimates = {}
    for bone, length in bones.items():
        for side in ("_L", "_R") if bone.split("_")[0] in ("upper", "lower") else ("",):
            estimates[bone + side] = length * factors.get(bone, 1) / bones["shoulder_width"]
    return {"estimates": estimates}


def test_a_perfect_estimate_is_not_off_whatever_its_unit(
    script: ModuleType, truth: dict[str, Any]
) -> None:
    rows = script.compare(estimate_of(truth), truth)
    assert [row.name for row in rows] == list(BENCH_RATIOS)
    assert [row.error for row in rows] == pytest.approx([0] * len(BENCH_RATIOS), abs=1e-9)


def test_a_bone_10_percent_too_long_shows_in_its_ratios_alone(
    script: ModuleType, truth: dict[str, Any]
) -> None:
    rows = script.compare(estimate_of(truth, hip_width=1.1), truth)
    errors = {row.name: row.error for row in rows}
    assert errors.pop("hip/torso") == pytest.approx(10)
    assert errors.pop("shoulder/hip") == pytest.approx(100 / 1.1 - 100)
    assert max(map(abs, errors.values())) == pytest.approx(0, abs=1e-9)


def test_left_and_right_count_as_their_mean(script: ModuleType, truth: dict[str, Any]) -> None:
    estimate = estimate_of(truth)
    estimate["estimates"]["upper_leg_L"] *= 1.2
    estimate["estimates"]["upper_leg_R"] *= 0.8
    rows = script.compare(estimate, truth)
    assert [row.error for row in rows] == pytest.approx([0] * len(BENCH_RATIOS), abs=1e-9)


def test_ratios_of_bones_that_are_not_estimated_are_left_out(
    script: ModuleType, truth: dict[str, Any]
) -> None:
    estimate = estimate_of(truth)
    estimate["estimates"] |= {"hip_width": None}
    del estimate["estimates"]["lower_leg_L"], estimate["estimates"]["lower_leg_R"]
    names = {row.name for row in script.compare(estimate, truth)}
    assert names == {"farm/uarm", "uarm/torso", "farm/torso", "thigh/torso", "shoulder/torso"}


def test_the_report_ends_with_the_mean_error(
    script: ModuleType,
    truth: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    estimate = tmp_path / "skeleton_estimate.json"
    estimate.write_text(json.dumps(estimate_of(truth, torso_length=1.05)))
    assert script.main([str(estimate), str(DEMO / "truth.json")]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    # seven of the eleven ratios stand over the torso
    assert f"{(1 - 1 / 1.05) * 100 * 7 / 11:.1f} % off on average over 11 ratios" in last


def test_an_empty_estimate_is_said_to_be_too_early(
    script: ModuleType, truth: dict[str, Any]
) -> None:
    assert "too few bones" in script.report(script.compare({"estimates": {}}, truth))


def test_a_missing_file_is_named(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "none.json"
    assert script.main([str(missing), str(DEMO / "truth.json")]) == 2
    assert str(missing) in capsys.readouterr().err


def test_the_demo_holds_30_photos_and_says_they_are_rendered() -> None:
    files = [file for file in DEMO.iterdir() if file.suffix in PHOTO_SUFFIXES]
    assert len(files) == 30
    assert "rendered" in (DEMO / "LICENSE.txt").read_text()
