"""The nodes of a fitted avatar: where they go, and what each one's offset becomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from avatarrig.avatar.field import Map, derivative
from avatarrig.avatar.gltf.accessors import Floats
from avatarrig.avatar.gltf.scene import Tree, world_matrices
from avatarrig.avatar.humanoid import Humanoid
from avatarrig.avatar.placing import Placement
from avatarrig.avatar.regions import LIMB_ENDS, REGIONS

_SAME: Final = 1e-9
_UNEQUAL: Final = 1e-4
"""Relative difference of two lengths that counts as one."""


class Offsets(msgspec.Struct, frozen=True, kw_only=True):
    """How offsets of nodes, in their parents' frames, become others.

    An offset ``t`` of a node becomes ``times * (new + turn @ (t - old))``: what rests on the old
    offset rests on the new one, and what strays from it strays as the parent is stretched.

    Attributes:
        old: In the bind pose: (nodes, 3).
        new: In the fitted bind pose: (nodes, 3).
        turn: How differences are stretched: (nodes, 3, 3).
        moved: Nodes whose offsets change: (nodes,).
        times: 1 but where a limb's rest pose has another length than its bind pose: (nodes,).
    """

    old: Floats
    new: Floats
    turn: Floats
    moved: NDArray[np.bool_]
    times: Floats

    def apply(self, node: int, offsets: Floats) -> Floats:
        """What becomes of offsets of a node: (n, 3)."""
        changed = self.new[node] + (offsets - self.old[node]) @ self.turn[node].T
        moved: Floats = self.times[node] * changed
        return moved

    def apply_to_slopes(self, node: int, slopes: Floats) -> Floats:
        """What becomes of differences of a node's offsets: (n, 3)."""
        changed: Floats = self.times[node] * (slopes @ self.turn[node].T)
        return changed


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """An avatar's nodes as they are.

    Attributes:
        locals_: Transforms in the rest pose: (nodes, 4, 4).
        rest: Places in the rest pose: (nodes, 4, 4).
        bind: Places in the bind pose: (nodes, 4, 4).
        regions: Part of each node: (nodes,).
    """

    tree: Tree
    humanoid: Humanoid
    locals_: Floats
    rest: Floats
    bind: Floats
    regions: NDArray[np.int64]
    joints: frozenset[int]


def new_bind(frame: Frame, placement: Placement) -> Floats:
    """Places of all nodes in the fitted bind pose: (nodes, 4, 4)."""
    above = set(frame.tree.ancestors(frame.humanoid["hips"])) - {frame.humanoid["hips"]}
    below = set(frame.tree.descendants(frame.humanoid["hips"]))
    free = (below | frame.joints) - above
    bind = frame.bind.copy()
    for number, part in enumerate(REGIONS):
        nodes = [node for node in free if frame.regions[node] == number]
        if nodes:
            bind[nodes, :3, 3] = placement.maps[part](frame.bind[nodes, :3, 3])
    for bone, chain in limb_chains(frame).items():
        nodes = [frame.humanoid[bone], *chain]
        bind[nodes, :3, 3] = placement.bones[bone](frame.bind[nodes, :3, 3])
    for node in frame.tree.order:  # what is of no part keeps its place to its parent
        parent = frame.tree.parents[node]
        if parent >= 0 and node not in free and node not in above:
            bind[node] = bind[parent] @ np.linalg.inv(frame.bind[parent]) @ frame.bind[node]
    return bind


def offsets(frame: Frame, bind: Floats, maps: Mapping[str, Map], travel: float) -> Offsets:
    """Tells what becomes of each node's offset.

    Args:
        bind: Their places in the fitted bind pose.
        travel: Factor of how far the hips travel: that of the legs.
    """
    count = len(frame.tree.names)
    old, new = np.zeros((count, 3)), np.zeros((count, 3))
    turn, units = np.tile(np.eye(3), (count, 1, 1)), np.ones(count)
    hips = frame.humanoid["hips"]
    size = max(float(np.ptp(frame.bind[:, :3, 3], axis=0).max()), _SAME)
    stretches = _stretches(frame, maps, size)
    for node in frame.tree.order:
        parent = frame.tree.parents[node]
        before = np.eye(4) if parent < 0 else frame.bind[parent]
        after = np.eye(4) if parent < 0 else bind[parent]
        units[node] = np.linalg.norm(before[:3, :3], 2)
        old[node] = (np.linalg.inv(before) @ frame.bind[node])[:3, 3]
        new[node] = (np.linalg.inv(after) @ bind[node])[:3, 3]
        if node == hips:
            turn[node] *= travel
        elif parent >= 0 and frame.tree.is_under(parent, hips):
            axes = before[:3, :3]
            turn[node] = np.linalg.inv(axes) @ stretches[parent] @ axes
    length = np.linalg.norm(old, axis=1)
    # Where there was no offset, what rounding leaves of the whole body's size is none either.
    unit = np.where(length * units > _SAME * size, np.maximum(length, _SAME), size / units)
    moved = np.linalg.norm(new - old, axis=1) > _SAME * unit + 1e-12
    moved |= np.abs(turn - np.eye(3)).max(axis=(1, 2)) > _SAME
    return Offsets(old=old, new=new, turn=turn, moved=moved, times=np.ones(count))


def _stretches(frame: Frame, maps: Mapping[str, Map], size: float) -> Floats:
    """How space is stretched at each node, by its part's map: (nodes, 3, 3)."""
    out = np.tile(np.eye(3), (len(frame.tree.names), 1, 1))
    points = frame.bind[:, :3, 3]
    for number, part in enumerate(REGIONS):
        nodes = np.flatnonzero(frame.regions == number)
        if len(nodes):
            out[nodes] = derivative(maps[part], points[nodes], size)
    return out


def new_locals(frame: Frame, changes: Offsets) -> Floats:
    """Transforms of all nodes in the fitted rest pose: (nodes, 4, 4)."""
    locals_ = frame.locals_.copy()
    for node in np.flatnonzero(changes.moved):
        locals_[node, :3, 3] = changes.apply(int(node), locals_[node, None, :3, 3])[0]
    return locals_


def limb_chains(frame: Frame) -> dict[str, list[int]]:
    """Nodes from below a limb's bone down to the joint where it ends, by the bone's name."""
    chains: dict[str, list[int]] = {}
    for bone, end in LIMB_ENDS.items():
        start, chain = frame.humanoid[bone], []
        for node in frame.tree.ancestors(frame.humanoid[end]):
            if node == start:
                break
            chain.append(node)
        chains[bone] = chain
    return chains


def limb_lengths(frame: Frame, worlds: Floats) -> Floats:
    """Distance of each limb's two joints: (limbs,)."""
    starts = [frame.humanoid[bone] for bone in LIMB_ENDS]
    ends = [frame.humanoid[end] for end in LIMB_ENDS.values()]
    lengths: Floats = np.linalg.norm(worlds[ends, :3, 3] - worlds[starts, :3, 3], axis=1)
    return lengths


def mend_limbs(frame: Frame, changes: Offsets, bind: Floats) -> Offsets:
    """Makes limbs' lengths in the rest pose those of the bind pose, where they were others.

    Args:
        bind: Places of all nodes in the fitted bind pose.
    """
    before = limb_lengths(frame, frame.rest) / limb_lengths(frame, frame.bind)
    after = limb_lengths(frame, rest_worlds(frame, new_locals(frame, changes)))
    wanted = _most_common(before) * limb_lengths(frame, bind)
    times, moved = changes.times.copy(), changes.moved.copy()
    for number, chain in enumerate(limb_chains(frame).values()):
        if abs(after[number] / wanted[number] - 1) > _UNEQUAL and after[number] > 0:
            times[chain] *= wanted[number] / after[number]
            moved[chain] = True
    return msgspec.structs.replace(changes, times=times, moved=moved)


def _most_common(ratios: Floats) -> float:
    """The ratio that most limbs have, of several the nearest to 1: what was as bound stays so."""
    alike = np.abs(ratios[:, None] / ratios - 1) < _UNEQUAL
    best = np.lexsort((np.abs(np.log(ratios)), -alike.sum(axis=1)))[0]
    return float(np.median(ratios[alike[best]]))


def rest_worlds(frame: Frame, locals_: Floats) -> Floats:
    """Places of all nodes in a rest pose."""
    return world_matrices(frame.tree, locals_)
