"""Estimates become rigs that other programs read."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, cast

import bvh
import msgspec
import numpy as np
import pygltflib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.avatar.fitted import turned
from support.body.estimates import said

from avatarrig.body.bones import PROTOTYPE_BONES
from avatarrig.body.rig.armature import Armature, build_armature
from avatarrig.body.rig.bvh import to_bvh
from avatarrig.body.rig.glb import to_glb
from avatarrig.body.rig.lengths import (
    ANTHROPOMETRY,
    GIVEN_OTHERS,
    MEASURED,
    PRIOR,
    SURVEY,
    TAPE,
    EstimateRefusedError,
    FileBone,
    FileEstimate,
)
from avatarrig.body.rig.names import NAMINGS
from avatarrig.body.rig.usd import to_usd
from avatarrig.runs.estimate_file import read_estimate

ESTIMATES = {
    "shoulder_width": 1.0,
    "hip_width": 0.61,
    "torso_length": 1.37,
    "upper_arm_L": 0.81,
    "upper_arm_R": 0.81,
    "lower_arm_L": 0.68,
    "lower_arm_R": 0.68,
    "upper_leg_L": 1.2,
    "upper_leg_R": 1.2,
    "lower_leg_L": 1.26,
    "lower_leg_R": 1.26,
}
ESTIMATE = FileEstimate(ESTIMATES)

REQUIRED_BY_VRM = {
    "hips",
    "spine",
    "head",
    *(
        f"{side}{part}"
        for side in ("left", "right")
        for part in (
            *("UpperArm", "LowerArm", "Hand"),
            *("UpperLeg", "LowerLeg", "Foot"),
        )
    ),
}

LENGTHS = st.fixed_dictionaries(
    {key: st.floats(0.2, 3.0) for key in PROTOTYPE_BONES if key != "shoulder_width"}
).map(lambda lengths: FileEstimate({"shoulder_width": 1.0, **lengths}))


def lengths_of(armature: Armature) -> dict[str, float]:
    return {
        bone.vrm: float(np.linalg.norm(np.subtract(bone.tail, bone.head)))
        for bone in armature.bones
    }


def heads_of(armature: Armature) -> dict[str, tuple[float, float, float]]:
    return {bone.name: bone.head for bone in armature.bones}


@settings(max_examples=12, deadline=None)
@given(LENGTHS, st.none() | st.floats(0.5, 2.5))
def test_measured_bones_have_the_estimated_proportions(
    estimate: FileEstimate, height: float | None
) -> None:
    armature = build_armature(estimate, height=height)
    lengths, estimates = lengths_of(armature), estimate.estimates
    heads = heads_of(armature)
    shoulders = heads["leftUpperArm"][0] - heads["rightUpperArm"][0]
    for side, letter in (("left", "L"), ("right", "R")):
        for part, bone in (
            ("UpperArm", "upper_arm"),
            ("LowerArm", "lower_arm"),
            ("UpperLeg", "upper_leg"),
            ("LowerLeg", "lower_leg"),
        ):
            ratio = lengths[f"{side}{part}"] / shoulders
            assert ratio == pytest.approx(estimates[f"{bone}_{letter}"], rel=1e-3)
    hips = heads["leftUpperLeg"][0] - heads["rightUpperLeg"][0]
    assert hips / shoulders == pytest.approx(estimates["hip_width"], rel=1e-3)
    trunk = sum(lengths[name] for name in ("hips", "spine", "chest", "upperChest"))
    assert trunk / shoulders == pytest.approx(estimates["torso_length"], rel=1e-3)
    assert max(bone.tail[1] for bone in armature.bones if bone.vrm == "head") == pytest.approx(
        1.0 if height is None else height, abs=1e-5
    )


@settings(max_examples=12, deadline=None)
@given(LENGTHS)
def test_bones_hang_together(estimate: FileEstimate) -> None:
    armature = build_armature(estimate)
    names = [bone.vrm for bone in armature.bones]
    assert len(set(names)) == len(names)
    assert set(names) >= REQUIRED_BY_VRM
    for place, bone in enumerate(armature.bones):
        if bone.parent is None:
            assert bone.vrm == "hips"
        else:
            assert bone.parent in names[:place]
    assert all(length > 0 for length in lengths_of(armature).values())


def test_it_stands_in_t_pose_on_the_floor_facing_forward() -> None:
    heads = heads_of(build_armature(ESTIMATE))
    assert heads["leftHand"][0] > heads["leftUpperArm"][0] > 0 > heads["rightUpperArm"][0]
    assert heads["leftHand"][1] == heads["leftUpperArm"][1]
    assert heads["leftToes"][1] == pytest.approx(0, abs=1e-6)
    assert heads["leftToes"][2] > heads["leftFoot"][2]
    assert heads["head"][1] > heads["neck"][1] > heads["hips"][1] > heads["leftFoot"][1] > 0


def test_a_height_gives_metres_and_nothing_else_does() -> None:
    assert build_armature(ESTIMATE).unit == "stature"
    armature = build_armature(ESTIMATE, height=1.72)
    assert armature.unit == "metre"
    assert build_armature(FileEstimate(ESTIMATES, height=1.72)) == armature
    assert build_armature(FileEstimate(ESTIMATES, height=1.5), height=1.72) == armature
    assert 0.35 < lengths_of(armature)["leftUpperLeg"] < 0.48


def test_bones_say_where_their_length_comes_from() -> None:
    sources = {bone.vrm: bone.source for bone in build_armature(ESTIMATE).bones}
    assert sources["leftUpperArm"] == MEASURED
    assert sources["head"] == ANTHROPOMETRY
    assert sources["leftHand"] == sources["rightFoot"] == SURVEY
    few = FileEstimate(
        {k: v for k, v in ESTIMATES.items() if "lower_leg" not in k},
        {"lower_leg_L": FileBone(1.2), "lower_leg_R": FileBone(1.2)},
    )
    sources = {bone.vrm: bone.source for bone in build_armature(few).bones}
    assert sources["leftLowerLeg"] == PRIOR
    assert sources["leftUpperLeg"] == MEASURED


def test_measured_bones_say_how_sure_they_are() -> None:
    stats = {
        f"lower_leg_{side}": FileBone(interval=(1.2, 1.3), status="stable", prior_share=0.2)
        for side in "LR"
    }
    armature = build_armature(FileEstimate(ESTIMATES, stats), height=1.72)
    shank = next(bone for bone in armature.bones if bone.vrm == "leftLowerLeg")
    length = lengths_of(armature)["leftLowerLeg"]
    assert shank.told is not None
    assert shank.told.interval == pytest.approx(
        (length * 1.2 / 1.26, length * 1.3 / 1.26), rel=1e-3
    )
    gltf = pygltflib.GLTF2.load_from_bytes(to_glb(armature))
    extras = {node.name: node.extras for node in gltf.nodes}
    assert extras["leftLowerLeg"]["status"] == "stable"
    assert extras["leftLowerLeg"]["prior_share"] == 0.2
    assert "status" not in extras["leftHand"]


FURTHER = {
    "hand": FileBone(0.55, 0.97, (0.5, 0.6), "insufficient"),
    "foot": FileBone(0.7, 0.1, (0.69, 0.71), "stable"),
    "ankle_height": FileBone(0.2, 0.9, (0.18, 0.22), "insufficient"),
    "head": FileBone(0.62, 0.9, (0.55, 0.69), "insufficient"),
    "neck": FileBone(0.31, 0.9, (0.25, 0.39), "insufficient"),
    "clavicle": FileBone(0.45, 0.4, (0.43, 0.47), "provisional"),
    "spine_lower": FileBone(0.4, 0.8, (0.3, 0.5), "provisional"),
    "spine_upper": FileBone(1.0, 0.5, (0.9, 1.1), "provisional"),
}


def test_bones_that_no_photo_shows_are_the_estimates_and_say_so() -> None:
    armature = build_armature(FileEstimate(ESTIMATES, further=FURTHER), height=1.72)
    lengths = lengths_of(armature)
    bones = {bone.vrm: bone for bone in armature.bones}
    shoulders = 2 * bones["leftUpperArm"].head[0]
    hand, foot = bones["leftHand"], bones["rightFoot"]
    assert lengths["leftHand"] == pytest.approx(0.55 * shoulders, rel=1e-3)
    assert hand.told is not None
    assert hand.told.interval == pytest.approx((0.5 * shoulders, 0.6 * shoulders), rel=1e-3)
    assert (hand.source, hand.told.status, hand.measured) == (GIVEN_OTHERS, "insufficient", False)
    assert foot.source == TAPE
    assert bones["leftFoot"].head[1] == pytest.approx(0.2 * shoulders, abs=1e-3)
    assert lengths["leftShoulder"] == pytest.approx(0.45 * shoulders, rel=1e-3)
    assert lengths["head"] / lengths["neck"] == pytest.approx(2, rel=1e-3)
    assert bones["head"].tail[1] == pytest.approx(1.72)
    trunk = bones["neck"].head[1] - bones["hips"].head[1]
    waist = bones["spine"].tail[1] - bones["hips"].head[1]
    assert waist / trunk == pytest.approx(0.4 / 1.4, rel=1e-3)
    gltf = pygltflib.GLTF2.load_from_bytes(to_glb(armature))
    extras = {node.name: node.extras for node in gltf.nodes}
    assert extras["head"]["status"] == "insufficient"
    assert extras["head"]["source"] == GIVEN_OTHERS
    assert extras["head"]["prior_share"] == 0.9


@pytest.mark.parametrize("missing", ["lower_leg", "torso", "arm"])
def test_what_nobody_measured_comes_from_anthropometry(missing: str) -> None:
    kept = {key: value for key, value in ESTIMATES.items() if missing not in key}
    armature = build_armature(FileEstimate(kept))
    unmeasured = {bone.vrm for bone in armature.bones if bone.source == ANTHROPOMETRY}
    assert unmeasured & {"leftLowerLeg", "spine", "leftUpperArm"}
    assert 0.1 < lengths_of(armature)["leftLowerLeg"] < 0.4


def test_one_side_stands_in_for_the_other() -> None:
    kept = {key: value for key, value in ESTIMATES.items() if key != "upper_arm_R"}
    bones = {bone.vrm: bone for bone in build_armature(FileEstimate(kept)).bones}
    assert bones["rightUpperArm"].measured


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{",
        {},
        {"estimates": {}},
        {"estimates": {"hip_width": "wide"}},
        {"estimates": {"hip_width": -1}},
        {"estimates": {"hip_width": None}},
        {"estimates": [1]},
        {"estimates": ESTIMATES | {"hip_width": 1e300}},
        {"estimates": ESTIMATES, "further": {"neck": {"value": 1e300}}},
        {"estimates": ESTIMATES, "height": 1e300},
        {"estimates": ESTIMATES, "metres": {key: {"value": 5e-324} for key in ESTIMATES}},
    ],
)
def test_a_document_that_is_no_estimate_is_refused(document: object, tmp_path: Path) -> None:
    file = tmp_path / "skeleton_estimate.json"
    file.write_bytes(
        document.encode() if isinstance(document, str) else msgspec.json.encode(document)
    )
    with pytest.raises(EstimateRefusedError):
        build_armature(read_estimate(tmp_path).estimate)


def test_the_estimate_itself_gives_the_same_armature_as_its_file(tmp_path: Path) -> None:
    made = said(ESTIMATES, status="provisional", height=1.7, metres={})
    (tmp_path / "skeleton_estimate.json").write_bytes(msgspec.json.encode(made))
    assert build_armature(made) == build_armature(read_estimate(tmp_path).estimate)


@pytest.mark.parametrize(
    ("naming", "expected"),
    [
        ("vrm", {"hips", "leftUpperArm", "rightToes"}),
        ("unity", {"Hips", "LeftUpperArm", "RightToes"}),
        ("mixamo", {"mixamorig:Hips", "mixamorig:LeftArm", "mixamorig:RightToeBase"}),
        ("rigify", {"spine", "upper_arm.L", "toe.R"}),
        ("unreal", {"pelvis", "upperarm_l", "ball_r"}),
    ],
)
def test_names_are_those_of_other_programs(naming: str, expected: set[str]) -> None:
    names = [bone.name for bone in build_armature(ESTIMATE, naming=naming).bones]
    assert expected <= set(names)
    assert len(set(names)) == len(names) == 22


@settings(max_examples=8, deadline=None)
@given(LENGTHS, st.sampled_from(NAMINGS))
def test_bvh_reads_back_with_the_same_joints_in_the_same_places(
    estimate: FileEstimate, naming: str
) -> None:
    armature = build_armature(estimate, naming=naming, height=1.8)
    motion = bvh.Bvh(to_bvh(armature))
    assert motion.nframes == 1
    root = motion.get_joints_names()[0]
    channels = [f"{axis}{kind}" for kind in ("position", "rotation") for axis in "XYZ"]
    x, y, z, *turns = motion.frame_joint_channels(0, root, channels)
    assert turns == [0, 0, 0]
    for bone in armature.bones:
        place, joint = np.array([x, y, z]), bone.name
        while motion.joint_parent(joint) is not None:
            place += motion.joint_offset(joint)
            joint = motion.joint_parent(joint).name
        assert joint == root
        assert place == pytest.approx(bone.head, abs=1e-4)
    assert len(motion.get_joints_names()) == len(armature.bones)


@settings(max_examples=8, deadline=None)
@given(LENGTHS, st.sampled_from(NAMINGS))
def test_glb_reads_back_with_the_same_joints_in_the_same_places(
    estimate: FileEstimate, naming: str
) -> None:
    armature = build_armature(estimate, naming=naming, height=1.8)
    data = to_glb(armature)
    gltf = pygltflib.GLTF2.load_from_bytes(data)
    seen = worlds_of(gltf)
    for name, head in heads_of(armature).items():
        assert seen[name][:3, 3] == pytest.approx(head, abs=1e-4)
    humanoid = gltf.extensions["VRMC_vrm"]["humanoid"]["humanBones"]
    assert humanoid.keys() >= REQUIRED_BY_VRM
    for bone in armature.bones:
        node = gltf.nodes[humanoid[bone.vrm]["node"]]
        assert node.name == bone.name
        assert node.extras == {"measured": bone.measured, "source": bone.source}


def worlds_of(gltf: pygltflib.GLTF2) -> dict[str, Any]:
    """Each node's place: by a rotation's own formula, not the product's."""
    todo: dict[int, Any] = dict.fromkeys(gltf.scenes[0].nodes, np.eye(4))
    seen: dict[str, Any] = {}
    while todo:
        index, parent = todo.popitem()
        node = gltf.nodes[index]
        local = np.eye(4)
        if node.rotation is not None:
            local = turned(node.rotation)
        local[:3, 3] = node.translation or (0, 0, 0)
        seen[node.name] = parent @ local
        todo |= dict.fromkeys(node.children or [], seen[node.name])
    return seen


@settings(max_examples=8, deadline=None)
@given(LENGTHS)
def test_each_node_points_along_its_bone_and_the_next_joint_is_where_it_ends(
    estimate: FileEstimate,
) -> None:
    armature = build_armature(estimate, height=1.8)
    gltf = pygltflib.GLTF2.load_from_bytes(to_glb(armature))
    worlds = worlds_of(gltf)
    for bone in armature.bones:
        world = worlds[bone.name]
        along = np.subtract(bone.tail, bone.head)
        length = np.linalg.norm(along)
        assert world[:3, 1] == pytest.approx(along / length, abs=1e-5)
        node = next(node for node in gltf.nodes if node.name == bone.name)
        # What Blender takes for the bone's length.
        nearest = min(np.linalg.norm(gltf.nodes[child].translation) for child in node.children)
        assert nearest == pytest.approx(length, abs=1e-4)


def test_nothing_sticks_out_beyond_the_crown() -> None:
    gltf = pygltflib.GLTF2.load_from_bytes(to_glb(build_armature(ESTIMATE, height=1.72)))
    end = worlds_of(gltf)["head_end"]
    assert end[1, 3] == pytest.approx(1.72, abs=1e-4)
    assert end[1, 1] == pytest.approx(-1)  # points back down


def test_glb_holds_a_mesh_that_another_reader_finds_whole() -> None:
    import trimesh

    armature = build_armature(ESTIMATE, height=1.72)
    scene = trimesh.load_scene(io.BytesIO(to_glb(armature)), file_type="glb")
    (mesh,) = cast("list[trimesh.Trimesh]", scene.dump())
    assert len(mesh.faces) == 8 * len(armature.bones)
    assert mesh.bounds[1][1] == pytest.approx(1.72, abs=1e-3)
    mesh.merge_vertices(merge_norm=True)
    assert mesh.is_watertight
    assert mesh.volume > 0  # every triangle faces outwards


def test_the_skin_binds_each_joint_where_it_stands() -> None:
    armature = build_armature(ESTIMATE)
    gltf = pygltflib.GLTF2.load_from_bytes(to_glb(armature))
    view = gltf.bufferViews[gltf.accessors[gltf.skins[0].inverseBindMatrices].bufferView]
    raw = gltf.binary_blob()[view.byteOffset : view.byteOffset + view.byteLength]
    matrices = np.frombuffer(raw, "<f4").reshape(-1, 4, 4).transpose(0, 2, 1)
    worlds = worlds_of(gltf)
    names = [gltf.nodes[joint].name for joint in gltf.skins[0].joints]
    assert names[: len(armature.bones)] == [bone.name for bone in armature.bones]
    for name, matrix in zip(names, matrices, strict=True):
        assert matrix @ worlds[name] == pytest.approx(np.eye(4), abs=1e-5)


def test_the_same_armature_gives_the_same_bytes() -> None:
    assert to_glb(build_armature(ESTIMATE)) == to_glb(build_armature(ESTIMATE))


@pytest.mark.parametrize("naming", NAMINGS)
def test_usd_has_the_joints_where_the_armature_has_them(tmp_path: Path, naming: str) -> None:
    from pxr import Usd, UsdGeom, UsdSkel

    armature = build_armature(ESTIMATE, naming=naming, height=1.72)
    file = tmp_path / "skeleton.usda"
    file.write_bytes(to_usd(armature))
    assert file.read_bytes() == to_usd(armature)
    stage = Usd.Stage.Open(str(file))
    assert UsdGeom.GetStageUpAxis(stage) == "Y"
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1
    query = UsdSkel.Cache().GetSkelQuery(UsdSkel.Skeleton.Get(stage, "/figure/armature"))
    topology = query.GetTopology()
    assert topology.Validate()[0]
    names = list(query.GetSkeleton().GetJointNamesAttr().Get())
    at_rest = query.ComputeJointSkelTransforms(0.0, atRest=True)
    bound = query.GetJointWorldBindTransforms()
    for bone in armature.bones:
        for matrix in (at_rest[names.index(bone.name)], bound[names.index(bone.name)]):
            assert tuple(matrix.ExtractTranslation()) == pytest.approx(bone.head, abs=1e-5)
            along = np.subtract(bone.tail, bone.head)
            own = np.array(matrix.TransformDir((0, 1, 0)))
            assert own == pytest.approx(along / np.linalg.norm(along), abs=1e-5)
    said = query.GetPrim().GetCustomData()["bones"]
    assert said["leftLowerArm"]["measured"] is True
    assert said["neck"]["measured"] is False
