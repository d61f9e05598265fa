"""The nodes of a document: their tree, their places in the rest pose and in the bind pose.

The rest pose is what the nodes' transforms say; the bind pose is what the skins' inverse bind
matrices undo, and what an editor shows. They differ in files that were saved while posed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from avatarrig.avatar.errors import AvatarFileError
from avatarrig.avatar.gltf.accessors import Floats, read_matrices

_SINGULAR: Final = 1e-12
_UNITS: Final = 8.0
"""How much larger one of two units is at least; a bone that is scaled differs less."""
POSED: Final = 1e-3
"""How far the two poses may be apart, over the skeleton's size, to count as the same."""


class Tree(msgspec.Struct, frozen=True, kw_only=True):
    """Nodes and who hangs on whom.

    Attributes:
        names: Each node's name; empty where it has none.
        parents: Each node's parent; -1 for roots.
        order: All nodes, parents before children.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    children: tuple[tuple[int, ...], ...]
    order: tuple[int, ...]

    def ancestors(self, node: int) -> Iterator[int]:
        """The node itself, its parent, and so on up to the root."""
        while node >= 0:
            yield node
            node = self.parents[node]

    def descendants(self, node: int) -> list[int]:
        """The node itself and all that hangs on it."""
        found, todo = [], [node]
        while todo:
            current = todo.pop()
            found.append(current)
            todo += self.children[current]
        return found

    def is_under(self, node: int, above: int) -> bool:
        """Whether a node is another one or hangs on it."""
        return above in self.ancestors(node)


class Skin(msgspec.Struct, frozen=True, kw_only=True):
    """A skin: its joints, and what moves the mesh into each joint's frame.

    Attributes:
        inverse_binds: (joints, 4, 4).
        usable: Joints whose matrix can be undone: (joints,).
        bound: Whether the matrices tell the joints' places in the bind pose. Where there are none,
            or all are one, each joint's share of the mesh lies in the joint's own space.
    """

    joints: tuple[int, ...]
    inverse_binds: Floats
    usable: Any
    bound: bool = True


def read_tree(document: dict[str, Any]) -> Tree:
    """Reads the tree of nodes.

    Raises:
        AvatarFileError: A node hangs on two others, or on itself.
    """
    nodes = document.get("nodes", [])
    parents = [-1] * len(nodes)
    for index, node in enumerate(nodes):
        for child in node.get("children", []):
            if not 0 <= child < len(nodes) or parents[child] >= 0:
                raise AvatarFileError(f"node {child} does not hang on one other node")
            parents[child] = index
    children = tuple(tuple(node.get("children", [])) for node in nodes)
    order: list[int] = [index for index, parent in enumerate(parents) if parent < 0]
    for index in order:  # grows while it is walked
        order.extend(children[index])
    if len(order) < len(nodes):
        raise AvatarFileError("the nodes hang on one another in a ring")
    return Tree(
        names=tuple(str(node.get("name") or "") for node in nodes),
        parents=tuple(parents),
        children=children,
        order=tuple(order),
    )


def local_matrix(node: dict[str, Any]) -> Floats:
    """A node's transform relative to its parent: (4, 4)."""
    if "matrix" in node:
        return np.array(node["matrix"], float).reshape(4, 4).T
    matrix = np.eye(4)
    matrix[:3, :3] = _rotation(node.get("rotation", (0, 0, 0, 1))) * np.array(
        node.get("scale", (1, 1, 1)), float
    )
    matrix[:3, 3] = node.get("translation", (0, 0, 0))
    return matrix


def _rotation(quaternion: Sequence[float]) -> Floats:
    vector = np.array(quaternion, float)
    norm = float(vector @ vector)
    if not norm:
        return np.eye(3)
    x, y, z, w = vector
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    rotation: Floats = np.eye(3) + (2 / norm) * (w * cross + cross @ cross)
    return rotation


def local_matrices(document: dict[str, Any]) -> Floats:
    """All nodes' transforms: (nodes, 4, 4)."""
    nodes = document.get("nodes", [])
    return np.array([local_matrix(node) for node in nodes]).reshape(-1, 4, 4)


def world_matrices(tree: Tree, locals_: Floats) -> Floats:
    """All nodes' places in the scene: (nodes, 4, 4)."""
    worlds = locals_.copy()
    for node in tree.order:
        parent = tree.parents[node]
        if parent >= 0:
            worlds[node] = worlds[parent] @ locals_[node]
    return worlds


def read_skins(document: dict[str, Any], binary: bytes | bytearray) -> list[Skin]:
    """Reads all skins."""
    skins = []
    for skin in document.get("skins", []):
        joints = tuple(skin["joints"])
        if "inverseBindMatrices" in skin:
            matrices = read_matrices(document, binary, skin["inverseBindMatrices"])[: len(joints)]
        else:
            matrices = np.tile(np.eye(4), (len(joints), 1, 1))
        if len(matrices) < len(joints):
            raise AvatarFileError("a skin has fewer inverse bind matrices than joints")
        usable = np.abs(np.linalg.det(matrices[:, :3, :3])) > _SINGULAR**3
        bound = "inverseBindMatrices" in skin and not _are_one(matrices)
        skins.append(Skin(joints=joints, inverse_binds=matrices, usable=usable, bound=bound))
    return skins


def _are_one(matrices: Floats) -> bool:
    return len(matrices) > 1 and bool(np.all(matrices == matrices[0]))


def without_placeholders(skins: Sequence[Skin], worlds: Floats, bones: Sequence[int]) -> list[Skin]:
    """Skins without the matrices that are in another unit than those of the bones.

    Exporters write ones for joints that hold nothing, whatever the unit of all others.

    Args:
        worlds: Places of all nodes in the rest pose: (nodes, 4, 4).
        bones: Joints whose matrices tell the unit.
    """
    wanted = set(bones)
    kept = []
    for skin in skins:
        moved = worlds[list(skin.joints)] @ skin.inverse_binds
        units = np.abs(np.linalg.det(moved[:, :3, :3])) ** (1 / 3)
        own = np.array([joint in wanted for joint in skin.joints]) & skin.usable
        unit = float(np.median(units[own])) if own.any() else 0.0
        alike = (units < _UNITS * unit) & (unit < _UNITS * units)
        usable = skin.usable & alike if unit > 0 else skin.usable
        kept.append(msgspec.structs.replace(skin, usable=usable))
    return kept


def bind_worlds(
    tree: Tree, worlds: Floats, locals_: Floats, skins: Sequence[Skin], bones: Sequence[int]
) -> Floats:
    """All nodes' places in the bind pose, in the frame of the rest pose: (nodes, 4, 4).

    The topmost joint's rest pose is the frame. What is no joint keeps its place to its parent.

    Args:
        skins: All skins; those with the most of ``bones`` come first.
        bones: Joints that matter most.
    """
    known: dict[int, Floats] = {}
    wanted = set(bones)
    for skin in sorted(skins, key=lambda skin: -len(wanted & set(skin.joints))):
        usable = [k for k in range(len(skin.joints)) if skin.usable[k]]
        if not usable or not skin.bound:
            continue
        frame = _frame(tree, worlds, skin, usable, known)
        for k in usable:
            known.setdefault(skin.joints[k], frame @ np.linalg.inv(skin.inverse_binds[k]))
    out = worlds.copy()
    for node in tree.order:
        parent = tree.parents[node]
        if node in known:
            out[node] = known[node]
        elif parent >= 0:
            out[node] = out[parent] @ locals_[node]
    return out


def _frame(
    tree: Tree, worlds: Floats, skin: Skin, usable: list[int], known: dict[int, Floats]
) -> Floats:
    """What moves a skin's mesh into the scene in its bind pose."""
    depth = {k: sum(1 for _ in tree.ancestors(skin.joints[k])) for k in usable}
    shared = [k for k in usable if skin.joints[k] in known]
    top = min(shared or usable, key=lambda k: depth[k])
    joint = skin.joints[top]
    frame: Floats = known.get(joint, worlds[joint]) @ skin.inverse_binds[top]
    return frame


def pose_spread(worlds: Floats, skins: Sequence[Skin]) -> float:
    """How far rest and bind pose are apart, over the skeleton's size; 0 where they are one."""
    spread = 0.0
    for skin in skins:
        joints = list(skin.joints)
        moved = (worlds[joints] @ skin.inverse_binds)[skin.usable]
        if not len(moved) or not skin.bound:
            continue
        middle = np.median(moved, axis=0)
        apart = np.abs(moved - middle)
        size = max(float(np.abs(worlds[joints][:, :3, 3]).max()), 1e-9)
        unit = max(float(np.abs(middle[:3, :3]).max()), 1e-9)
        spread = max(
            spread, float(apart[:, :3, :3].max() / unit), float(apart[:, :3, 3].max() / size)
        )
    return spread
