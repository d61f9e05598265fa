"""Animations: tracks of translations follow the bones that they move."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from avatarrig.avatar.gltf.accessors import Floats, read_floats
from avatarrig.avatar.gltf.storing import Store
from avatarrig.avatar.skeleton import Offsets

_SPLINE: Final = 3
"""Values of a spline's key: slope before, value, slope behind."""
_STAYS: Final = -1


def fit_animations(store: Store, changes: Offsets) -> int:
    """Changes the translation tracks of all nodes whose offsets change.

    Keys, and samplers, that several nodes share become each node's own where the nodes' offsets
    change differently.
    """
    users: dict[int, set[int]] = {}
    for sampler, node in _tracks(store.document, changes):
        users.setdefault(sampler["output"], set()).add(node)
    written: dict[tuple[int, int], int] = {}
    count = 0
    for animation in store.document.get("animations", []):
        _separate(animation, changes)
    for sampler, node in list(_tracks(store.document, changes)):
        if node == _STAYS:
            continue
        key = (sampler["output"], node)
        if key not in written:
            written[key] = _write(store, sampler, node, changes, alone=len(users[key[0]]) == 1)
            count += 1
    for sampler, node in _tracks(store.document, changes):
        sampler["output"] = written.get((sampler["output"], node), sampler["output"])
    return count


def _tracks(document: dict[str, Any], changes: Offsets) -> Iterator[tuple[dict[str, Any], int]]:
    """Each channel's sampler, and the node that it moves; `_STAYS` where no offset changes."""
    for animation in document.get("animations", []):
        for channel in _channels(animation):
            yield animation["samplers"][channel["sampler"]], _moved_node(channel, changes)


def _channels(animation: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that move something; readers leave out the others."""
    return [channel for channel in animation["channels"] if "node" in channel["target"]]


def _moved_node(channel: dict[str, Any], changes: Offsets) -> int:
    target = channel["target"]
    node: int = target["node"]
    moves = target.get("path") == "translation" and changes.moved[node]
    return node if moves else _STAYS


def _separate(animation: dict[str, Any], changes: Offsets) -> None:
    """Gives each node a sampler of its own that shares one with others."""
    owners: dict[int, int] = {}
    copies: dict[tuple[int, int], int] = {}
    for channel in _channels(animation):
        sampler, node = channel["sampler"], _moved_node(channel, changes)
        if owners.setdefault(sampler, node) == node:
            continue
        if (sampler, node) not in copies:
            animation["samplers"].append(dict(animation["samplers"][sampler]))
            copies[sampler, node] = len(animation["samplers"]) - 1
        channel["sampler"] = copies[sampler, node]


def _write(
    store: Store, sampler: dict[str, Any], node: int, changes: Offsets, *, alone: bool
) -> int:
    """Writes the keys of a node, in place where nobody else uses them; returns their accessor."""
    index: int = sampler["output"]
    keys = read_floats(store.document, store.binary, index)
    moved = _moved(keys, node, changes, spline=sampler.get("interpolation") == "CUBICSPLINE")
    own = index if alone else store.clone(index)
    store.put(own, moved)
    return own


def _moved(keys: Floats, node: int, changes: Offsets, *, spline: bool) -> Floats:
    if not spline:
        return changes.apply(node, keys)
    triples = keys.reshape(-1, _SPLINE, 3)
    parts = (
        changes.apply_to_slopes(node, triples[:, 0]),
        changes.apply(node, triples[:, 1]),
        changes.apply_to_slopes(node, triples[:, 2]),
    )
    return np.stack(parts, axis=1).reshape(-1, 3)
