"""How tall an avatar is and where its soles are, before and after, in both poses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from avatarrig.avatar.errors import UnfitAvatarError
from avatarrig.avatar.field import Map
from avatarrig.avatar.gltf.accessors import Floats
from avatarrig.avatar.gltf.scene import POSED, Skin, pose_spread
from avatarrig.avatar.regions import LIMB_ENDS, LIMBS, TRUNK
from avatarrig.avatar.skeleton import Frame
from avatarrig.avatar.surfaces import Surface, apply

_LOW, _HIGH = 0.12, 0.75
"""Only vertices below and above these shares of the height can become lowest and highest."""
_FEET: Final = ("leftFoot", "rightFoot")
_LITTLE, _MOSTLY, _ALL = 0.01, 0.5, 0.95
_BEYOND: Final = 0.12
"""A limb whose mesh reaches so far beyond its joints, over its length, is stretched as a whole."""
_UP: Final = np.array([0.0, 1.0, 0.0])
_LYING: Final = 0.5
"""A body whose feet are less below its head than this, over their distance, lies."""


class Extent(msgspec.Struct, frozen=True, kw_only=True):
    """How tall a body is and where it stands.

    Attributes:
        soles: Level of the feet's lowest point in the scene.
        height: From the soles to the crown; along the body where it lies.
    """

    soles: float
    height: float


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """Vertices of a surface that may be lowest or highest."""

    surface: Surface
    vertices: NDArray[np.int64]
    feet: NDArray[np.bool_]
    joints: NDArray[np.int64]
    """Nodes that hold them: (n, k)."""


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """Measures an avatar.

    Attributes:
        straight: Limbs whose mesh reaches far beyond their joints.
        detached: Limbs whose mesh has no vertex that the trunk holds as well.
        up: From feet to head in the rest pose, along an axis of the scene: (3,).
    """

    parts: tuple[_Part, ...]
    before: Extent
    bind_before: Extent
    straight: frozenset[str]
    detached: frozenset[str]
    up: Floats
    bind_up: Floats

    def after(
        self, maps: Mapping[str, Map], bind: Floats | None = None, rest: Floats | None = None
    ) -> Extent:
        """Measures the fitted avatar.

        Args:
            bind: Places of all nodes in the fitted bind pose; needed with ``rest``.
            rest: Their places in the fitted rest pose; without it the bind pose is measured.
        """
        points = [
            part.surface.deform(maps, part.surface.points[part.vertices], part.vertices)
            for part in self.parts
        ]
        if bind is None or rest is None:
            return _extent(self.parts, points, self.bind_up)
        points = [
            _posed(part, moved, bind, rest) for part, moved in zip(self.parts, points, strict=True)
        ]
        return _extent(self.parts, points, self.up)


def read_measure(surfaces: Sequence[Surface], frame: Frame, skins: Sequence[Skin]) -> Measure:
    """Makes ready to measure an avatar.

    Raises:
        UnfitAvatarError: It has no height.
    """
    parts = [_part(surface, skins, np.arange(len(surface.points))) for surface in surfaces]
    in_bind = [surface.points for surface in surfaces]
    posed = pose_spread(frame.rest, skins) > POSED
    in_rest = [
        _posed(part, points, frame.bind, frame.rest) if posed else points
        for part, points in zip(parts, in_bind, strict=True)
    ]
    up, bind_up = _up(frame, frame.rest), _up(frame, frame.bind)
    before, bind_before = _extent(parts, in_rest, up), _extent(parts, in_bind, bind_up)
    if min(before.height, bind_before.height) <= 0:
        raise UnfitAvatarError("the body has no height: its feet are not below its head")
    few = []
    rests, binds = _ends(in_rest, up), _ends(in_bind, bind_up)
    for part, rest, bind in zip(parts, in_rest, in_bind, strict=True):
        may = part.feet | _may_matter(rest @ up, rests) | _may_matter(bind @ bind_up, binds)
        few.append(_part(part.surface, skins, np.flatnonzero(may)))
    return Measure(
        parts=tuple(few),
        before=before,
        bind_before=bind_before,
        straight=_straight(surfaces, frame),
        detached=_detached(surfaces),
        up=up,
        bind_up=bind_up,
    )


def _up(frame: Frame, worlds: Floats) -> Floats:
    """Up in the scene; the axis nearest to the body's own where it lies, as some exports do."""
    feet = worlds[[frame.humanoid[foot] for foot in _FEET], :3, 3].mean(axis=0)
    body = worlds[frame.humanoid["head"], :3, 3] - feet
    if body @ _UP > _LYING * float(np.linalg.norm(body)):
        return _UP
    axis = int(np.argmax(np.abs(body)))
    along: Floats = np.sign(body[axis]) * np.eye(3)[axis]
    return along


def _ends(points: Sequence[Floats], up: Floats) -> tuple[float, float]:
    heights = np.concatenate(points) @ up
    return float(heights.min()), float(heights.max())


def _may_matter(heights: Floats, ends: tuple[float, float]) -> NDArray[np.bool_]:
    low, high = ends
    share = (heights - low) / (high - low)
    may: NDArray[np.bool_] = (share < _LOW) | (share > _HIGH)
    return may


def _part(surface: Surface, skins: Sequence[Skin], vertices: NDArray[np.int64]) -> _Part:
    if surface.skin is None:
        joints = np.full((len(vertices), 1), surface.node)
    else:
        joints = np.array(skins[surface.skin].joints)[surface.joints[vertices]]
    return _Part(
        surface=surface,
        vertices=vertices,
        feet=surface.weight_of(_FEET)[vertices] > _MOSTLY,
        joints=joints,
    )


def _posed(part: _Part, points: Floats, bind: Floats, rest: Floats) -> Floats:
    """Moves points from the bind pose into the rest pose."""
    into_rest = rest @ np.linalg.inv(bind)
    weights = part.surface.weights[part.vertices]
    return apply(np.einsum("nk,nkij->nij", weights, into_rest[part.joints]), points)


def _extent(parts: Sequence[_Part], points: Sequence[Floats], up: Floats) -> Extent:
    every = np.concatenate([*points, np.zeros((0, 3))])
    if not len(every):
        raise UnfitAvatarError("the avatar has no vertices")
    feet = np.concatenate([part.feet for part in parts])
    lowest = every[feet] if feet.any() else every
    height = (every @ up).max() - (lowest @ up).min()
    return Extent(soles=float((lowest @ _UP).min()), height=float(height))


def _straight(surfaces: Sequence[Surface], frame: Frame) -> frozenset[str]:
    found = set()
    for bone, end in LIMB_ENDS.items():
        start = frame.bind[frame.humanoid[bone], :3, 3]
        along = frame.bind[frame.humanoid[end], :3, 3] - start
        places = [
            (surface.points[surface.weight_of((bone,)) > _ALL] - start) @ along / (along @ along)
            for surface in surfaces
        ]
        place = np.concatenate(places)
        if len(place) and np.percentile(np.maximum(-place, place - 1), 95) > _BEYOND:
            found.add(bone)
    return frozenset(found)


def _detached(surfaces: Sequence[Surface]) -> frozenset[str]:
    trunk = [surface.weight_of((TRUNK,)) for surface in surfaces]
    return frozenset(
        bone
        for bone in LIMBS
        if not any(
            np.any((surface.weight_of((bone,)) > _LITTLE) & (held > _LITTLE))
            for surface, held in zip(surfaces, trunk, strict=True)
        )
    )
