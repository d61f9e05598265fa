"""Avatars of others' making become those of a person, as others' libraries read them."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from support.avatar.avatars import JOINTS, SCHEMES, Recipe, build, name_of
from support.avatar.estimates import ESTIMATES, LIMBS, assert_ratios
from support.avatar.fitted import Read, scene
from support.avatar.glb import read_bytes

from avatarrig.avatar.errors import AvatarFileError, UnfitAvatarError
from avatarrig.avatar.fitting import Options, read_avatar
from avatarrig.avatar.fitting import fit as fit_avatar
from avatarrig.avatar.gltf.container import write_container
from avatarrig.cli.commands.fit import fit


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    document = {"estimates": ESTIMATES, "stats": {}, "subject": "Anna"}
    (folder / "skeleton_estimate.json").write_text(json.dumps(document))
    return folder


def fitted(run: Path, data: bytes, *arguments: str, suffix: str = ".glb") -> tuple[Result, Path]:
    source, target = run / f"avatar{suffix}", run / f"out{suffix}"
    source.write_bytes(data)
    command = [str(source), "--run", str(run), "--out", str(target), *arguments]
    return CliRunner().invoke(fit, command), target


def read_back(
    run: Path, recipe: Recipe, *arguments: str, suffix: str = ".glb"
) -> tuple[Read, Read]:
    data = build(recipe)
    done, target = fitted(run, data, *arguments, suffix=suffix)
    assert done.exit_code == 0, done.output
    return Read(data), Read(target.read_bytes())


def bones_of(avatar: Read, scheme: str) -> dict[str, int]:
    names = {bone: name_of(bone, scheme) for bone in JOINTS}
    known = {node.name: index for index, node in enumerate(avatar.gltf.nodes)}
    return {bone: known[name] for bone, name in names.items() if name in known}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_bones_are_found_by_the_names_of_each_program(run: Path, scheme: str) -> None:
    _, after = read_back(run, Recipe(scheme=scheme), "--widths", "full")
    assert_ratios(after.lengths(bones_of(after, scheme)))


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(turned=True),
        Recipe(arms_down=40),
        Recipe(arms_down=35, turned=True, twist=True),
        Recipe(unit=100.0),
        Recipe(interleaved=True),
        Recipe(vrm="0.x", scheme="vroid"),
        Recipe(vrm="1.0", scheme="none", turned=True),
    ],
    ids=["turned", "A-pose", "twist bone", "centimetres", "interleaved", "VRM 0.x", "VRM 1.0"],
)
def test_ratios_hold_whatever_the_layout(run: Path, recipe: Recipe) -> None:
    before, after = read_back(run, recipe, "--widths", "full")
    bones = bones_of(after, recipe.scheme)
    assert_ratios(after.lengths(bones))
    assert_ratios(after.lengths(bones, bind=True))
    points, moved = before.mesh(), after.mesh()
    assert moved[:, 1].min() == pytest.approx(points[:, 1].min(), abs=2e-3)
    assert np.ptp(moved[:, 1]) == pytest.approx(np.ptp(points[:, 1]), rel=1e-3)
    for bone, node in bones.items():
        turn = before.world(node)[:3, :3], after.world(node)[:3, :3]
        assert turn[0] == pytest.approx(turn[1], abs=1e-4), bone


def test_head_hands_and_feet_keep_their_shape(run: Path) -> None:
    before, after = read_back(run, Recipe(arms_down=30), "--widths", "full")
    joints = before.array(before.gltf.meshes[0].primitives[0].attributes.JOINTS_0)[:, 0]
    weights = before.array(before.gltf.meshes[0].primitives[0].attributes.WEIGHTS_0)[:, 0]
    points, moved = before.mesh(), after.mesh()
    order = list(JOINTS)
    for bone in ("head", "leftHand", "rightFoot"):
        own = (joints == order.index(bone)) & (weights > 0.999)
        shift = moved[own] - points[own]
        assert np.ptp(shift, axis=0) == pytest.approx([0, 0, 0], abs=1e-4), bone


def test_a_file_saved_in_a_pose_is_fitted_in_both_poses_and_says_so(run: Path) -> None:
    data = build(Recipe(posed=True))
    done, target = fitted(run, data, "--widths", "full")
    assert "another pose" in done.output
    after = Read(target.read_bytes())
    bones = bones_of(after, "mixamo")
    assert_ratios(after.lengths(bones, bind=True))
    assert_ratios(after.lengths(bones), LIMBS)


def test_the_soles_of_a_file_saved_sitting_keep_their_level_and_both_poses_the_hips_offset(
    run: Path,
) -> None:
    whole = read_bytes(build(Recipe()))
    order = list(JOINTS)
    for side in ("left", "right"):
        for part, half_turn in (("UpperLeg", -0.5), ("LowerLeg", 0.5)):
            node = whole.document["nodes"][order.index(f"{side}{part}")]
            node["rotation"] = [half_turn, 0, 0, math.sqrt(0.75)]
    data = write_container(whole)
    done, target = fitted(run, data, "--widths", "full")
    assert done.exit_code == 0, done.output
    before, after = Read(data), Read(target.read_bytes())
    lowest = [avatar.mesh()[:, 1].min() for avatar in (before, after)]
    assert lowest[1] == pytest.approx(lowest[0], abs=2e-3)
    skin, hips = after.gltf.skins[0], bones_of(after, "mixamo")["hips"]
    inverse = after.array(skin.inverseBindMatrices).reshape(-1, 4, 4).transpose(0, 2, 1)
    bound = np.linalg.inv(inverse[skin.joints.index(hips)].astype(float))
    assert after.world(hips)[:3, 3] == pytest.approx(bound[:3, 3], abs=1e-4)


def test_own_ratios_change_nothing_that_can_be_seen(run: Path) -> None:
    own = Read(build(Recipe()))
    lengths = own.lengths(bones_of(own, "mixamo"))
    estimates = {key: value / lengths["shoulder_width"] for key, value in lengths.items()}
    (run / "skeleton_estimate.json").write_text(json.dumps({"estimates": estimates}))
    before, after = read_back(run, Recipe(), "--widths", "full")
    assert after.mesh() == pytest.approx(before.mesh(), abs=1e-5)


def test_nothing_else_changes(run: Path) -> None:
    before, after = read_back(run, Recipe(vrm="1.0", scheme="vroid"), suffix=".vrm")
    primitives = [avatar.gltf.meshes[0].primitives[0] for avatar in (before, after)]
    for name in ("JOINTS_0", "WEIGHTS_0"):
        one, other = (
            avatar.array(getattr(primitive.attributes, name))
            for avatar, primitive in zip((before, after), primitives, strict=True)
        )
        assert np.array_equal(one, other)
    assert after.gltf.asset.extras == {"kept": [1, 2.5, "as it is"]}
    assert after.gltf.materials == before.gltf.materials
    assert [n.name for n in after.gltf.nodes] == [n.name for n in before.gltf.nodes]
    human = [avatar.gltf.extensions["VRMC_vrm"] for avatar in (before, after)]
    assert human[0] == human[1]


def test_keys_that_rest_on_a_bone_rest_on_it_still(run: Path) -> None:
    before, after = read_back(run, Recipe())
    for avatar in (before, after):
        animation = avatar.gltf.animations[0]
        for channel in animation.channels:
            keys = avatar.array(animation.samplers[channel.sampler].output)
            rest = avatar.gltf.nodes[channel.target.node].translation
            assert keys[0] == pytest.approx(rest, abs=1e-5)
    hips = [
        avatar.array(avatar.gltf.animations[0].samplers[1].output) for avatar in (before, after)
    ]
    travel = [np.ptp(keys[:, 2]) for keys in hips]
    lengths = [avatar.lengths(bones_of(avatar, "mixamo")) for avatar in (before, after)]
    legs = [own["upper_leg_L"] + own["lower_leg_L"] for own in lengths]
    assert travel[1] / travel[0] == pytest.approx(legs[1] / legs[0], rel=1e-3)


def test_colliders_go_along_and_keep_their_girth(run: Path) -> None:
    data = build(Recipe(vrm="0.x", scheme="vroid"))
    done, target = fitted(run, data, suffix=".vrm")
    assert done.exit_code == 0, done.output
    before, after = Read(data), Read(target.read_bytes())
    groups = [
        avatar.gltf.extensions["VRM"]["secondaryAnimation"]["colliderGroups"][0]["colliders"][0]
        for avatar in (before, after)
    ]
    lengths = [avatar.lengths(bones_of(avatar, "vroid")) for avatar in (before, after)]
    stretch = lengths[1]["upper_arm_L"] / lengths[0]["upper_arm_L"]
    assert groups[1]["offset"]["x"] == pytest.approx(groups[0]["offset"]["x"] * stretch, rel=1e-3)
    assert groups[1]["offset"]["z"] == groups[0]["offset"]["z"]
    assert groups[1]["radius"] == groups[0]["radius"]


def test_blend_shapes_of_the_head_stay(run: Path) -> None:
    before, after = read_back(run, Recipe())
    one, other = (
        avatar.array(avatar.gltf.meshes[0].primitives[0].targets[0]["POSITION"])
        for avatar in (before, after)
    )
    assert np.abs(one).max() > 0.005
    assert other == pytest.approx(one, abs=1e-6)


def test_meshes_that_hang_on_bones_are_fitted(run: Path) -> None:
    recipe = Recipe(rigid=True)
    done, target = fitted(run, build(recipe), "--widths", "full")
    assert done.exit_code == 0, done.output
    after = Read(target.read_bytes())
    bones = bones_of(after, "mixamo")
    assert_ratios(after.lengths(bones))
    # The forearm's own mesh reaches from its joint to the hand, as another library shows it.
    shown = scene(target.read_bytes())
    names = [after.gltf.nodes[bones[bone]].name for bone in ("leftLowerArm", "leftHand")]
    forearm = next(
        shown.geometry[shown.graph[name][1]]
        for name in shown.graph.nodes_geometry
        if name == names[0]
    ).copy()
    forearm.apply_transform(shown.graph[names[0]][0])
    elbow, wrist = (after.world(bones[bone])[0, 3] for bone in ("leftLowerArm", "leftHand"))
    assert forearm.bounds[:, 0] == pytest.approx([elbow, wrist], abs=0.01)


def test_bones_that_share_a_mesh_get_their_own_where_it_changes(run: Path) -> None:
    whole = read_bytes(build(Recipe(rigid=True)))
    head = list(JOINTS).index("head")
    for node in whole.document["nodes"]:
        if "mesh" in node:
            node["mesh"] = head
    before = write_container(whole)
    done, target = fitted(run, before, "--widths", "full")
    assert done.exit_code == 0, done.output
    one, other = Read(before), Read(target.read_bytes())
    nodes = bones_of(other, "mixamo")
    for bone, same in (("head", True), ("leftHand", True), ("leftLowerArm", False)):
        points = [
            avatar.array(
                avatar.gltf.meshes[avatar.gltf.nodes[nodes[bone]].mesh]
                .primitives[0]
                .attributes.POSITION
            )
            for avatar in (one, other)
        ]
        assert bool(np.abs(points[1] - points[0]).max() < 1e-6) is same, bone


def test_a_height_is_reached(run: Path) -> None:
    _, after = read_back(run, Recipe(unit=100.0), "--height", "5'8\"")
    assert np.ptp(after.mesh()[:, 1]) == pytest.approx(1.7272, rel=2e-3)


def test_a_body_that_lies_keeps_its_length(run: Path) -> None:
    whole = read_bytes(build(Recipe()))
    top = next(node for node in whole.document["nodes"] if node.get("name") == "Armature")
    top["rotation"] = [math.sqrt(0.5), 0, 0, math.sqrt(0.5)]
    data = write_container(whole)
    done, target = fitted(run, data, "--widths", "full")
    assert done.exit_code == 0, done.output
    before, after = Read(data).mesh(), Read(target.read_bytes()).mesh()
    assert np.ptp(before[:, 2]) > 1.5
    assert np.ptp(after[:, 2]) == pytest.approx(np.ptp(before[:, 2]), rel=1e-3)


def test_widths_are_bounded_unless_asked(run: Path) -> None:
    before, after = read_back(run, Recipe())
    one, other = (avatar.lengths(bones_of(avatar, "mixamo")) for avatar in (before, after))
    for key in ("shoulder_width", "hip_width"):
        assert 0.85 - 1e-6 <= other[key] / one[key] <= 1.15 + 1e-6
    for key in LIMBS:
        ratio = ESTIMATES[key] / ESTIMATES["torso_length"]
        assert other[key] / other["torso_length"] == pytest.approx(ratio, rel=0.005)
    _, kept = read_back(run, Recipe(), "--widths", "keep")
    lengths = kept.lengths(bones_of(kept, "mixamo"))
    assert lengths["hip_width"] == pytest.approx(one["hip_width"], rel=1e-4)


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (Recipe(left_out=frozenset({"leftHand", "rightHand"})), "leftHand"),
        (Recipe(scheme="none"), "not found"),
    ],
)
def test_an_avatar_without_needed_bones_is_refused_with_a_map_to_fill_in(
    run: Path, recipe: Recipe, words: str
) -> None:
    done, target = fitted(run, build(recipe))
    assert done.exit_code == 2
    assert words in done.output
    assert '"leftUpperArm"' in done.output
    assert '"_nodes"' in done.output
    assert not target.exists()


def call_twice(nodes: list[dict[str, Any]]) -> None:
    order = list(JOINTS)
    nodes[order.index("leftToes")]["name"] = nodes[order.index("leftHand")]["name"]


def hang_a_foot_on_the_root(nodes: list[dict[str, Any]]) -> None:
    foot = list(JOINTS).index("leftFoot")
    (shank,) = (node for node in nodes if foot in node.get("children", []))
    shank["children"].remove(foot)
    next(node for node in nodes if node["name"] == "Armature")["children"].append(foot)


def skin_nothing(nodes: list[dict[str, Any]]) -> None:
    for node in nodes:
        node.pop("skin", None)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (call_twice, "leftHand is found more than once"),
        (hang_a_foot_on_the_root, "does not hang on leftLowerLeg"),
        (skin_nothing, "nothing of the body follows the bones"),
    ],
)
def test_an_avatar_whose_bones_do_not_hold_it_is_refused_with_a_map_to_fill_in(
    run: Path, damage: Callable[[list[dict[str, Any]]], None], words: str
) -> None:
    whole = read_bytes(build(Recipe()))
    damage(whole.document["nodes"])
    done, target = fitted(run, write_container(whole))
    assert done.exit_code == 2
    assert words in done.output
    assert '"_nodes"' in done.output
    assert not target.exists()


def test_a_map_says_which_node_is_which_bone(run: Path) -> None:
    mapping = run / "map.json"
    mapping.write_text(json.dumps({bone: name_of(bone, "none") for bone in JOINTS}))
    _, after = read_back(run, Recipe(scheme="none"), "--map", str(mapping), "--widths", "full")
    assert_ratios(after.lengths(bones_of(after, "none")))
    mapping.write_text(json.dumps({"hips": "nobody"}))
    done, _ = fitted(run, build(Recipe(scheme="none")), "--map", str(mapping))
    assert done.exit_code == 2
    assert "no such node" in done.output


def test_a_dry_run_shows_what_was_found_and_writes_nothing(run: Path) -> None:
    done, target = fitted(run, build(Recipe()), "--dry-run")
    assert done.exit_code == 0, done.output
    assert "mixamorig:LeftForeArm" in done.output
    rows = [line.split() for line in done.output.splitlines()]
    (thighs,) = (row for row in rows if row[:1] == ["thighs"])
    assert len(thighs) == len(["thighs", "factor", "before", "->", "after"])
    assert not target.exists()


@pytest.mark.parametrize(
    ("version", "meta"),
    [("1.0", {"modification": "prohibited"}), ("0.x", {"licenseName": "CC_BY_ND"})],
)
def test_an_avatar_that_nobody_may_change_is_written_for_private_use_alone(
    run: Path, version: str, meta: dict[str, Any]
) -> None:
    data = build(Recipe(vrm=version, scheme="vroid", meta=meta))
    done, target = fitted(run, data, suffix=".vrm")
    assert done.exit_code == 2
    assert "--private-use" in done.output
    assert not target.exists()
    done, target = fitted(run, data, "--private-use", suffix=".vrm")
    assert done.exit_code == 0, done.output
    key = "VRMC_vrm" if version == "1.0" else "VRM"
    kept = Read(target.read_bytes()).gltf.extensions[key]["meta"]
    assert kept == Read(data).gltf.extensions[key]["meta"]


@pytest.mark.parametrize(
    "data",
    [b"", b"not a GLB at all", build(Recipe())[:5000], b"glTF\x01\0\0\0\x0c\0\0\0"],
    ids=["empty", "text", "cut off", "glTF 1"],
)
def test_what_is_no_avatar_is_said(run: Path, data: bytes) -> None:
    done, target = fitted(run, data)
    assert done.exit_code == 2
    assert "avatar.glb" in done.output
    assert not target.exists()


def test_what_is_damaged_in_an_avatar_is_said_with_its_name(run: Path) -> None:
    whole = read_bytes(build(Recipe()))
    del whole.document["nodes"]
    done, target = fitted(run, write_container(whole))
    assert done.exit_code == 2
    assert f"{run / 'avatar.glb'}: the avatar is no valid glTF" in done.output
    assert not target.exists()


TEXTURED: dict[str, dict[str, Any]] = {
    "no such texture": {"textures": []},
    "no picture": {"textures": [{"source": 0}]},
    "an empty picture": {
        "textures": [{"source": 0}],
        "images": [{"bufferView": 0}],
        "bufferViews": [{"buffer": 0, "byteLength": 0}],
    },
}


@pytest.mark.parametrize("wrong", TEXTURED)
def test_an_avatar_is_fitted_though_its_texture_is_damaged(run: Path, wrong: str) -> None:
    whole = read_bytes(build(Recipe()))
    document, said = whole.document, dict(TEXTURED[wrong])
    views = said.pop("bufferViews", [])
    document["bufferViews"] += views
    document |= said
    for image in document.get("images", []):
        image["bufferView"] = len(document["bufferViews"]) - 1
    (primitive,) = document["meshes"][0]["primitives"]
    primitive["attributes"]["TEXCOORD_0"] = primitive["attributes"]["NORMAL"]
    surface = document["materials"][0]["pbrMetallicRoughness"]
    surface["baseColorTexture"] = {"index": 0}
    done, target = fitted(run, write_container(whole))
    assert done.exit_code == 0, done.output
    assert target.with_name("out-before-after.png").is_file()


def test_triangles_of_vertices_that_are_not_there_are_said(run: Path) -> None:
    whole = read_bytes(build(Recipe()))
    index = whole.document["meshes"][0]["primitives"][0]["indices"]
    view = whole.document["bufferViews"][whole.document["accessors"][index]["bufferView"]]
    binary = bytearray(whole.binary)
    binary[view["byteOffset"] : view["byteOffset"] + 2] = b"\xff\xff"
    broken = msgspec.structs.replace(whole, binary=bytes(binary))
    done, _ = fitted(run, write_container(broken))
    assert done.exit_code == 2
    assert "avatar.glb" in done.output


def test_an_avatar_is_given_no_file_from_elsewhere(run: Path) -> None:
    whole = read_bytes(build(Recipe()))
    (run.parent / "numbers.bin").write_bytes(whole.binary)
    (run / "numbers.bin").write_bytes(whole.binary)
    for uri, code in (("numbers.bin", 0), ("../numbers.bin", 2), ("/dev/zero", 2), (".", 2)):
        whole.document["buffers"][0]["uri"] = uri
        without = msgspec.structs.replace(whole, binary=b"")
        done, _ = fitted(run, write_container(without))
        assert done.exit_code == code, done.output


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_damaged_document_is_fitted_or_refused_in_words(data: st.DataObject) -> None:
    whole = read_bytes(build(Recipe(vrm="1.0", scheme="vroid")))
    holder, key = data.draw(st.sampled_from(places_in(whole.document)))
    damage: st.SearchStrategy[object] = st.sampled_from(
        [None, -1, 0, 10**9, "x", [], {}, [1, 2], 0.5, float("nan"), True]
    )
    if isinstance(holder, dict) and data.draw(st.booleans()):
        del holder[key]
    else:
        holder[key] = data.draw(damage)
    with contextlib.suppress(AvatarFileError, UnfitAvatarError):  # whose messages are for people
        fit_avatar(read_avatar(whole, Path()), ESTIMATES, Options(widths="full"))


def places_in(part: dict[str, Any] | list[Any]) -> list[tuple[Any, Any]]:
    """All containers of a document and their keys."""
    inner: list[tuple[Any, Any]] = list(part.items() if isinstance(part, dict) else enumerate(part))
    found: list[tuple[Any, Any]] = [(part, key) for key, _ in inner]
    for _, value in inner:
        if isinstance(value, dict | list):
            found += places_in(value)
    return found


def test_the_estimate_of_another_person_is_not_used(run: Path) -> None:
    done, _ = fitted(run, build(Recipe()), "--subject", "Bert")
    assert done.exit_code == 1
    assert "Anna" in done.output


def test_the_run_whose_estimate_is_of_no_person_is_named(run: Path) -> None:
    document = {"estimates": {**ESTIMATES, "torso_length": -1.0}, "stats": {}}
    (run / "skeleton_estimate.json").write_text(json.dumps(document))
    done, _ = fitted(run, build(Recipe()))
    assert done.exit_code == 1
    assert f"{run}: the estimate holds a length that no person has" in done.output


def test_a_picture_of_before_and_after_lies_beside_the_file(run: Path) -> None:
    _, target = fitted(run, build(Recipe()))
    picture = target.with_name("out-before-after.png").read_bytes()
    assert picture[1:4] == b"PNG"
    assert len(picture) > 5000


def test_the_avatar_itself_is_never_overwritten(run: Path) -> None:
    source = run / "avatar.glb"
    source.write_bytes(build(Recipe()))
    done = CliRunner().invoke(fit, [str(source), "--run", str(run), "--out", str(source)])
    assert done.exit_code == 2
    assert source.read_bytes() == build(Recipe())
