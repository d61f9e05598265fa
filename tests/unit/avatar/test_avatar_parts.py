"""The parts of a fit that are pure: names, packed numbers, maps of space, storing in place."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.avatar.joints import ARM, FACTORS, LEG, measure_points, standing_body

from avatarrig.avatar.errors import AvatarFileError
from avatarrig.avatar.field import Stretch, Trunk, Widths, derivative
from avatarrig.avatar.gltf.accessors import read_floats
from avatarrig.avatar.gltf.meshopt import decode_view
from avatarrig.avatar.gltf.scene import read_tree
from avatarrig.avatar.gltf.storing import Store
from avatarrig.avatar.humanoid import NEEDED, find_humanoid
from avatarrig.avatar.names import match
from avatarrig.avatar.placing import Growth, Placement, Plan, place
from avatarrig.avatar.proportions import KEYS, Body

MESHOPT = json.loads((Path(__file__).parents[1] / "data" / "meshopt.json").read_text())["cases"]


def sided(left: str, right: str, *patterns: str) -> list[str]:
    return [pattern.replace("@", side) for side in (left, right) for pattern in patterns]


TRUNK = ["Hips", "Spine", "Neck", "Head"]
RIGS = {
    "3ds Max": [
        "Bip01",
        "Bip01 Pelvis",
        "Bip01 Spine",
        "Bip01 Neck",
        "Bip01 Head",
        *sided("L", "R", *(f"Bip01 @ {p}" for p in ("UpperArm", "Forearm", "Hand"))),
        *sided("L", "R", *(f"Bip01 @ {p}" for p in ("Thigh", "Calf", "Foot"))),
    ],
    "SMPL": [
        "Pelvis",
        "Spine1",
        "Neck",
        "Head",
        *sided(
            "L", "R", "@_Collar", "@_Shoulder", "@_Elbow", "@_Wrist", "@_Hip", "@_Knee", "@_Ankle"
        ),
    ],
    "Daz": [
        "pelvis",
        "abdomenLower",
        "head",
        *sided("l", "r", "@ShldrBend", "@ForearmBend", "@Hand", "@ThighBend", "@Shin", "@Foot"),
    ],
    "Sketchfab": [
        "mixamorig:Hips_01",
        "mixamorig:Spine_02",
        "mixamorig:Head_06",
        *sided(
            "Left", "Right", "mixamorig:@Arm_08", "mixamorig:@ForeArm_09", "mixamorig:@Hand_010"
        ),
        *sided(
            "Left", "Right", "mixamorig:@UpLeg_011", "mixamorig:@Leg_012", "mixamorig:@Foot_013"
        ),
    ],
    "VRChat": [
        *TRUNK,
        *sided("Left", "Right", "@ arm", "@ elbow", "@ wrist", "@ shoulder"),
        *sided("Left", "Right", "@ leg", "@ knee", "@ ankle"),
    ],
    "suffixes": [*TRUNK, *sided("L", "R", *(f"{p}_@" for p in (*ARM, *LEG)))],
    "prefixes": [*TRUNK, *sided("L", "R", *(f"@{p}" for p in (*ARM, *LEG)))],
    "twists": [
        *TRUNK,
        *sided("l", "r", "upperarm_@", "upperarm_twist_01_@", "lowerarm_@", "hand_@"),
        *sided("l", "r", "thigh_@", "calf_@", "calf_twist_01_@", "foot_@", "ik_foot_@"),
    ],
    "Rigify without dots": [
        "DEF-spine",
        *(f"DEF-spine00{number}" for number in range(1, 7)),
        *sided("L", "R", "DEF-upper_arm@", "DEF-forearm@", "DEF-hand@"),
        *sided("L", "R", "DEF-thigh@", "DEF-shin@", "DEF-foot@"),
    ],
    "MakeHuman": [
        *("root", "spine05", "spine01", "neck01", "head"),
        *sided("L", "R", "upperarm01.@", "upperarm02.@", "lowerarm01.@", "wrist.@"),
        *sided("L", "R", "upperleg01.@", "upperleg02.@", "lowerleg01.@", "foot.@"),
    ],
    "Second Life": [
        *("mPelvis", "mTorso", "mChest", "mNeck", "mHead"),
        *sided("Left", "Right", "mCollar@", "mShoulder@", "mElbow@", "mWrist@"),
        *sided("Left", "Right", "mHip@", "mKnee@", "mAnkle@"),
    ],
    "Android XR": [
        *("Root", "Hips", "SpineLower", "SpineUpper", "Chest", "Neck", "Head"),
        *sided("Left", "Right", "@Scapula", "@ArmUpper", "@ArmLower", "@HandWrist"),
        *sided("Left", "Right", "@UpperLeg", "@LowerLeg", "@FootAnkle"),
    ],
    "named after the figure": [
        *("Armature", "Base Human", "Base HumanPelvis", "Base HumanSpine1", "Base HumanHead"),
        *sided("L", "R", "Base Human@Upperarm", "Base Human@Forearm", "Base Human@Palm"),
        *sided("L", "R", "Base Human@Thigh", "Base Human@Calf", "Base Human@Foot"),
        *sided("L", "R", *(f"Base Human@Digit{number}" for number in (11, 12, 21, 22))),
    ],
    "compensated for scale": [
        *("CC_Base_Hip_02", "CC_Base_Hip_02_scaleCompensation", "CC_Base_Head_038"),
        *sided("L", "R", "CC_Base_@_Upperarm_050", "CC_Base_@_Upperarm_050_scaleCompensation"),
        *sided("L", "R", "CC_Base_@_Forearm_051", "CC_Base_@_Forearm_051_scaleCompensation"),
        *sided("L", "R", "CC_Base_@_Hand_055", "CC_Base_@_Thigh_04", "CC_Base_@_Calf_05"),
        *sided("L", "R", "CC_Base_@_Foot_06", "CC_Base_@_Foot_06_scaleCompensation"),
    ],
    "numbered parts": [
        *("C_pelvis0001_bind_JNT", "C_spine0001_bind_JNT", "C_head0001_bind_JNT"),
        *sided("L", "R", "@_armUpper0001_bind_JNT", "@_armUpper0003_bind_JNT"),
        *sided("L", "R", "@_armLower0001_bind_JNT", "@_hand0001_bind_JNT"),
        *sided("L", "R", "@_legUpper0001_bind_JNT", "@_legLower0001_bind_JNT"),
        *sided("L", "R", "@_foot0001_bind_JNT", "@_handThumb0001_bind_JNT"),
    ],
    "copies in Blender": [
        *(f"{name}.001" for name in TRUNK),
        *sided("L", "R", *(f"{p}_@.001" for p in (*ARM, *LEG))),
    ],
    "Auto-Rig": [
        "root.x",
        "spine_01.x",
        "neck.x",
        "head.x",
        *sided("l", "r", "arm_stretch.@", "arm_twist.@", "forearm_stretch.@", "hand.@"),
        *sided("l", "r", "thigh_stretch.@", "leg_stretch.@", "foot.@"),
    ],
}


@pytest.mark.parametrize("rig", RIGS)
def test_needed_bones_are_found_once(rig: str) -> None:
    names = RIGS[rig]
    found = match(dict(enumerate(names)))
    assert {bone for bone in NEEDED if len(found.get(bone, [])) != 1} <= {"hips"}
    assert found["hips"]
    for bone, nodes in found.items():
        side = next((s for s in ("left", "right") if bone.startswith(s)), "")
        lower = names[nodes[0]].lower()
        assert side[:1] in lower, bone


def test_a_pole_for_an_elbow_is_no_forearm() -> None:
    names = ["hips", "head", *sided("L", "R", "elbow.@")]
    children = {0: list(range(1, 4))}
    for side in "LR":
        for limb in (("upperarm", "lowerarm", "hand"), ("thigh", "shin", "foot")):
            for above, part in zip((0, *range(len(names), len(names) + 2)), limb, strict=True):
                children.setdefault(above, []).append(len(names))
                names.append(f"{part}.{side}")
    nodes = [{"name": name, "children": children.get(n, [])} for n, name in enumerate(names)]
    found = find_humanoid({"nodes": nodes}, read_tree({"nodes": nodes}))
    assert [names[found[f"{side}LowerArm"]] for side in ("left", "right")] == [
        "lowerarm.L",
        "lowerarm.R",
    ]


def test_what_is_no_humanoid_is_none() -> None:
    assert not match(dict(enumerate(["Wheel_L", "Wheel_R", "Body", "Head", "Door_L"])))


@pytest.mark.parametrize("case", MESHOPT, ids=lambda case: str(case["name"]))
def test_meshopt_is_decoded_as_its_own_decoder_does(case: dict[str, Any]) -> None:
    packed, plain = (base64.b64decode(case[key]) for key in ("packed", "plain"))
    found = decode_view(packed, case)
    if case["filter"] in {"OCTAHEDRAL", "QUATERNION"}:  # exact to one unit in the last place
        kind = np.dtype("i1" if case["byteStride"] == 4 else "<i2")
        pair = [np.frombuffer(data, kind).astype(int) for data in (found, plain)]
        assert np.abs(pair[0] - pair[1]).max() <= 1
    else:
        assert found == plain


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xa0\x00", b"\xe1", b"\xff" * 40])
@pytest.mark.parametrize("mode", ["ATTRIBUTES", "TRIANGLES", "INDICES", "OTHER"])
def test_damaged_meshopt_is_said(data: bytes, mode: str) -> None:
    with pytest.raises(AvatarFileError):
        decode_view(data, {"count": 30, "byteStride": 4, "mode": mode})


@given(FACTORS, st.floats(0.5, 2.0))
def test_maps_meet_at_the_joints_and_give_the_lengths(
    found: dict[str, float], growth: float
) -> None:
    body = standing_body()
    factors = {key: factor * growth for key, factor in found.items()}
    plan = Plan(body=body, found=factors, growth=Growth(whole=growth), shift=np.zeros(3))
    placed = place(plan)
    for side, letter in (("left", "L"), ("right", "R")):
        for one, other, key in (
            ("UpperArm", "LowerArm", "upper_arm"),
            ("LowerArm", "Hand", "lower_arm"),
            ("UpperLeg", "LowerLeg", "upper_leg"),
            ("LowerLeg", "Foot", "lower_leg"),
        ):
            start, end = f"{side}{one}", f"{side}{other}"
            length = np.linalg.norm(placed.joints[end] - placed.joints[start])
            name = f"{key}_{letter}"
            assert length == pytest.approx(body.lengths[name] * factors[name])
            joint = body.points[end][None]
            for part in (start, end):
                if part in placed.maps:
                    assert placed.maps[part](joint)[0] == pytest.approx(
                        placed.joints[end], abs=1e-9
                    )
        for part, key in (("UpperArm", "shoulder_width"), ("UpperLeg", "hip_width")):
            bone = f"{side}{part}"
            joint, place_of = body.points[bone][None], placed.joints[bone]
            assert placed.bones[bone](joint)[0] == pytest.approx(place_of, abs=1e-9)
            if part == "UpperArm" or found[key] < 1.5:
                assert placed.maps["trunk"](joint)[0] == pytest.approx(place_of, abs=1e-6)


def wider(body: Body, key: str, factor: float) -> Placement:
    found = dict.fromkeys(KEYS, 1.0) | {key: factor}
    return place(Plan(body=body, found=found, growth=Growth(), shift=np.zeros(3)))


def test_a_body_whose_hip_joints_are_near_one_another_is_widened_evenly() -> None:
    body = standing_body()
    for side, sign in (("left", 1), ("right", -1)):
        body.points[f"{side}UpperLeg"][0] = 0.03 * sign
    near = measure_points(body.points)
    placed = wider(near, "hip_width", 3.5)
    across = np.array([[x, 0.9, 0.05] for x in np.linspace(-0.2, 0.2, 41)])
    for part in ("trunk", "leftUpperLeg", "rightUpperLeg"):
        widened = derivative(placed.maps[part], across, 1.7)[:, 0, 0]
        assert widened.max() < 1.6, part
    joints = placed.joints["leftUpperLeg"] - placed.joints["rightUpperLeg"]
    assert np.linalg.norm(joints) == pytest.approx(3.5 * 0.06)


def test_a_head_that_is_broader_than_the_shoulders_is_hardly_widened_with_them() -> None:
    body = standing_body()
    trunk = wider(body, "shoulder_width", 1.6).maps["trunk"]
    shoulder = body.points["leftUpperArm"]
    cheek = np.array([[0.3, body.points["head"][1], 0.1]])
    moved, with_shoulders = trunk(cheek)[0] - cheek[0], 0.6 * shoulder[0]
    assert 0 < moved[0] < 0.3 * with_shoulders
    assert moved[1:] == pytest.approx([0, 0])


def test_hips_that_are_near_one_another_do_not_widen_the_chest() -> None:
    trunk = Trunk(
        origin=np.zeros(3),
        moved=np.zeros(3),
        frame=np.array([[0, 1.0, 0], [1.0, 0, 0], [0, 0, -1.0]]),
        heights=np.array([0.0, 0.5]),
        new_heights=np.array([0.0, 0.5]),
        torso=0.5,
        widths=Widths(hips=0.04, shoulders=0.16, hips_shift=0.04, shoulders_shift=0.016),
        growth=1.0,
    )
    side = np.array([[0.2, up, 0.0] for up in (0.0, 0.25, 0.5)])
    hips, chest, shoulders = (trunk(side) - side)[:, 0]
    assert shoulders < chest < hips
    assert chest == pytest.approx((hips + shoulders) / 2, rel=0.1)


def test_a_stretch_fades_beyond_the_joints() -> None:
    stretch = Stretch(
        start=np.zeros(3), moved=np.zeros(3), along=np.array([0, -1.0, 0]), factor=2.0, growth=1.0
    )
    ends = stretch(np.array([[0, -1.0, 0], [0, -1.5, 0], [0, -2.0, 0], [0.1, -0.5, 0.2]]))
    assert ends[0] == pytest.approx([0, -2, 0])
    assert ends[2][1] - ends[1][1] == pytest.approx(-0.5, abs=0.02)
    assert ends[3] == pytest.approx([0.1, -1, 0.2])


def document_of(*spans: tuple[int, int]) -> dict[str, Any]:
    return {
        "buffers": [{"byteLength": 96}],
        "bufferViews": [{"buffer": 0, "byteOffset": 0, "byteLength": 96}],
        "accessors": [
            {
                "bufferView": 0,
                "byteOffset": start,
                "componentType": 5126,
                "count": count,
                "type": "VEC3",
                "min": [0, 0, 0],
                "max": [0, 0, 0],
            }
            for start, count in spans
        ],
    }


def test_numbers_of_ones_own_are_changed_in_place() -> None:
    store = Store(document_of((0, 4), (48, 4)), bytearray(96))
    store.put(1, np.arange(12.0).reshape(4, 3))
    assert len(store.binary) == 96
    assert not any(store.binary[:48])
    assert store.document["accessors"][1]["max"] == [9, 10, 11]


def test_shared_numbers_are_left_to_the_others() -> None:
    store = Store(document_of((0, 4), (12, 4)), bytearray(96))
    store.put(0, np.ones((4, 3)))
    assert not any(store.binary[:96])
    assert read_floats(store.document, store.binary, 0).tolist() == [[1, 1, 1]] * 4
    assert read_floats(store.document, store.binary, 1).tolist() == [[0, 0, 0]] * 4
