"""Avatars whose files are laid out as few are: unbound skins, shared keys, parts of their own."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pygltflib
import pytest
from support.avatar.avatars import JOINTS, Recipe, build
from support.avatar.estimates import ESTIMATES, assert_ratios
from support.avatar.fitted import Read
from support.avatar.glb import read_bytes

from avatarrig.avatar.errors import UnfitAvatarError
from avatarrig.avatar.fitting import Options, read_avatar
from avatarrig.avatar.fitting import fit as fit_avatar
from avatarrig.avatar.gltf.accessors import read_floats, read_raw
from avatarrig.avatar.gltf.container import Container, write_container
from avatarrig.avatar.gltf.storing import Store

ORDER = list(JOINTS)
FULL = Options(widths="full")


def fitted(whole: Container) -> Read:
    result = fit_avatar(read_avatar(whole, Path()), ESTIMATES, FULL)
    return Read(write_container(result.container))


def change(
    whole: Container, changes: list[tuple[int, np.ndarray]], added: list[tuple[str, np.ndarray]]
) -> tuple[Container, list[int]]:
    """Gives accessors new values and adds others; returns the numbers of the latter."""
    store = Store(whole.document, bytearray(whole.binary))
    for index, values in changes:
        store.put(index, values)
    numbers = [store.add(values, kind) for kind, values in added]
    return Container(document=store.document, binary=bytes(store.binary)), numbers


def bones() -> dict[str, int]:
    return {bone: number for number, bone in enumerate(ORDER)}


def test_a_skin_without_inverse_bind_matrices_has_none_afterwards() -> None:
    whole = read_bytes(build(Recipe()))
    hat = np.array([[0, 0.1, 0], [0.1, 0.1, 0], [0, 0.3, 0]])
    whole, (where, held, weights) = change(
        whole,
        [],
        [("VEC3", hat), ("VEC4", np.zeros((3, 4))), ("VEC4", np.tile([1.0, 0, 0, 0], (3, 1)))],
    )
    document = whole.document
    attributes = {"POSITION": where, "JOINTS_0": held, "WEIGHTS_0": weights}
    document["meshes"].append({"primitives": [{"attributes": attributes}]})
    document["skins"].append({"joints": [ORDER.index("head")]})
    document["nodes"].append({"name": "hat", "mesh": 1, "skin": 1})
    document["scenes"][0]["nodes"].append(len(document["nodes"]) - 1)
    after = fitted(whole)
    assert after.gltf.skins[1].inverseBindMatrices is None
    assert after.array(where) == pytest.approx(hat, abs=1e-6)


def test_a_body_that_is_stored_bone_by_bone_is_fitted_in_its_rest_pose() -> None:
    """Each vertex lies in its joint's own space, and nothing tells a bind pose."""
    whole = read_bytes(build(Recipe(arms_down=30, turned=True)))
    document, skin = whole.document, whole.document["skins"][0]
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    joints = read_raw(document, whole.binary, attributes["JOINTS_0"])
    binds = read_floats(document, whole.binary, skin.pop("inverseBindMatrices"))
    own = binds.reshape(-1, 4, 4).transpose(0, 2, 1)[joints[:, 0]]
    points = read_floats(document, whole.binary, attributes["POSITION"])
    points = np.einsum("nij,nj->ni", own[:, :3, :3], points) + own[:, :3, 3]
    del document["meshes"][0]["primitives"][0]["targets"]
    whole, _ = change(
        whole,
        [
            (attributes["POSITION"], points),
            (attributes["WEIGHTS_0"], np.tile([1.0, 0, 0, 0], (len(points), 1))),
        ],
        [],
    )
    before = Read(write_container(whole))
    after = fitted(whole)
    assert after.gltf.skins[0].inverseBindMatrices is None
    assert_ratios(after.lengths(bones()))
    rows = np.flatnonzero(joints[:, 0] == ORDER.index("leftLowerLeg"))
    lengths = [np.ptp(avatar.array(attributes["POSITION"])[rows, 1]) for avatar in (before, after)]
    shanks = [avatar.lengths(bones())["lower_leg_L"] for avatar in (before, after)]
    assert lengths[1] / lengths[0] == pytest.approx(shanks[1] / shanks[0], rel=0.01)


def keys_of(avatar: Read, channel: pygltflib.AnimationChannel) -> np.ndarray:
    return avatar.array(avatar.gltf.animations[0].samplers[channel.sampler].output)


def test_nodes_that_share_a_track_get_each_its_own() -> None:
    whole = read_bytes(build(Recipe()))
    animation = whole.document["animations"][0]
    elbow = animation["channels"][0]["target"]["node"]
    knee, ankle = ORDER.index("leftLowerLeg"), ORDER.index("leftFoot")
    nodes = whole.document["nodes"]
    nodes[ankle]["translation"] = nodes[knee]["translation"] = [0, -0.42, 0]
    whole, (track,) = change(whole, [], [("VEC3", np.tile([0, -0.42, 0], (2, 1)))])
    shared = dict(animation["samplers"][0]) | {"output": track}
    animation["samplers"] += [shared, dict(shared)]
    animation["channels"] += [
        {"sampler": number, "target": {"node": node, "path": path}}
        for number, node, path in (
            (2, knee, "translation"),
            (2, ankle, "translation"),
            (3, ankle, "translation"),
            (3, ORDER.index("head"), "scale"),
        )
    ]
    after = fitted(whole)
    assert len(after.gltf.animations[0].channels) == len(animation["channels"])
    resting = [
        c for c in after.gltf.animations[0].channels if c.target.node in {elbow, knee, ankle}
    ]
    assert len(resting) > len({c.target.node for c in resting})
    for channel in resting:
        rest = after.gltf.nodes[channel.target.node].translation
        assert keys_of(after, channel)[0] == pytest.approx(rest, abs=1e-5)
    scale = after.gltf.animations[0].channels[-1]
    assert keys_of(after, scale) == pytest.approx(np.tile([0, -0.42, 0], (2, 1)))
    assert after.gltf.nodes[knee].translation != pytest.approx(
        after.gltf.nodes[ankle].translation, rel=0.01
    )


def test_keys_rest_on_an_offset_that_is_next_to_nothing() -> None:
    whole = read_bytes(build(Recipe()))
    nodes, animation = whole.document["nodes"], whole.document["animations"][0]
    tiny = np.array([0, 5e-9, 0])
    nodes.append({"name": "control", "translation": tiny.tolist()})
    nodes[ORDER.index("chest")]["children"].append(len(nodes) - 1)
    whole, (track,) = change(whole, [], [("VEC3", np.tile(tiny, (2, 1)))])
    animation["samplers"].append(dict(animation["samplers"][0]) | {"output": track})
    target = {"node": len(nodes) - 1, "path": "translation"}
    animation["channels"].append({"sampler": len(animation["samplers"]) - 1, "target": target})
    after = fitted(whole)
    rest = after.gltf.nodes[target["node"]].translation
    assert keys_of(after, after.gltf.animations[0].channels[-1])[0] == pytest.approx(rest, rel=1e-3)


def test_an_arm_that_is_a_part_of_its_own_keeps_its_shape_behind_the_joint() -> None:
    whole = read_bytes(build(Recipe(rigid=True)))
    arm = ORDER.index("leftUpperArm")
    mesh = whole.document["meshes"][arm]["primitives"][0]["attributes"]["POSITION"]
    points = read_floats(whole.document, whole.binary, mesh)
    length = np.ptp(points[:, 0])
    points[:, 0] = 1.5 * points[:, 0] - 0.5 * length  # half of it lies behind the shoulder
    whole, _ = change(whole, [(mesh, points)], [])
    before = Read(write_container(whole))
    after = fitted(whole)
    places = []
    for avatar in (before, after):
        own = avatar.array(mesh)[:, 0]
        places.append(own / avatar.lengths(bones())["upper_arm_L"])
    assert places[1] == pytest.approx(places[0], abs=0.02)


def test_a_mesh_that_does_not_lie_where_its_bones_are_is_refused() -> None:
    whole = read_bytes(build(Recipe()))
    attributes = whole.document["meshes"][0]["primitives"][0]["attributes"]
    points = read_floats(whole.document, whole.binary, attributes["POSITION"])
    half = np.linspace(0, 1, len(points)) > 0.5
    thigh_and_shank = [ORDER.index("leftUpperLeg"), ORDER.index("leftLowerLeg"), 0, 0]
    whole, _ = change(
        whole,
        [
            (attributes["POSITION"], 0.02 * points + [0, 5, 0]),
            (attributes["JOINTS_0"], np.tile(thigh_and_shank, (len(points), 1))),
            (attributes["WEIGHTS_0"], np.stack([half, ~half, 0 * half, 0 * half], axis=1)),
        ],
        [],
    )
    with pytest.raises(UnfitAvatarError, match="does not lie where its bones are"):
        fitted(whole)


def test_limbs_that_are_as_they_were_bound_stay_so_where_others_are_scaled() -> None:
    whole = read_bytes(build(Recipe()))
    whole.document["nodes"][ORDER.index("chest")]["scale"] = [1.2, 1.2, 1.2]
    after = fitted(whole)
    for key in ("upper_leg_L", "lower_leg_R"):
        shown, bound = (after.lengths(bones(), bind=bind)[key] for bind in (False, True))
        assert shown == pytest.approx(bound, rel=1e-3)


def test_a_triangle_that_weights_at_fault_would_tear_is_drawn_together() -> None:
    """One vertex in the middle of a forearm is a shank's."""
    whole = read_bytes(build(Recipe()))
    primitive = whole.document["meshes"][0]["primitives"][0]
    attributes = primitive["attributes"]
    held = read_raw(whole.document, whole.binary, attributes["JOINTS_0"])
    forearm = np.flatnonzero(held[:, 0] == ORDER.index("leftLowerArm"))
    held[forearm[len(forearm) // 2], 0] = ORDER.index("leftLowerLeg")
    whole, _ = change(whole, [(attributes["JOINTS_0"], held.astype(float))], [])
    avatar = read_avatar(whole, Path())
    long_legs = ESTIMATES | {f"upper_leg_{side}": 1.8 for side in "LR"}
    found = fit_avatar(avatar, long_legs, FULL)
    faces = read_raw(whole.document, whole.binary, primitive["indices"]).reshape(-1, 3)
    before, after = (
        np.linalg.norm(points[faces] - points[np.roll(faces, 1, axis=1)], axis=2)
        for points in (avatar.surfaces[0].points, found.points[0])
    )
    assert (after / before).max() < 2.1 * max(found.factors.values())
    hands = avatar.surfaces[0].weight_of(("leftHand", "head")) > 0.99
    shift = found.points[0][hands] - avatar.surfaces[0].points[hands]
    assert len(np.unique(np.round(shift, 6), axis=0)) == len(("leftHand", "head"))


def test_hips_that_become_far_wider_have_their_joints_where_they_belong() -> None:
    avatar = read_avatar(read_bytes(build(Recipe(turned=True))), Path())
    found = fit_avatar(avatar, ESTIMATES | {"hip_width": 2.0}, FULL)
    lengths = Read(write_container(found.container)).lengths(bones())
    assert lengths["hip_width"] / lengths["shoulder_width"] == pytest.approx(2.0, rel=0.005)


def test_hips_beside_the_spine_are_moved_by_the_joint_that_both_hang_on() -> None:
    whole = read_bytes(build(Recipe()))
    nodes, hips, spine = whole.document["nodes"], ORDER.index("hips"), ORDER.index("spine")
    place = nodes[hips]["translation"]
    nodes.append({"name": "Bip001", "translation": place, "children": [hips, spine]})
    (armature,) = (node for node in nodes if node.get("children") == [hips])
    armature["children"] = [len(nodes) - 1]
    nodes[hips] |= {"translation": [0, 0, 0]}
    nodes[hips]["children"].remove(spine)
    skin = whole.document["skins"][0]
    binds = read_floats(whole.document, whole.binary, skin["inverseBindMatrices"])
    skin["joints"].append(len(nodes) - 1)
    both = np.concatenate([binds, binds[hips, None]])
    whole, (skin["inverseBindMatrices"],) = change(whole, [], [("MAT4", both)])
    assert_ratios(fitted(whole).lengths(bones()))


def test_a_joint_that_holds_nothing_tells_nothing_of_the_bind_pose() -> None:
    """Some exporters write centimetres for what holds the mesh, and ones for all others."""
    whole = read_bytes(build(Recipe()))
    nodes, skin = whole.document["nodes"], whole.document["skins"][0]
    (armature,) = (node for node in nodes if node.get("children") == [ORDER.index("hips")])
    armature["children"] = [len(nodes)]
    nodes.append({"name": "_rootJoint", "children": [ORDER.index("hips")]})
    attributes = whole.document["meshes"][0]["primitives"][0]["attributes"]
    points = read_floats(whole.document, whole.binary, attributes["POSITION"])
    binds = read_floats(whole.document, whole.binary, skin["inverseBindMatrices"])
    binds = binds.reshape(-1, 4, 4)
    binds[:, :3] *= 0.01
    held = read_raw(whole.document, whole.binary, attributes["JOINTS_0"]).astype(float)
    for empty in map(ORDER.index, ("hips", "chest")):
        binds[empty] = np.eye(4)
        held[held == empty] = ORDER.index("spine")
    skin["joints"].append(len(nodes) - 1)
    both = np.concatenate([binds, np.eye(4)[None]]).reshape(-1, 16)
    changes = [(attributes["POSITION"], 100 * points), (attributes["JOINTS_0"], held)]
    whole, (skin["inverseBindMatrices"],) = change(whole, changes, [("MAT4", both)])
    wanted = ESTIMATES | {"torso_length": 0.9, "upper_leg_L": 1.8, "upper_leg_R": 1.8}
    found = fit_avatar(read_avatar(whole, Path()), wanted, FULL)
    before, after = (Read(write_container(file)) for file in (whole, found.container))
    for end in (np.min, np.max):
        assert end(after.mesh()[:, 1]) == pytest.approx(end(before.mesh()[:, 1]), abs=0.01)
    lengths = after.lengths(bones())
    for key in ("torso_length", "upper_leg_L"):
        ratio = lengths[key] / lengths["shoulder_width"]
        assert ratio == pytest.approx(wanted[key], rel=0.005)


def test_matrices_that_end_nearly_as_they_must_end_so_afterwards() -> None:
    """Packed files hold them so, and nobody's validator looks into those."""
    whole = read_bytes(build(Recipe()))
    index = whole.document["skins"][0]["inverseBindMatrices"]
    binds = read_floats(whole.document, whole.binary, index).reshape(-1, 16)
    binds[:, 15] = np.nextafter(np.float32(1), np.float32(0))
    whole, _ = change(whole, [(index, binds)], [])
    after = fitted(whole)
    written = after.array(after.gltf.skins[0].inverseBindMatrices)
    assert np.array_equal(written[:, [3, 7, 11, 15]], np.tile([0, 0, 0, 1], (len(written), 1)))


def test_a_mesh_that_bones_move_has_no_offset_of_its_own_afterwards_either() -> None:
    whole = read_bytes(build(Recipe()))
    nodes, scene = whole.document["nodes"], whole.document["scenes"][0]
    (mesh,) = (number for number, node in enumerate(nodes) if "skin" in node)
    armature = next(node for node in nodes if node.get("name") == "Armature")
    scene["nodes"] = [number for number in scene["nodes"] if number != mesh]
    armature["children"].append(mesh)
    armature["scale"] = [1e-5, 1e-5, 1e-5]
    turn = [0.1, math.sin(0.3), 0.2, math.cos(0.3)]
    nodes.append({"rotation": turn, "translation": [1.1, 0.3, 2.7], "children": scene["nodes"]})
    nodes.append({"scale": [1e5, 1e5, 1e5], "children": [len(nodes) - 1]})
    scene["nodes"] = [len(nodes) - 1]
    shown = dict(nodes[mesh])
    result = fit_avatar(read_avatar(whole, Path()), ESTIMATES, FULL)
    assert result.container.document["nodes"][mesh] == shown
