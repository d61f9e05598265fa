"""The meshes of an avatar in its bind pose, and how much each part of the body holds a vertex."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from avatarrig.avatar.field import Map
from avatarrig.avatar.gltf.accessors import Floats, read_floats, read_raw
from avatarrig.avatar.gltf.scene import Skin, Tree
from avatarrig.avatar.regions import NOWHERE, REGIONS

_SETS: Final = 8
"""Sets of joints and weights that a primitive may have."""
_TRIANGLES: Final = 4
_LIGHT: Final = 1e-6

Use = tuple[int, int, int]
"""Mesh, primitive, node."""


class Surface(msgspec.Struct, frozen=True, kw_only=True):
    """Vertices that are stored together and move together.

    Attributes:
        uses: Where they are used; the first stands for the others.
        skin: Their skin; None for a mesh that hangs on a node as a whole.
        joints: Joint of each influence, as a number in the skin: (n, k).
        weights: Its weight; sums to 1: (n, k).
        into_bind: What moves them into the scene in the bind pose: (4, 4), or (n, 4, 4) where a
            skin was bound in another pose than the others.
        points: In the bind pose, in the scene: (n, 3).
        shares: How much each part holds each vertex, as rows (vertices, weights) by part.
    """

    uses: tuple[Use, ...]
    position: int
    skin: int | None
    joints: NDArray[np.int64]
    weights: Floats
    into_bind: Floats
    points: Floats
    shares: dict[str, tuple[NDArray[np.int64], Floats]]

    @property
    def node(self) -> int:
        """The node that shows it."""
        return self.uses[0][2]

    def weight_of(self, parts: Sequence[str]) -> Floats:
        """Weight of some parts together, per vertex: (n,)."""
        total = np.zeros(len(self.points))
        for part in parts:
            if part in self.shares:
                rows, weights = self.shares[part]
                total[rows] += weights
        return total

    def deform(
        self, maps: Mapping[str, Map], points: Floats, vertices: NDArray[np.int64] | None = None
    ) -> Floats:
        """Moves points as its vertices are held.

        Args:
            points: In the scene: (m, 3).
            vertices: The vertices that they stand for: (m,); all by default.
        """
        return blend(self.shares, maps, points, vertices, len(self.points))


def blend(
    shares: Mapping[str, tuple[NDArray[np.int64], Floats]],
    maps: Mapping[str, Map],
    points: Floats,
    vertices: NDArray[np.int64] | None,
    count: int,
) -> Floats:
    """Moves points by the maps of all parts that hold them; see `Surface.deform`."""
    out = np.zeros_like(points)
    place = np.full(count, -1)
    if vertices is not None:
        place[vertices] = np.arange(len(vertices))
    for part, (rows, weights) in shares.items():
        if vertices is None:
            at, held = rows, weights
        else:
            at = place[rows]
            held, at = weights[at >= 0], at[at >= 0]
        if len(at):
            out[at] += held[:, None] * maps[part](points[at])
    return out


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed to read surfaces.

    Attributes:
        bind: Places of all nodes in the bind pose: (nodes, 4, 4).
    """

    document: dict[str, Any]
    binary: bytes | bytearray
    tree: Tree
    skins: Sequence[Skin]
    bind: Floats
    regions: NDArray[np.int64]


def read_surfaces(shown: Shown) -> list[Surface]:
    """Reads all vertices of a document that the body moves; each is read once."""
    uses: dict[tuple[Any, ...], list[Use]] = {}
    for use in _uses(shown.document):
        mesh, primitive, node = use
        attributes = shown.document["meshes"][mesh]["primitives"][primitive]["attributes"]
        skin = shown.document["nodes"][node].get("skin")
        skinned = skin is not None and "JOINTS_0" in attributes
        if not skinned and shown.regions[node] == NOWHERE:
            continue
        held = tuple(
            attributes.get(f"{name}_{number}")
            for name in ("JOINTS", "WEIGHTS")
            for number in range(_SETS)
        )
        key = (
            (attributes["POSITION"], skin, held) if skinned else (attributes["POSITION"], -1, node)
        )
        uses.setdefault(key, []).append(use)
    return [_read(shown, tuple(found)) for found in uses.values()]


def _uses(document: dict[str, Any]) -> Iterator[Use]:
    for index, node in enumerate(document.get("nodes", [])):
        if "mesh" not in node:
            continue
        for number, primitive in enumerate(document["meshes"][node["mesh"]]["primitives"]):
            if "POSITION" in primitive["attributes"]:
                yield node["mesh"], number, index


def _read(shown: Shown, uses: tuple[Use, ...]) -> Surface:
    mesh, primitive, node = uses[0]
    attributes = shown.document["meshes"][mesh]["primitives"][primitive]["attributes"]
    stored = read_floats(shown.document, shown.binary, attributes["POSITION"])
    skin_index = shown.document["nodes"][node].get("skin")
    if skin_index is not None and "JOINTS_0" in attributes:
        skin = shown.skins[skin_index]
        joints, weights = _influences(shown, attributes, len(skin.joints))
        into_bind = skinned(shown.bind, skin, joints, weights)
        regions = shown.regions[list(skin.joints)]
        shares = _shares(regions[joints], weights)
    else:
        skin_index = None
        joints = np.zeros((len(stored), 1), np.int64)
        weights = np.ones((len(stored), 1))
        into_bind = shown.bind[node]
        shares = _shares(np.full((len(stored), 1), shown.regions[node]), weights)
    return Surface(
        uses=uses,
        position=attributes["POSITION"],
        skin=skin_index,
        joints=joints,
        weights=weights,
        into_bind=into_bind,
        points=apply(into_bind, stored),
        shares=shares,
    )


def _influences(
    shown: Shown, attributes: Mapping[str, int], count: int
) -> tuple[NDArray[np.int64], Floats]:
    joints, weights = [], []
    for number in range(_SETS):
        if f"JOINTS_{number}" not in attributes or f"WEIGHTS_{number}" not in attributes:
            break
        joints.append(read_raw(shown.document, shown.binary, attributes[f"JOINTS_{number}"]))
        weights.append(read_floats(shown.document, shown.binary, attributes[f"WEIGHTS_{number}"]))
    joint = np.minimum(np.concatenate(joints, axis=1).astype(np.int64), count - 1)
    weight = np.maximum(np.concatenate(weights, axis=1), 0)
    total = weight.sum(axis=1, keepdims=True)
    # A vertex that nothing holds goes with its first joint, as readers have it.
    weight[:, :1] = np.where(total > 0, weight[:, :1], 1)
    return joint, weight / np.where(total > 0, total, 1)


def skinned(worlds: Floats, skin: Skin, joints: NDArray[np.int64], weights: Floats) -> Floats:
    """What a skin moves its mesh by where nodes are placed so.

    Args:
        worlds: Places of all nodes: (nodes, 4, 4).
        joints: As in `Surface`.
        weights: As there.

    Returns:
        One transform (4, 4) where all joints agree, otherwise one per vertex: (n, 4, 4).
    """
    matrices = worlds[list(skin.joints)] @ skin.inverse_binds
    usable = matrices[skin.usable]
    if not len(usable):
        return np.eye(4)
    one: Floats = usable[0]
    size = max(float(np.abs(one).max()), 1e-9)
    if float(np.abs(usable - one).max()) < 1e-5 * size:
        middle: Floats = np.median(usable, axis=0)
        return middle
    mixed: Floats = np.einsum("nk,nkij->nij", weights, matrices[joints])
    return mixed


def _shares(
    regions: NDArray[np.int64], weights: Floats
) -> dict[str, tuple[NDArray[np.int64], Floats]]:
    shares: dict[str, tuple[NDArray[np.int64], Floats]] = {}
    for number, part in enumerate(REGIONS):
        total = np.sum(weights * (np.maximum(regions, 0) == number), axis=1)
        rows = np.flatnonzero(total > 0)
        if len(rows):
            shares[part] = (rows, total[rows])
    return shares


def is_one(matrix: Floats) -> bool:
    """Tells one transform for all points from one for each."""
    return matrix.ndim == np.eye(4).ndim


def inverse(matrix: Floats) -> Floats:
    """Undoes one transform, or many."""
    return np.asarray(np.linalg.inv(matrix), np.float64)


def apply(matrix: Floats, points: Floats) -> Floats:
    """Applies one transform, or one per point, to points: (n, 3)."""
    moved: Floats
    if is_one(matrix):
        moved = points @ matrix[:3, :3].T + matrix[:3, 3]
    else:
        moved = np.einsum("nij,nj->ni", matrix[:, :3, :3], points) + matrix[:, :3, 3]
    return moved


def triangles(document: dict[str, Any], binary: bytes | bytearray, use: Use) -> NDArray[np.int64]:
    """Reads the triangles of a primitive as numbers of vertices: (m, 3); none of other modes."""
    primitive = document["meshes"][use[0]]["primitives"][use[1]]
    if primitive.get("mode", _TRIANGLES) != _TRIANGLES:
        return np.zeros((0, 3), np.int64)
    if "indices" in primitive:
        indices = read_raw(document, binary, primitive["indices"])[:, 0].astype(np.int64)
    else:
        indices = np.arange(document["accessors"][primitive["attributes"]["POSITION"]]["count"])
    return indices[: len(indices) // 3 * 3].reshape(-1, 3)
