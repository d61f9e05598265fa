"""Meshes of a fitted avatar: positions, normals, tangents, blend shapes, inverse bind matrices."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from avatarrig.avatar.field import Map, derivative
from avatarrig.avatar.gltf.accessors import Floats, read_floats
from avatarrig.avatar.gltf.scene import Skin
from avatarrig.avatar.gltf.storing import Store
from avatarrig.avatar.skeleton import Frame
from avatarrig.avatar.surfaces import Surface, apply, inverse, is_one, skinned

_TINY: Final = 1e-7
"""A displacement over the body's size that is none."""
_LAST: Final = np.array([0.0, 0.0, 0.0, 1.0])
"""What a matrix of a skin ends with."""
_ROUNDED: Final = 1e-5
_NOBODY: Final = -1
"""Owner of accessors that stay as they are."""


class MeshFit(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed to fit meshes.

    Attributes:
        bind: Places of all nodes in the fitted bind pose.
    """

    frame: Frame
    skins: Sequence[Skin]
    bind: Floats
    maps: Mapping[str, Map]
    size: float


Source = tuple[dict[str, Any], bytes]
"""A document and its numbers, as they were."""


def fit_meshes(
    store: Store,
    source: Source,
    surfaces: Sequence[Surface],
    points: Sequence[Floats],
    fit: MeshFit,
) -> None:
    """Gives all surfaces their new shape.

    Args:
        points: Where the vertices of each surface go, in the scene.
        fit: Where everything else goes.
    """
    writer = _Writer(store, source)
    changed = [
        (number, *_moved(surface, points[number], fit)) for number, surface in enumerate(surfaces)
    ]
    kept = {number for number, moved, _ in changed if moved is None}
    _separate(store.document, surfaces, kept)
    for number in kept:
        writer.keep(surfaces[number])
    for number, moved, into_mesh in changed:
        if moved is None:
            continue
        surface = surfaces[number]
        turns = _turns(surface, into_mesh, fit)
        _write(
            writer,
            _Shaped(
                number=number,
                surface=surface,
                moved=moved,
                into_mesh=into_mesh,
                fit=fit,
                turns=turns,
            ),
        )


def fit_skins(store: Store, fit: MeshFit) -> None:
    """Gives skins inverse bind matrices that undo the fitted bind pose, where they had some."""
    owners: dict[int, int] = {}
    for number, skin in enumerate(fit.skins):
        if not skin.bound:
            continue
        joints = list(skin.joints)
        moved = np.linalg.inv(fit.bind[joints]) @ fit.frame.bind[joints] @ skin.inverse_binds
        moved = np.where(skin.usable[:, None, None], moved, skin.inverse_binds)
        last = skin.inverse_binds[:, 3]
        moved[:, 3] = np.where(np.abs(last - _LAST) < _ROUNDED, _LAST, last)
        if np.array_equal(moved, skin.inverse_binds):
            continue
        own = store.document["skins"][number]
        index = own.get("inverseBindMatrices")
        columns = moved.transpose(0, 2, 1).reshape(-1, 16)
        if index is None:
            own["inverseBindMatrices"] = store.add(columns, "MAT4")
            continue
        if index in owners:
            index = own["inverseBindMatrices"] = store.clone(index)
        owners[index] = number
        stored = read_floats(store.document, store.binary, index)
        store.put(index, np.concatenate([columns, stored[len(columns) :]]))


def _moved(surface: Surface, points: Floats, fit: MeshFit) -> tuple[Floats | None, Floats]:
    """Vertices in their mesh's own space after the fit, None where they stay; the way into it."""
    into_mesh = inverse(_into_fitted(surface, fit))
    moved = apply(into_mesh, points)
    before = apply(inverse(surface.into_bind), surface.points)
    unit = max(float(np.abs(np.atleast_3d(into_mesh)[..., :3, :3]).max()), 1e-12)
    if surface.skin is None and np.abs(moved - before).max(initial=0) < _TINY * fit.size * unit:
        return None, into_mesh
    return moved, into_mesh


def _into_fitted(surface: Surface, fit: MeshFit) -> Floats:
    """What moves a mesh into the scene in the fitted bind pose."""
    if surface.skin is None:
        world: Floats = fit.bind[surface.node]
        return world
    skin = fit.skins[surface.skin]
    if skin.bound:  # its inverse bind matrices are made to undo the fitted pose
        return surface.into_bind
    return skinned(fit.bind, skin, surface.joints, surface.weights)


def _separate(document: dict[str, Any], surfaces: Sequence[Surface], kept: set[int]) -> None:
    """Gives nodes that share a mesh, and change it differently, one of their own."""
    shapes: dict[int, dict[int, set[int]]] = {}
    for number, surface in enumerate(surfaces):
        for mesh, _, node in surface.uses:
            own = _NOBODY if number in kept else number
            shapes.setdefault(mesh, {}).setdefault(node, set()).add(own)
    for mesh, nodes in shapes.items():
        first, *others = nodes.items()
        for node, found in others:
            if found != first[1]:
                document["meshes"].append(copy.deepcopy(document["meshes"][mesh]))
                document["nodes"][node]["mesh"] = len(document["meshes"]) - 1


class _Writer:
    """Writes accessors, each once for each surface that uses it."""

    def __init__(self, store: Store, source: Source) -> None:
        self.store = store
        self.source = source
        self._owners: dict[int, int] = {}
        self._copies: dict[tuple[int, int], int] = {}

    def keep(self, surface: Surface) -> None:
        """Leaves the accessors of a surface as they are, whoever else uses them."""
        for mesh, primitive, _ in surface.uses:
            own = self.source[0]["meshes"][mesh]["primitives"][primitive]
            for holder in (own["attributes"], *own.get("targets", [])):
                self._owners |= dict.fromkeys(holder.values(), _NOBODY)

    def write(
        self, holder: dict[str, int], name: str, owner: int, make: Callable[[Floats], Floats]
    ) -> None:
        """Gives an attribute new values, unless its owner has given them already.

        Args:
            holder: Attributes or a blend shape of a primitive.
            owner: The surface, whose shape determines the new values.
        """
        index = holder[name]
        if self._owners.setdefault(index, owner) != owner:
            key = (index, owner)
            if key not in self._copies:
                self._copies[key] = self.store.clone(index)
                self.store.put(self._copies[key], make(self._old(index)))
            holder[name] = self._copies[key]
        elif (index, owner) not in self._copies:
            self._copies[index, owner] = index
            self.store.put(index, make(self._old(index)))

    def original(self, index: int) -> int:
        """The accessor that an accessor is a copy of."""
        return next((key[0] for key, copied in self._copies.items() if copied == index), index)

    def _old(self, index: int) -> Floats:
        document, binary = self.source
        return read_floats(document, binary, index)


class _Shaped(msgspec.Struct, frozen=True, kw_only=True):
    """A surface, where its vertices go, and how its maps turn and stretch there."""

    number: int
    surface: Surface
    moved: Floats
    into_mesh: Floats
    fit: MeshFit
    turns: Floats
    """Of a small thing in the mesh's own space: (n, 3, 3)."""


def _write(writer: _Writer, shaped: _Shaped) -> None:
    document = writer.store.document
    for _, primitive, node in shaped.surface.uses:
        own = document["meshes"][document["nodes"][node]["mesh"]]["primitives"][primitive]
        number, attributes = shaped.number, own["attributes"]
        writer.write(attributes, "POSITION", number, lambda _: shaped.moved)
        if "NORMAL" in attributes:
            writer.write(attributes, "NORMAL", number, lambda old: _normals(old, shaped.turns))
        if "TANGENT" in attributes:
            writer.write(attributes, "TANGENT", number, lambda old: _tangents(old, shaped.turns))
        for target in own.get("targets", []):
            _write_target(writer, target, attributes, shaped)


def _write_target(
    writer: _Writer, target: dict[str, int], attributes: Mapping[str, int], shaped: _Shaped
) -> None:
    if "POSITION" in target:
        writer.write(target, "POSITION", shaped.number, lambda old: _deltas(old, shaped))
    if "NORMAL" in target and "NORMAL" in attributes:
        document, binary = writer.source
        normals = read_floats(document, binary, writer.original(attributes["NORMAL"]))
        writer.write(
            target,
            "NORMAL",
            shaped.number,
            lambda old: _normal_deltas(old, normals, shaped.turns),
        )
    if "TANGENT" in target:
        writer.write(
            target,
            "TANGENT",
            shaped.number,
            lambda old: np.einsum("nij,nj->ni", shaped.turns, old[:, :3]),
        )


def _turns(surface: Surface, into_mesh: Floats, fit: MeshFit) -> Floats:
    scene = derivative(lambda points: surface.deform(fit.maps, points), surface.points, fit.size)
    back = into_mesh[..., :3, :3]
    turns: Floats = back @ scene @ surface.into_bind[..., :3, :3]
    return turns


def _deltas(old: Floats, shaped: _Shaped) -> Floats:
    """Differences of a blend shape; where there are none, there stay none."""
    surface, out = shaped.surface, np.zeros_like(old)
    rows = np.flatnonzero(np.any(old != 0, axis=1))
    if not len(rows):
        return out
    into_bind, into_mesh = (
        matrix if is_one(matrix) else matrix[rows]
        for matrix in (surface.into_bind, shaped.into_mesh)
    )
    turned = apply(into_bind, old[rows]) - apply(into_bind, np.zeros((len(rows), 3)))
    maps, points = shaped.fit.maps, surface.points[rows]
    here, there = (surface.deform(maps, p, rows) for p in (points, points + turned))
    out[rows] = apply(into_mesh, there) - apply(into_mesh, here)
    return out


def _normals(old: Floats, turns: Floats) -> Floats:
    return _unit(_turned(old, turns))


def _normal_deltas(old: Floats, normals: Floats, turns: Floats) -> Floats:
    rows = np.flatnonzero(np.any(old != 0, axis=1))
    out = np.zeros_like(old)
    before = _turned(normals[rows], turns[rows])
    length = np.maximum(np.linalg.norm(before, axis=1, keepdims=True), 1e-12)
    out[rows] = _turned(old[rows], turns[rows]) / length
    return out


def _turned(normals: Floats, turns: Floats) -> Floats:
    """Normals stand upright on what is stretched: they turn by the inverse, transposed."""
    turned: Floats = np.asarray(
        np.linalg.solve(turns.transpose(0, 2, 1), normals[:, :, None])[:, :, 0], np.float64
    )
    return turned


def _tangents(old: Floats, turns: Floats) -> Floats:
    tangents = _unit(np.einsum("nij,nj->ni", turns, old[:, :3]))
    return np.concatenate([tangents, old[:, 3:]], axis=1)


def _unit(vectors: Floats) -> Floats:
    unit: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit
