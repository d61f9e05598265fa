"""glTF 2.0 as one binary file: a skinned stick figure with VRM 1.0 humanoid bones.

A skin needs a mesh to be seen as an armature by other programs, so every bone carries a thin
octahedron. A node has no length and no end: programs that show bones, Blender among them, take a
node's own +Y as the bone's direction and the next joint's distance as its length. So each node is
turned along its bone, and the last ones have an end node, which points back along the bone.
Written by hand: the format is a JSON document and a block of numbers.
Specification: Khronos, glTF 2.0, sections 3.7 and 4.4; VRM Consortium, VRMC_vrm 1.0.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from avatarrig.body.rig.octahedra import axes_of, octahedra
from avatarrig.body.rig.offsets import children_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from avatarrig.body.rig.armature import Armature, Bone

_MAGIC, _VERSION, _JSON, _BINARY = b"glTF", 2, b"JSON", b"BIN\0"
_COMPONENTS: Final = {"u1": 5121, "<u2": 5123, "<f4": 5126}
_ARRAY_BUFFER, _ELEMENT_BUFFER = 34962, 34963
_DECIMALS: Final = 9
_NOTHING: Final = 1e-9


def to_glb(armature: Armature) -> bytes:
    """Writes an armature as GLB; the same armature gives the same bytes.

    Each node's ``extras`` say whether its length is measured and where it comes from, the
    asset's ``extras`` the unit.
    """
    block = _Block()
    document = _document(armature, block)
    document["accessors"], document["bufferViews"] = block.accessors, block.views
    document["buffers"] = [{"byteLength": len(block.data)}]
    chunks = (
        (_JSON, msgspec.json.encode(document, order="deterministic"), b" "),
        (_BINARY, bytes(block.data), b"\0"),
    )
    body = b""
    for kind, data, filler in chunks:
        padded = data + filler * (-len(data) % 4)
        body += struct.pack("<I4s", len(padded), kind) + padded
    return struct.pack("<4sII", _MAGIC, _VERSION, 12 + len(body)) + body


class _Block:
    """The binary chunk and the accessors that describe it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(
        self, array: NDArray[Any], kind: str, *, target: int | None = None, bounded: bool = False
    ) -> int:
        """Appends an array of shape (n,) or (n, components); returns its accessor."""
        raw = np.ascontiguousarray(array)
        view = {"buffer": 0, "byteOffset": len(self.data), "byteLength": raw.nbytes}
        self.views.append(view if target is None else {**view, "target": target})
        accessor = {
            "bufferView": len(self.views) - 1,
            "componentType": _COMPONENTS[raw.dtype.str.removeprefix("|")],
            "count": len(raw),
            "type": kind,
        }
        if bounded:
            accessor |= {"min": raw.min(axis=0).tolist(), "max": raw.max(axis=0).tolist()}
        self.accessors.append(accessor)
        self.data += raw.tobytes() + b"\0" * (-raw.nbytes % 4)
        return len(self.accessors) - 1


def _document(armature: Armature, block: _Block) -> dict[str, Any]:
    bones = armature.bones
    index = {bone.vrm: number for number, bone in enumerate(bones)}
    leaves = [bone for bone in bones if not children_of(armature, bone)]
    ends = {bone.vrm: len(bones) + number for number, bone in enumerate(leaves)}
    figure = len(bones) + len(ends)
    nodes = [_node(armature, bone, index, ends) for bone in bones]
    nodes += [_end_node(bone) for bone in leaves]
    nodes.append({"name": "figure", "mesh": 0, "skin": 0})
    return {
        "asset": {
            "version": "2.0",
            "generator": "AvatarRig",
            "extras": {
                "unit": armature.unit,
                "naming": armature.naming,
                "measured": sum(bone.measured for bone in bones),
                "averages": sum(not bone.measured for bone in bones),
            },
        },
        "extensionsUsed": ["VRMC_vrm"],
        "extensions": {"VRMC_vrm": _humanoid(index)},
        "scene": 0,
        "scenes": [{"nodes": [index["hips"], figure]}],
        "nodes": nodes,
        "meshes": [{"name": "figure", "primitives": [_primitive(bones, block)]}],
        "skins": [
            {
                "name": "armature",
                "joints": list(range(figure)),
                "skeleton": index["hips"],
                "inverseBindMatrices": block.add(_inverse_binds(bones, leaves), "MAT4"),
            }
        ],
    }


def _node(
    armature: Armature, bone: Bone, index: dict[str, int], ends: dict[str, int]
) -> dict[str, Any]:
    turn = axes_of(bone)
    if bone.parent is None:
        offset, own = np.array(bone.head), turn
    else:
        parent = armature.bones[index[bone.parent]]
        above = axes_of(parent)
        offset = above.T @ np.subtract(bone.head, parent.head)
        own = above.T @ turn
    children = [index[child.vrm] for child in children_of(armature, bone)]
    return {
        "name": bone.name,
        "translation": _rounded(offset),
        "rotation": _rounded(_quaternion(own)),
        "children": children or [ends[bone.vrm]],
        "extras": _extras(bone),
    }


def _extras(bone: Bone) -> dict[str, Any]:
    extras: dict[str, Any] = {"measured": bone.measured, "source": bone.source}
    if bone.told is not None:
        extras |= msgspec.to_builtins(bone.told)
    return extras


def _end_node(bone: Bone) -> dict[str, Any]:
    """Where a last bone ends; turned round, so that nothing sticks out beyond the body."""
    length = float(np.linalg.norm(np.subtract(bone.tail, bone.head)))
    return {
        "name": f"{bone.name}_end",
        "translation": _rounded([0.0, length, 0.0]),
        "rotation": [1.0, 0.0, 0.0, 0.0],
    }


def _quaternion(turn: NDArray[np.float64]) -> NDArray[np.float64]:
    """A rotation as x, y, z, w: the eigenvector of Bar-Itzhack (2000), to the largest value."""
    m = turn
    k = np.array(
        [
            [m[0, 0] - m[1, 1] - m[2, 2], 0, 0, 0],
            [m[1, 0] + m[0, 1], m[1, 1] - m[0, 0] - m[2, 2], 0, 0],
            [m[2, 0] + m[0, 2], m[2, 1] + m[1, 2], m[2, 2] - m[0, 0] - m[1, 1], 0],
            [m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], np.trace(m)],
        ]
    )
    quaternion: NDArray[np.float64] = np.linalg.eigh(k, "L")[1][:, -1]
    last = quaternion[np.flatnonzero(np.abs(quaternion) > _NOTHING)[-1]]
    upright: NDArray[np.float64] = quaternion * np.sign(last)
    return upright


def _rounded(values: NDArray[np.float64] | list[float]) -> list[float]:
    return [round(float(value), _DECIMALS) + 0.0 for value in values]


def _humanoid(index: dict[str, int]) -> dict[str, Any]:
    return {
        "specVersion": "1.0",
        "meta": {
            "name": "AvatarRig skeleton",
            "authors": ["AvatarRig"],
            "licenseUrl": "https://vrm.dev/licenses/1.0/",
        },
        "humanoid": {"humanBones": {vrm: {"node": node} for vrm, node in index.items()}},
    }


def _primitive(bones: Sequence[Bone], block: _Block) -> dict[str, Any]:
    """The octahedra of all bones, flat shaded: every triangle has its own three corners."""
    triangles, normals = octahedra(bones)
    count = 3 * len(triangles)
    joints = np.zeros((count, 4), "u1")
    joints[:, 0] = np.repeat(np.arange(len(bones)), count // len(bones))
    weights = np.zeros((count, 4), "<f4")
    weights[:, 0] = 1
    corners = triangles.reshape(-1, 3).astype("<f4")
    attributes = {
        "POSITION": block.add(corners, "VEC3", target=_ARRAY_BUFFER, bounded=True),
        "NORMAL": block.add(
            np.repeat(normals, 3, axis=0).astype("<f4"), "VEC3", target=_ARRAY_BUFFER
        ),
        "JOINTS_0": block.add(joints, "VEC4", target=_ARRAY_BUFFER),
        "WEIGHTS_0": block.add(weights, "VEC4", target=_ARRAY_BUFFER),
    }
    indices = block.add(np.arange(count, dtype="<u2"), "SCALAR", target=_ELEMENT_BUFFER)
    return {"attributes": attributes, "indices": indices}


def _inverse_binds(bones: Sequence[Bone], leaves: Sequence[Bone]) -> NDArray[np.float32]:
    """Moves each joint to the origin, unturned; column-major, as glTF wants it: (n, 16)."""
    back = np.diag([1.0, -1.0, -1.0])
    places = [(axes_of(bone), bone.head) for bone in bones]
    places += [(axes_of(bone) @ back, bone.tail) for bone in leaves]
    matrices = np.tile(np.eye(4), (len(places), 1, 1))
    for matrix, (axes, place) in zip(matrices, places, strict=True):
        matrix[:3, :3] = axes.T
        matrix[:3, 3] = -axes.T @ np.array(place)
    return matrices.transpose(0, 2, 1).reshape(-1, 16).astype("<f4")
