"""The command that exports a rig, and what it says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from avatarrig.body.bones import PROTOTYPE_BONES
from avatarrig.cli.commands.export import export

DOCUMENT = {"estimates": dict.fromkeys(PROTOTYPE_BONES, 1.0), "stats": {}}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "skeleton_estimate.json").write_text(json.dumps(DOCUMENT))
    return tmp_path


@pytest.mark.parametrize("file_format", ["bvh", "glb", "json"])
def test_export_writes_the_file_and_says_what_is_measured(run: Path, file_format: str) -> None:
    done = CliRunner().invoke(
        export, [str(run), "--format", file_format, "--names", "rigify", "--height", "172cm"]
    )
    assert done.exit_code == 0, done.output
    assert (run / f"skeleton.{file_format}").stat().st_size > 500
    assert "unit: metres" in done.output
    assert "upper_arm.L" in done.output
    assert max(map(len, done.stderr.splitlines())) <= 80
    beside = run / ("skeleton.bones.json" if file_format == "bvh" else "skeleton.json")
    if file_format != "glb":
        bones = json.loads(beside.read_text())["bones"]
        assert {bone["name"]: bone["measured"] for bone in bones}["hand.L"] is False


SLIMEVR = {
    *("headShift", "neckLength", "upperChestLength", "chestLength", "chestOffset", "waistLength"),
    *("hipLength", "hipOffset", "hipsWidth", "upperLegLength", "lowerLegLength", "footLength"),
    *("footShift", "skeletonOffset", "shouldersDistance", "shouldersWidth", "upperArmLength"),
    *("lowerArmLength", "handDistanceY", "handDistanceZ", "elbowOffset"),
}
"""Keys of SlimeVR-Server's SkeletonConfigOffsets.java, of August 2026."""
UNITY = {
    *("Hips", "Spine", "Chest", "UpperChest", "Neck", "Head"),
    *(
        f"{side}{part}"
        for side in ("Left", "Right")
        for part in (
            *("Shoulder", "UpperArm", "LowerArm", "Hand"),
            *("UpperLeg", "LowerLeg", "Foot", "Toes"),
        )
    ),
}
"""Names of UnityEngine.HumanBodyBones that are no finger, eye or jaw."""


def test_slimevr_gets_its_offsets(run: Path) -> None:
    done = CliRunner().invoke(export, [str(run), "--format", "slimevr", "--height", "172"])
    assert done.exit_code == 0, done.output
    written = yaml.safe_load((run / "skeleton.slimevr.yml").read_text())
    offsets = written["skeleton"]["offsets"]
    # What SlimeVR adds up to the height of the eyes.
    tall = ("neckLength", "upperChestLength", "chestLength", "waistLength", "hipLength")
    legs = ("upperLegLength", "lowerLegLength")
    assert sum(offsets[key] for key in (*tall, *legs)) == pytest.approx(0.936 * 1.72, abs=2e-3)
    assert offsets["shouldersWidth"] == pytest.approx(offsets["upperArmLength"], abs=1e-3)
    assert set(offsets) <= SLIMEVR
    # Joints as SkeletonConfigManager.computeNodeOffset hangs them on one another, from the eyes.
    command = [str(run), "--format", "json", "--height", "172"]
    assert CliRunner().invoke(export, command).exit_code == 0
    bones = json.loads((run / "skeleton.json").read_text())["bones"]
    heads = {bone["vrm"]: bone["head"] for bone in bones}
    shoulders = 0.936 * 1.72 - offsets["neckLength"] - offsets["shouldersDistance"]
    assert shoulders == pytest.approx(heads["leftUpperArm"][1], abs=2e-3)
    assert offsets["shouldersWidth"] / 2 == pytest.approx(heads["leftUpperArm"][0], abs=2e-3)
    hips = offsets["upperLegLength"] + offsets["lowerLegLength"]
    assert hips == pytest.approx(heads["leftUpperLeg"][1], abs=2e-3)
    assert offsets["hipsWidth"] / 2 == pytest.approx(heads["leftUpperLeg"][0], abs=2e-3)


def test_unity_gets_a_description_whose_bones_hang_together(run: Path) -> None:
    done = CliRunner().invoke(export, [str(run), "--format", "unity", "--height", "1.72m"])
    assert done.exit_code == 0, done.output
    description = json.loads((run / "skeleton.unity.json").read_text())
    names = [bone["name"] for bone in description["skeleton"]]
    assert [bone["boneName"] for bone in description["human"]] == names
    assert set(description) == {
        *("human", "skeleton", "upperArmTwist", "lowerArmTwist", "upperLegTwist", "lowerLegTwist"),
        *("armStretch", "legStretch", "feetSpacing", "hasTranslationDoF"),
    }
    assert all(set(bone) == {"boneName", "humanName", "limit"} for bone in description["human"])
    assert all(
        set(bone) == {"name", "position", "rotation", "scale"} for bone in description["skeleton"]
    )
    human = {bone["boneName"]: bone["humanName"] for bone in description["human"]}
    assert set(human.values()) == UNITY
    assert human["leftUpperArm"] == "LeftUpperArm"
    place = {bone["name"]: bone["position"] for bone in description["skeleton"]}
    assert place["leftLowerArm"]["x"] < 0 < place["rightLowerArm"]["x"]


def test_android_xr_gets_the_fields_of_its_body_proportions(run: Path) -> None:
    done = CliRunner().invoke(export, [str(run), "--format", "androidxr", "--height", "1.72m"])
    assert done.exit_code == 0, done.output
    written = json.loads((run / "skeleton.androidxr.json").read_text())
    # As XRHumanBodyProportions has them, in its order.
    assert list(written) == [
        *("HeadHeight", "HipsWidth", "HipsLength", "TorsoLength", "NeckLength", "ShoulderWidth"),
        *("UpperArmLength", "LowerArmLength", "UpperLegLength", "LowerLegLength"),
        *("AnkleHeight", "FootLength"),
    ]
    lengths = ("ShoulderWidth", "HipsWidth", "UpperArmLength", "LowerLegLength")
    assert {round(written[key], 3) for key in lengths} == {round(written["ShoulderWidth"], 3)}
    # From the toes up to the head joint.
    legs = ("AnkleHeight", "LowerLegLength", "UpperLegLength")
    trunk = ("HipsLength", "TorsoLength", "NeckLength")
    total = sum(written[key] for key in (*legs, *trunk))
    assert written["HeadHeight"] == pytest.approx(total, abs=1e-3)
    assert 1.4 < written["HeadHeight"] < 1.6
    assert 0.05 < written["AnkleHeight"] < 0.1 < written["FootLength"] < 0.2


def test_usd_without_its_library_is_refused_and_the_extra_is_named(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pxr", None)
    done = CliRunner().invoke(export, [str(run), "--format", "usd"])
    assert done.exit_code == 1
    assert "avatarrig[usd]" in done.output
    assert not (run / "skeleton.usda").exists()


def test_presets_in_metres_need_a_height(run: Path) -> None:
    done = CliRunner().invoke(export, [str(run), "--format", "slimevr"])
    assert done.exit_code == 1
    assert "--height" in done.output


@pytest.mark.parametrize("height", ["17", "tall", "172m", "5m", "-1m"])
def test_a_height_without_sense_is_refused(run: Path, height: str) -> None:
    done = CliRunner().invoke(export, [str(run), "--height", height])
    assert done.exit_code == 2
    assert "height" in done.output


def test_export_without_an_estimate_says_what_to_do(tmp_path: Path) -> None:
    done = CliRunner().invoke(export, [str(tmp_path)])
    assert done.exit_code == 1
    assert "is no run directory" in done.output
    (tmp_path / "skeleton_estimate.json").write_text("{")
    done = CliRunner().invoke(export, [str(tmp_path)])
    assert done.exit_code == 1
    assert "skeleton_estimate.json" in done.output
