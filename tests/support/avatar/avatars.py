"""Small avatars made by code: humanoids of tubes, in many programs' names and layouts."""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np

JOINTS: dict[str, tuple[str | None, tuple[float, float, float]]] = {
    "hips": (None, (0, 0.95, 0)),
    "spine": ("hips", (0, 1.05, 0)),
    "chest": ("spine", (0, 1.2, 0)),
    "neck": ("chest", (0, 1.45, 0)),
    "head": ("neck", (0, 1.53, 0)),
    **{
        f"{side}{part}": (
            parent if parent in {"chest", "hips"} else f"{side}{parent}",
            (sign * x, y, z),
        )
        for side, sign in (("left", 1), ("right", -1))
        for part, parent, (x, y, z) in (
            ("Shoulder", "chest", (0.03, 1.4, 0)),
            ("UpperArm", "Shoulder", (0.16, 1.4, 0)),
            ("LowerArm", "UpperArm", (0.42, 1.4, 0)),
            ("Hand", "LowerArm", (0.66, 1.4, 0)),
            ("UpperLeg", "hips", (0.09, 0.92, 0)),
            ("LowerLeg", "UpperLeg", (0.09, 0.5, 0)),
            ("Foot", "LowerLeg", (0.09, 0.08, 0)),
            ("Toes", "Foot", (0.09, 0.02, 0.12)),
        )
    },
}
"""Parent and place of each joint, in T-pose, metres."""

ENDS = {"head": (0, 1.75, 0.0), "leftHand": (0.82, 1.4, 0.0), "rightHand": (-0.82, 1.4, 0.0)}
ENDS |= {f"{side}Toes": (sign * 0.09, 0.0, 0.2) for side, sign in (("left", 1), ("right", -1))}
GIRTH = {"hips": 0.13, "spine": 0.12, "chest": 0.13, "head": 0.09, "UpperLeg": 0.07}

_MIXAMO = {
    "hips": "Hips",
    "spine": "Spine",
    "chest": "Spine1",
    "neck": "Neck",
    "head": "Head",
    "Shoulder": "Shoulder",
    "UpperArm": "Arm",
    "LowerArm": "ForeArm",
    "Hand": "Hand",
    "UpperLeg": "UpLeg",
    "LowerLeg": "Leg",
    "Foot": "Foot",
    "Toes": "ToeBase",
}
_UNREAL = {
    "hips": "pelvis",
    "spine": "spine_01",
    "chest": "spine_02",
    "neck": "neck_01",
    "Shoulder": "clavicle",
    "UpperArm": "upperarm",
    "LowerArm": "lowerarm",
    "Hand": "hand",
    "UpperLeg": "thigh",
    "LowerLeg": "calf",
    "Foot": "foot",
    "Toes": "ball",
}
_RIGIFY = {
    "hips": "DEF-spine",
    "spine": "DEF-spine.001",
    "chest": "DEF-spine.002",
    "neck": "DEF-spine.004",
    "head": "DEF-spine.006",
    "Shoulder": "DEF-shoulder",
    "UpperArm": "DEF-upper_arm",
    "LowerArm": "DEF-forearm",
    "Hand": "DEF-hand",
    "UpperLeg": "DEF-thigh",
    "LowerLeg": "DEF-shin",
    "Foot": "DEF-foot",
    "Toes": "DEF-toe",
}
_MAYA = {
    "hips": "Root_M",
    "spine": "Spine1_M",
    "chest": "Chest_M",
    "neck": "Neck_M",
    "head": "Head_M",
    "Shoulder": "Scapula",
    "UpperArm": "Shoulder",
    "LowerArm": "Elbow",
    "Hand": "Wrist",
    "UpperLeg": "Hip",
    "LowerLeg": "Knee",
    "Foot": "Ankle",
    "Toes": "Toes",
}
_VROID = {"hips": "Hips", "spine": "Spine", "chest": "Chest", "neck": "Neck", "head": "Head"}


def name_of(bone: str, scheme: str) -> str:  # noqa: PLR0911 - one line a program
    """What a program calls a bone."""
    side = next((s for s in ("left", "right") if bone.startswith(s)), "")
    part = bone.removeprefix(side)
    if scheme == "mixamo":
        return f"mixamorig:{side.title()}{_MIXAMO[part]}"
    if scheme == "rpm":
        return f"{side.title()}{_MIXAMO[part]}"
    if scheme == "hik":
        return f"Character1_{side.title()}{_MIXAMO[part]}"
    if scheme == "unreal":
        return f"{_UNREAL.get(part, part)}_{side[0]}" if side else _UNREAL.get(part, part)
    if scheme == "rigify":
        return f"{_RIGIFY[part]}.{side[0].upper()}" if side else _RIGIFY[part]
    if scheme == "maya":
        return f"{_MAYA[part]}_{side[0].upper()}" if side else _MAYA[part]
    if scheme == "vroid":
        return f"J_Bip_{side[0].upper() if side else 'C'}_{_VROID.get(part, part)}"
    if scheme == "unity":
        return f"{side.title()}{part[0].upper()}{part[1:]}"
    return f"node {sorted(JOINTS).index(bone)}"


SCHEMES = ("mixamo", "rpm", "hik", "unreal", "rigify", "maya", "vroid", "unity")


@dataclass
class Recipe:
    """What an avatar shall be like."""

    scheme: str = "mixamo"
    vrm: str | None = None
    arms_down: float = 0.0
    """Degrees that the arms hang in the bind pose."""
    turned: bool = False
    """Whether each node's own +Y runs along its bone."""
    unit: float = 1.0
    """Size of one metre below an armature node that undoes it."""
    twist: bool = False
    """Whether a twist bone lies between upper arm and elbow."""
    posed: bool = False
    """Whether the file was saved in another pose."""
    interleaved: bool = False
    """Whether positions and normals share a view."""
    rigid: bool = False
    """Whether meshes hang on bones instead of being skinned."""
    left_out: frozenset[str] = frozenset()
    meta: dict[str, Any] = field(default_factory=dict)


def _rotation(axis: tuple[float, float, float], degrees: float) -> np.ndarray:
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = math.radians(degrees)
    turn: np.ndarray = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    return turn


def places(recipe: Recipe) -> dict[str, np.ndarray]:
    """Where the joints are, in metres."""
    out = {}
    for bone, (_, place) in {**JOINTS, **{f"{k} end": (k, v) for k, v in ENDS.items()}}.items():
        point = np.array(place, float)
        side = next((s for s in ("left", "right") if bone.startswith(s)), None)
        if side and any(part in bone for part in ("LowerArm", "Hand")):
            sign = 1 if side == "left" else -1
            root = np.array(JOINTS[f"{side}UpperArm"][1])
            turn = _rotation((0, 0, 1), -sign * recipe.arms_down)
            point = root + turn @ (point - root)
        out[bone] = point
    return out


def _axes(along: np.ndarray) -> np.ndarray:
    y = along / np.linalg.norm(along)
    helper = np.array([0.0, 0, 1]) if abs(y[2]) < 0.7 else np.array([0.0, 1, 0])
    z = helper - (helper @ y) * y
    z /= np.linalg.norm(z)
    return np.stack([np.cross(y, z), y, z], axis=1)


def _quaternion(turn: np.ndarray) -> list[float]:
    w = math.sqrt(max(0, 1 + np.trace(turn))) / 2
    if w > 1e-3:
        x, y, z = turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]
        return [x / (4 * w), y / (4 * w), z / (4 * w), w]
    values, vectors = np.linalg.eigh((turn + turn.T) / 2)
    axis = vectors[:, int(np.argmax(values))]
    return [*axis.tolist(), 0.0]


class Builder:
    """Writes a GLB."""

    def __init__(self) -> None:
        self.binary = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def view(self, data: bytes, **more: int) -> int:
        self.binary += b"\0" * (-len(self.binary) % 4)
        start = len(self.binary)
        self.binary += data
        self.views.append({"buffer": 0, "byteOffset": start, "byteLength": len(data), **more})
        return len(self.views) - 1

    def accessor(self, values: np.ndarray, kind: str, *, bounds: bool = False) -> int:
        component = {"float32": 5126, "uint16": 5123, "uint8": 5121}[values.dtype.name]
        entry: dict[str, Any] = {"bufferView": self.view(values.tobytes())}
        entry["componentType"] = component
        entry |= {"count": len(values), "type": kind}
        if bounds:
            entry |= {"min": values.min(0).tolist(), "max": values.max(0).tolist()}
        self.accessors.append(entry)
        return len(self.accessors) - 1

    def interleaved(self, first: np.ndarray, second: np.ndarray) -> tuple[int, int]:
        view = self.view(np.concatenate([first, second], axis=1).tobytes(), byteStride=24)
        for offset, values in ((0, first), (12, second)):
            entry: dict[str, Any] = {"bufferView": view, "byteOffset": offset}
            entry["componentType"] = 5126
            entry |= {"count": len(values), "type": "VEC3"}
            if offset == 0:
                entry |= {"min": values.min(0).tolist(), "max": values.max(0).tolist()}
            self.accessors.append(entry)
        return len(self.accessors) - 2, len(self.accessors) - 1

    def glb(self, document: dict[str, Any]) -> bytes:
        document |= {"accessors": self.accessors, "bufferViews": self.views}
        self.binary += b"\0" * (-len(self.binary) % 4)
        document["buffers"] = [{"byteLength": len(self.binary)}]
        text = json.dumps(document).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<I4s", len(text), b"JSON") + text
        chunks += struct.pack("<I4s", len(self.binary), b"BIN\0") + bytes(self.binary)
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def tubes(
    points: dict[str, np.ndarray], bones: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Positions, normals, joints, weights and triangles of a tube along each bone."""
    vertices: list[Any] = []
    normals: list[Any] = []
    joints: list[list[int]] = []
    weights: list[list[float]] = []
    faces: list[list[int]] = []
    rings, sides = 7, 10
    for bone in bones:
        start = points[bone]
        children = [b for b, (parent, _) in JOINTS.items() if parent == bone]
        middle = [b for b in children if not b.startswith(("left", "right"))]
        tip = next(iter(middle or children), None)
        end = points[f"{bone} end"] if tip is None else points[tip]
        part = bone.removeprefix("left").removeprefix("right")
        girth = GIRTH.get(part, 0.045)
        axes = _axes(end - start)
        base = len(vertices)
        parent = JOINTS[bone][0]
        for ring in range(rings):
            share = ring / (rings - 1)
            for side in range(sides):
                angle = 2 * math.pi * side / sides
                out = math.cos(angle) * axes[:, 0] + math.sin(angle) * axes[:, 2]
                vertices.append(start + share * (end - start) + girth * out)
                normals.append(out)
                mixed = max(0.0, 0.4 - share) if parent is not None and ring else 0.0
                mixed = 0.4 if parent is not None and ring == 0 else mixed
                mixed = 0.0 if part in {"head", "Hand", "Foot", "Toes"} else mixed
                joints.append([bones.index(bone), bones.index(parent or bone), 0, 0])
                weights.append([1 - mixed, mixed, 0, 0])
        for ring in range(rings - 1):
            for side in range(sides):
                a, b = base + ring * sides + side, base + ring * sides + (side + 1) % sides
                faces += [[a, a + sides, b], [b, a + sides, b + sides]]
    return (
        np.array(vertices, "<f4"),
        np.array(normals, "<f4"),
        np.array(joints, "u1"),
        np.array(weights, "<f4"),
        np.array(faces, "<u2"),
    )


def build(recipe: Recipe) -> bytes:
    """Makes an avatar."""
    points = places(recipe)
    bones = [bone for bone in JOINTS if bone not in recipe.left_out]
    unit = recipe.unit
    worlds = {}
    for bone in bones:
        child = next((b for b in bones if JOINTS[b][0] == bone), None)
        end = points[child] if child else points.get(f"{bone} end", points[bone] + [0, 0.1, 0])
        world = np.eye(4)
        world[:3, :3] = _axes(end - points[bone]) if recipe.turned else np.eye(3)
        world[:3, 3] = unit * points[bone]
        worlds[bone] = world
    builder = Builder()
    nodes: list[dict[str, Any]] = []
    for bone in bones:
        parent = JOINTS[bone][0]
        local = np.linalg.inv(worlds[parent]) @ worlds[bone] if parent else worlds[bone]
        node = {"name": name_of(bone, recipe.scheme), "translation": local[:3, 3].tolist()}
        if recipe.turned:
            node["rotation"] = _quaternion(local[:3, :3])
        children = [bones.index(b) for b in bones if JOINTS[b][0] == bone]
        nodes.append({**node, "children": children} if children else node)
    joints = list(range(len(bones)))
    binds = [np.linalg.inv(worlds[bone]) for bone in bones]
    if recipe.twist:
        _add_twist(nodes, bones, joints, binds, worlds)
    positions, normals, held, weights, faces = tubes(points, bones)
    positions = (unit * positions).astype("<f4")
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "extras": {"kept": [1, 2.5, "as it is"]}},
        "nodes": nodes,
        "materials": [
            {"name": "skin", "pbrMetallicRoughness": {"baseColorFactor": [0.8, 0.6, 0.5, 1]}}
        ],
        "meshes": [],
    }
    if recipe.rigid:
        _add_rigid(document, builder, bones, worlds, positions, normals, faces)
    else:
        _add_skinned(
            document, builder, recipe, (positions, normals, held, weights, faces), joints, binds
        )
    _add_animation(document, builder, bones)
    top = len(nodes)
    nodes.append({"name": "Armature", "children": [0], "scale": [1 / unit] * 3})
    roots = [top, *(n for n, node in enumerate(nodes) if "skin" in node)]
    document |= {"scene": 0, "scenes": [{"nodes": roots}]}
    if recipe.posed:
        _pose(nodes, bones)
    if recipe.vrm:
        _add_vrm(document, recipe, bones)
    return builder.glb(document)


def _add_twist(
    nodes: list[dict[str, Any]],
    bones: list[str],
    joints: list[int],
    binds: list[np.ndarray],
    worlds: dict[str, np.ndarray],
) -> None:
    """Puts a bone into the middle of the left upper arm; the elbow hangs on it."""
    arm, elbow = bones.index("leftUpperArm"), bones.index("leftLowerArm")
    offset = np.array(nodes[elbow]["translation"]) / 2
    nodes.append({"name": "arm_twist_L", "translation": offset.tolist(), "children": [elbow]})
    nodes[elbow]["translation"] = offset.tolist()
    nodes[arm]["children"] = [len(nodes) - 1]
    world = worlds["leftUpperArm"].copy()
    world[:3, 3] = (worlds["leftUpperArm"] @ [*offset, 1])[:3]
    joints.append(len(nodes) - 1)
    binds.append(np.linalg.inv(world))


def _add_skinned(  # noqa: PLR0913, PLR0917 - parts of one document
    document: dict[str, Any],
    builder: Builder,
    recipe: Recipe,
    mesh: tuple[np.ndarray, ...],
    joints: list[int],
    binds: list[np.ndarray],
) -> None:
    positions, normals, held, weights, faces = mesh
    if recipe.interleaved:
        where, upright = builder.interleaved(positions, normals)
    else:
        where = builder.accessor(positions, "VEC3", bounds=True)
        upright = builder.accessor(normals, "VEC3")
    smile = np.zeros_like(positions)
    head = held[:, 0] == 4
    smile[head, 0] = 0.01 * recipe.unit
    attributes = {
        "POSITION": where,
        "NORMAL": upright,
        "JOINTS_0": builder.accessor(held, "VEC4"),
        "WEIGHTS_0": builder.accessor(weights, "VEC4"),
    }
    primitive = {
        "attributes": attributes,
        "indices": builder.accessor(faces.reshape(-1, 1), "SCALAR"),
        "targets": [{"POSITION": builder.accessor(smile, "VEC3", bounds=True)}],
        "material": 0,
    }
    document["meshes"] = [{"primitives": [primitive], "extras": {"targetNames": ["smile"]}}]
    columns = np.array([bind.T for bind in binds], "<f4").reshape(-1, 16)
    document["skins"] = [
        {"joints": joints, "inverseBindMatrices": builder.accessor(columns, "MAT4")}
    ]
    document["nodes"].append({"name": "body", "mesh": 0, "skin": 0})


def _add_rigid(  # noqa: PLR0913, PLR0917 - parts of one document
    document: dict[str, Any],
    builder: Builder,
    bones: list[str],
    worlds: dict[str, np.ndarray],
    positions: np.ndarray,
    normals: np.ndarray,
    faces: np.ndarray,
) -> None:
    size = len(positions) // len(bones)
    count = len(faces) // len(bones)
    for number, bone in enumerate(bones):
        part = slice(number * size, (number + 1) * size)
        inverse = np.linalg.inv(worlds[bone])
        own = positions[part] @ inverse[:3, :3].T + inverse[:3, 3]
        turned = normals[part] @ inverse[:3, :3].T
        triangles = faces[number * count : (number + 1) * count] - number * size
        attributes = {
            "POSITION": builder.accessor(own.astype("<f4"), "VEC3", bounds=True),
            "NORMAL": builder.accessor(turned.astype("<f4"), "VEC3"),
        }
        indices = builder.accessor(triangles.astype("<u2").reshape(-1, 1), "SCALAR")
        document["meshes"].append({"primitives": [{"attributes": attributes, "indices": indices}]})
        document["nodes"][number]["mesh"] = number


def _add_animation(document: dict[str, Any], builder: Builder, bones: list[str]) -> None:
    """A clip that keeps the elbow on its offset and lets the hips travel."""
    times = builder.accessor(np.array([[0.0], [1.0]], "<f4"), "SCALAR", bounds=True)
    samplers, channels = [], []
    for bone, travel in (("leftLowerArm", 0.0), ("hips", 0.5)):
        if bone not in bones:
            continue
        node = bones.index(bone)
        rest = np.array(document["nodes"][node]["translation"], "<f4")
        keys = np.array([rest, rest + np.array([0, 0, travel], "<f4")], "<f4")
        samplers.append({"input": times, "output": builder.accessor(keys, "VEC3")})
        target = {"node": node, "path": "translation"}
        channels.append({"sampler": len(samplers) - 1, "target": target})
    document["animations"] = [{"name": "walk", "samplers": samplers, "channels": channels}]


def _pose(nodes: list[dict[str, Any]], bones: list[str]) -> None:
    for bone, axis, degrees in (
        ("leftUpperArm", (0, 0, 1), -50),
        ("rightUpperArm", (0, 0, 1), 45),
        ("leftUpperLeg", (1, 0, 0), -30),
        ("leftLowerLeg", (1, 0, 0), 40),
    ):
        nodes[bones.index(bone)]["rotation"] = _quaternion(_rotation(axis, degrees))


def _add_vrm(document: dict[str, Any], recipe: Recipe, bones: list[str]) -> None:
    humans = {bone: bones.index(bone) for bone in bones}
    if recipe.vrm == "0.x":
        document["extensionsUsed"] = ["VRM"]
        document["extensions"] = {
            "VRM": {
                "specVersion": "0.0",
                "meta": {"title": "tube", "author": "a test", "licenseName": "CC0", **recipe.meta},
                "humanoid": {"humanBones": [{"bone": b, "node": n} for b, n in humans.items()]},
                "firstPerson": {"firstPersonBoneOffset": {"x": 0, "y": 0.06, "z": 0}},
                "secondaryAnimation": {
                    "boneGroups": [{"bones": [humans["head"]], "hitRadius": 0.02}],
                    "colliderGroups": [
                        {
                            "node": humans["leftUpperArm"],
                            "colliders": [
                                {"offset": {"x": 0.1, "y": 0, "z": 0.02}, "radius": 0.05}
                            ],
                        }
                    ],
                },
            }
        }
        return
    document["extensionsUsed"] = ["VRMC_vrm", "VRMC_springBone"]
    sphere = {"sphere": {"offset": [0.1, 0, 0], "radius": 0.05}}
    document["extensions"] = {
        "VRMC_vrm": {
            "specVersion": "1.0",
            "meta": {
                "name": "tube",
                "authors": ["a test"],
                "licenseUrl": "https://vrm.dev/licenses/1.0/",
                "modification": "allowModificationRedistribution",
                **recipe.meta,
            },
            "humanoid": {"humanBones": {b: {"node": n} for b, n in humans.items()}},
            "lookAt": {"offsetFromHeadBone": [0, 0.06, 0]},
        },
        "VRMC_springBone": {
            "specVersion": "1.0",
            "colliders": [{"node": humans["leftUpperArm"], "shape": sphere}],
            "springs": [{"joints": [{"node": humans["head"], "hitRadius": 0.02}]}],
        },
    }
