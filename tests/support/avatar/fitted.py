"""A checker of fitted avatars that has none of the product's code: pygltflib, trimesh and numpy."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pygltflib

if TYPE_CHECKING:
    import trimesh

SEGMENTS = {
    "upper_arm": ("UpperArm", "LowerArm"),
    "lower_arm": ("LowerArm", "Hand"),
    "upper_leg": ("UpperLeg", "LowerLeg"),
    "lower_leg": ("LowerLeg", "Foot"),
}
_TYPES = {5126: "<f4", 5123: "<u2", 5121: "u1"}
_WIDTH = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}


def turned(quaternion: list[float]) -> np.ndarray:
    """The matrix, 4 x 4, that turns as a quaternion of glTF does: x, y, z, w."""
    import trimesh

    matrix: Callable[[list[float]], np.ndarray] = trimesh.transformations.quaternion_matrix
    x, y, z, w = quaternion
    return matrix([w, x, y, z])


class Read:
    """An avatar as another library reads it."""

    def __init__(self, data: bytes) -> None:
        self.gltf = pygltflib.GLTF2.load_from_bytes(data)
        self.blob = self.gltf.binary_blob()
        self.parents = {c: n for n, node in enumerate(self.gltf.nodes) for c in node.children or []}

    def array(self, index: int) -> np.ndarray:
        accessor = self.gltf.accessors[index]
        view = self.gltf.bufferViews[accessor.bufferView]
        kind, width = np.dtype(_TYPES[accessor.componentType]), _WIDTH[accessor.type]
        start = (view.byteOffset or 0) + (accessor.byteOffset or 0)
        strides = (view.byteStride or kind.itemsize * width, kind.itemsize)
        return np.ndarray((accessor.count, width), kind, self.blob, start, strides).copy()

    def node(self, name: str) -> int:
        return next(n for n, node in enumerate(self.gltf.nodes) if node.name == name)

    def world(self, node: int) -> np.ndarray:
        entry = self.gltf.nodes[node]
        local = np.eye(4)
        if entry.rotation:
            local = turned(entry.rotation)
        local[:3, :3] *= entry.scale or [1, 1, 1]
        local[:3, 3] = entry.translation or [0, 0, 0]
        return self.world(self.parents[node]) @ local if node in self.parents else local

    def bind(self, node: int) -> np.ndarray:
        """A joint's place in the bind pose, in the frame of the hips' rest pose."""
        skin = self.gltf.skins[0]
        binds = self.array(skin.inverseBindMatrices).reshape(-1, 4, 4).transpose(0, 2, 1)
        top = self.world(skin.joints[0]) @ binds[0]
        place: np.ndarray = top @ np.linalg.inv(binds[skin.joints.index(node)].astype(float))
        return place

    def lengths(self, bones: dict[str, int], *, bind: bool = False) -> dict[str, float]:
        place = {b: (self.bind(n) if bind else self.world(n))[:3, 3] for b, n in bones.items()}
        out = {
            f"{key}_{side[0].upper()}": float(np.linalg.norm(place[side + a] - place[side + b]))
            for key, (a, b) in SEGMENTS.items()
            for side in ("left", "right")
        }
        shoulders = place["leftUpperArm"] + place["rightUpperArm"]
        hips = place["leftUpperLeg"] + place["rightUpperLeg"]
        across = {"shoulder_width": "UpperArm", "hip_width": "UpperLeg"}
        for key, part in across.items():
            out[key] = float(np.linalg.norm(place[f"left{part}"] - place[f"right{part}"]))
        out["torso_length"] = float(np.linalg.norm(shoulders - hips)) / 2
        return out

    def mesh(self) -> np.ndarray:
        """Vertices as they stand in the rest pose."""
        skin = self.gltf.skins[0]
        primitive = self.gltf.meshes[0].primitives[0]
        binds = self.array(skin.inverseBindMatrices).reshape(-1, 4, 4).transpose(0, 2, 1)
        moves = np.array([self.world(j) @ b for j, b in zip(skin.joints, binds, strict=True)])
        joints = self.array(primitive.attributes.JOINTS_0).astype(int)
        weights = self.array(primitive.attributes.WEIGHTS_0).astype(float)
        weights /= weights.sum(axis=1, keepdims=True)  # whole numbers stand for shares
        mixed = np.einsum("nk,nkij->nij", weights, moves[joints])
        points = self.array(primitive.attributes.POSITION)
        moved: np.ndarray = np.einsum("nij,nj->ni", mixed[:, :3, :3], points) + mixed[:, :3, 3]
        return moved


def scene(data: bytes) -> trimesh.Scene:
    """The file as trimesh loads it."""
    import trimesh

    return trimesh.load_scene(io.BytesIO(data), file_type="glb")
