"""A body of a person's own: as others' libraries read it, and within what people are."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib
import pytest
from click.testing import CliRunner
from support.avatar.fitted import Read

from avatarrig.body.population.anthropometry import stature
from avatarrig.cli.commands.export import export

ESTIMATES = {
    "shoulder_width": 1.0,
    "hip_width": 0.6,
    "torso_length": 1.38,
    **{f"upper_arm_{side}": 0.8 for side in "LR"},
    **{f"lower_arm_{side}": 0.64 for side in "LR"},
    **{f"upper_leg_{side}": 1.2 for side in "LR"},
    **{f"lower_leg_{side}": 1.24 for side in "LR"},
}
SHARES = {
    "head breadth": (0.0781, 0.102),
    "head length": (0.1029, 0.1295),
    "hip breadth": (0.169, 0.2575),
    "hand length": (0.1009, 0.1236),
    "foot length": (0.1384, 0.1668),
}
"""1st and 99th percentile over stature in ANSUR II, the lower of men's and women's, the higher."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    document = {"estimates": ESTIMATES, "stats": {}, "subject": "Anna\nskeleton x"}
    (folder / "skeleton_estimate.json").write_text(json.dumps(document))
    for kind in ("vrm", "glb"):
        command = [str(folder), "--body", "--format", kind, "--height", "5'8\""]
        done = CliRunner().invoke(export, command)
        assert done.exit_code == 0, done.output
        assert "average: sex, age" in done.output
    return folder


@pytest.fixture(scope="module")
def body(run: Path) -> Read:
    return Read((run / "body.vrm").read_bytes())


def bones_of(avatar: Read) -> dict[str, int]:
    human = avatar.gltf.extensions["VRMC_vrm"]["humanoid"]["humanBones"]
    return {bone: entry["node"] for bone, entry in human.items()}


def test_joints_are_as_far_apart_as_the_estimate_says(body: Read) -> None:
    lengths = body.lengths(bones_of(body))
    for key, ratio in ESTIMATES.items():
        assert lengths[key] / lengths["shoulder_width"] == pytest.approx(ratio, rel=0.01), key


def test_it_is_as_tall_as_asked_and_stands_on_the_floor_in_t_pose(body: Read) -> None:
    points = body.mesh()
    assert np.ptp(points[:, 1]) == pytest.approx(1.7272, abs=2e-3)
    assert points[:, 1].min() == pytest.approx(0, abs=2e-3)
    place = {bone: body.world(node)[:3, 3] for bone, node in bones_of(body).items()}
    for side, sign in (("left", 1), ("right", -1)):
        arm = place[f"{side}Hand"] - place[f"{side}UpperArm"]
        assert sign * arm[0] == pytest.approx(np.linalg.norm(arm), rel=1e-3)


def test_it_is_a_vrm_that_may_be_changed_and_passed_on(body: Read) -> None:
    vrm = body.gltf.extensions["VRMC_vrm"]
    assert vrm["specVersion"] == "1.0"
    assert vrm["meta"]["modification"] == "allowModificationRedistribution"
    assert vrm["meta"]["allowRedistribution"] is True
    assert "publicdomain/zero" in vrm["meta"]["otherLicenseUrl"]
    expressions = vrm["expressions"]["preset"]
    assert {"blink", "aa", "happy"} <= set(expressions)
    targets = body.gltf.meshes[0].primitives[0].targets
    for expression in expressions.values():
        (bind,) = expression["morphTargetBinds"]
        assert np.abs(body.array(targets[bind["index"]]["POSITION"])).max() > 1e-3


def test_breadths_head_hands_and_feet_are_a_persons(body: Read) -> None:
    points = body.mesh()
    tall = np.ptp(points[:, 1])
    place = {bone: body.world(node)[:3, 3] for bone, node in bones_of(body).items()}
    skull = points[points[:, 1] > place["head"][1] + 0.55 * (tall - place["head"][1])]
    hips = points[np.abs(points[:, 1] - place["leftUpperLeg"][1]) < 0.01]
    hips = hips[np.abs(hips[:, 0]) < 0.3]
    hand = points[points[:, 0] > place["leftHand"][0]]
    foot = points[(points[:, 1] < 0.06) & (points[:, 0] > 0)]
    measured = {
        "head breadth": np.ptp(skull[:, 0]),
        "head length": np.ptp(skull[:, 2]),
        "hip breadth": np.ptp(hips[:, 0]),
        "hand length": np.ptp(hand[:, 0]),
        "foot length": np.ptp(foot[:, 2]),
    }
    outside = {
        name: value / tall
        for name, value in measured.items()
        if not SHARES[name][0] <= value / tall <= SHARES[name][1]
    }
    assert not outside


def test_hands_and_feet_have_the_lengths_that_the_estimate_gives(tmp_path: Path) -> None:
    wanted = {"hand": 0.105, "foot": 0.145}
    tall = stature(ESTIMATES)
    further = {key: {"value": share * tall} for key, share in wanted.items()}
    document = {"estimates": ESTIMATES, "stats": {}, "further": further}
    (tmp_path / "skeleton_estimate.json").write_text(json.dumps(document))
    command = [str(tmp_path), "--body", "--format", "vrm", "--height", "1.80"]
    done = CliRunner().invoke(export, command)
    assert done.exit_code == 0, done.output
    assert "hands: anthropometry given the other bones" in done.output
    body = Read((tmp_path / "body.vrm").read_bytes())
    points, bones = body.mesh(), bones_of(body)
    wrist = body.world(bones["leftHand"])[0, 3]
    feet = points[(points[:, 1] < 0.06) & (points[:, 0] > 0)]
    found = {"hand": points[:, 0].max() - wrist, "foot": np.ptp(feet[:, 2])}
    for key, share in wanted.items():
        assert found[key] / 1.8 == pytest.approx(share, rel=0.02), key


def test_the_plain_glb_has_a_texture_map_and_no_vrm(run: Path) -> None:
    import trimesh

    data = (run / "body.glb").read_bytes()
    gltf = pygltflib.GLTF2.load_from_bytes(data)
    assert not gltf.extensions
    assert all(
        primitive.attributes.TEXCOORD_0 is not None for primitive in gltf.meshes[0].primitives
    )
    scene: Any = trimesh.load(io.BytesIO(data), file_type="glb")
    assert sum(len(mesh.faces) for mesh in scene.geometry.values()) > 25_000


SLIDERS = {
    "measure/measure-shoulder-dist-decr|incr",
    "measure/measure-upperarm-length-decr|incr",
    "measure/measure-lowerarm-length-decr|incr",
    "measure/measure-upperleg-height-decr|incr",
    "measure/measure-lowerleg-height-decr|incr",
    "hip/hip-scale-horiz-decr|incr",
    "torso/torso-scale-vert-decr|incr",
}
"""Names of MakeHuman 1.3's data/modifiers/measurement_modifiers.json and modeling_modifiers.json,
as its Human.load looks them up."""


def test_the_sliders_are_a_file_that_makehuman_reads_line_by_line(run: Path) -> None:
    lines = (run / "body.mhm").read_text().splitlines()
    assert lines[0] == "version v1.2.0"
    sliders = {}
    for line in lines:
        word, *rest = line.split()
        assert word in {"version", "name", "camera", "modifier", "skeleton"}
        if word == "modifier":
            sliders[rest[0]] = float(rest[1])
    assert len([line for line in lines if line.startswith("skeleton")]) == 1
    own = [value for name, value in sliders.items() if name.endswith("decr|incr")]
    assert {name for name in sliders if name.endswith("decr|incr")} == SLIDERS
    assert all(-1 <= value <= 1 for value in own)
    assert any(own)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--body", "--format", "bvh"], "glb or vrm"), (["--format", "vrm"], "--body")],
)
def test_what_does_not_go_together_is_said(run: Path, arguments: list[str], words: str) -> None:
    done = CliRunner().invoke(export, [str(run), *arguments])
    assert done.exit_code == 2
    assert words in done.output
