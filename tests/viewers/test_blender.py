"""What Blender makes of the files: bones, their directions and lengths, meshes and shape keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from support.viewers.estimates import ESTIMATES, OTHERS

from avatarrig.body.rig.names import rename
from avatarrig.cli.commands.fit import fit

Blender = Callable[[Sequence[str | Path]], list[dict[str, Any]]]
LIMBS = ("UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot")
WITHIN = 1e-3  # metres


def upright(point: Sequence[float]) -> np.ndarray:
    """From y up to Blender's z up."""
    x, y, z = point
    return np.array([x, -z, y])


@pytest.fixture(scope="module")
def bones(run: Path) -> dict[str, dict[str, Any]]:
    written = json.loads((run / "skeleton.json").read_text())["bones"]
    return {bone["vrm"]: bone for bone in written}


@pytest.fixture(scope="module")
def imported(blender: Blender, run: Path, other_run: Path) -> dict[str, dict[str, Any]]:
    """All files at once: Blender takes seconds to start."""
    fbx, me = run / "skeleton.fbx", run / "me.vrm"
    command = [str(run / "body.vrm"), "--run", str(other_run), "--out", str(me)]
    done = CliRunner().invoke(fit, [*command, "--widths", "full"])
    assert done.exit_code == 0, done.output
    blender(["--to-fbx", fbx, run / "skeleton.glb"])
    files = [run / "skeleton.glb", run / "skeleton.bvh", run / "skeleton.usda", fbx]
    files += [run / "body.vrm", me]
    return dict(zip((file.name for file in files), blender(files), strict=True))


@pytest.mark.parametrize("file", ["skeleton.glb", "skeleton.bvh", "skeleton.usda", "skeleton.fbx"])
def test_bones_lie_along_the_limbs_with_their_true_lengths(
    imported: dict[str, dict[str, Any]], bones: dict[str, dict[str, Any]], file: str
) -> None:
    shown = imported[file]["bones"]
    naming = "unreal" if file.endswith(".usda") else "vrm"
    hips = rename("hips", naming)
    assert imported[file]["pose"][hips] == pytest.approx(upright(bones["hips"]["head"]), abs=WITHIN)
    # The place of a BVH is in its motion, not in its rest pose.
    shift = upright(bones["hips"]["head"]) if file.endswith(".bvh") else np.zeros(3)
    for vrm, bone in bones.items():
        head, tail = (np.array(end) + shift for end in shown[rename(vrm, naming)])
        assert head == pytest.approx(upright(bone["head"]), abs=WITHIN), vrm
        if vrm == "head" or vrm.removeprefix("left").removeprefix("right") in LIMBS:
            assert tail == pytest.approx(upright(bone["tail"]), abs=WITHIN), vrm


def test_a_fitted_body_has_the_ratios_in_blender(imported: dict[str, dict[str, Any]]) -> None:
    for file, wanted in (("body.vrm", ESTIMATES), ("me.vrm", OTHERS)):
        head = {name: np.array(ends[0]) for name, ends in imported[file]["bones"].items()}
        shoulders = np.linalg.norm(head["leftUpperArm"] - head["rightUpperArm"])
        for key, one, other in (
            ("upper_arm_L", "leftUpperArm", "leftLowerArm"),
            ("lower_arm_R", "rightLowerArm", "rightHand"),
            ("upper_leg_L", "leftUpperLeg", "leftLowerLeg"),
            ("lower_leg_R", "rightLowerLeg", "rightFoot"),
            ("hip_width", "leftUpperLeg", "rightUpperLeg"),
        ):
            ratio = np.linalg.norm(head[one] - head[other]) / shoulders
            assert ratio == pytest.approx(wanted[key], rel=0.005), (file, key)


def test_a_fitted_body_keeps_mesh_and_expressions(imported: dict[str, dict[str, Any]]) -> None:
    one, other = imported["body.vrm"], imported["me.vrm"]
    assert one["triangles"] == other["triangles"] > 20_000
    assert one["keys"] == other["keys"]
    assert len(one["keys"]) > 10
