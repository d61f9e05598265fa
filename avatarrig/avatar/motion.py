"""Animations: tracks of translations follow the bones that they move."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarrig.avatar.gltf.accessors import Floats, read_floats
from avatarrig.avatar.gltf.storing import Store
from avatarrig.avatar.skeleton import Offsets

_SPLINE: Final = 3
"""Values of a spline's key: slope before, value, slope behind."""


def fit_animations(store: Store, changes: Offsets) -> int:
    """Changes the translation tracks of all nodes whose offsets change."""
    written: dict[int, int] = {}
    count = 0
    for animation in store.document.get("animations", []):
        for channel in animation["channels"]:
            target = channel["target"]
            node = target.get("node")
            if target.get("path") != "translation" or node is None or not changes.moved[node]:
                continue
            sampler = animation["samplers"][channel["sampler"]]
            index = sampler["output"]
            original = index
            if written.get(original) == node:
                continue
            keys = read_floats(store.document, store.binary, index)
            moved = _moved(
                keys, node, changes, spline=sampler.get("interpolation") == "CUBICSPLINE"
            )
            if index in written:
                index = sampler["output"] = store.clone(index)
            store.put(index, moved)
            written[index] = node
            count += 1
    return count


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
