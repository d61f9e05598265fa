"""What a VRM hangs on bones besides meshes: colliders, springs' radii, the point between the eyes.

VRM 0.x: https://github.com/vrm-c/vrm-specification/tree/master/specification/0.0; VRM 1.0:
VRMC_vrm and VRMC_springBone there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np

from avatarrig.avatar.field import Map
from avatarrig.avatar.gltf.accessors import Floats
from avatarrig.avatar.regions import NOWHERE, REGIONS
from avatarrig.avatar.skeleton import Frame

_EVEN: Final = 1e-6
_MIRRORED: Final = np.array([1.0, 1.0, -1.0])
"""VRM 0.x writes places as Unity has them, whose z runs the other way."""


class Attached(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed to carry things along.

    Attributes:
        bind: Places of all nodes in the fitted bind pose.
    """

    frame: Frame
    bind: Floats
    maps: Mapping[str, Map]

    def carried(self, node: int, offset: Floats) -> tuple[Floats, float]:
        """Where a point in a node's frame goes, and how much things there grow across."""
        region = self.frame.regions[node]
        if region == NOWHERE:
            return offset, 1.0
        transform = self.maps[REGIONS[region]]
        before = self.frame.bind[node]
        point = before[:3, :3] @ offset + before[:3, 3]
        moved = transform(point[None])[0]
        after = self.bind[node]
        local = np.linalg.inv(after[:3, :3]) @ (moved - after[:3, 3])
        return local, transform.girth(point)


def fit_attachments(document: dict[str, Any], attached: Attached, head: float) -> None:
    """Carries colliders, radii and the look-at point along, in place.

    Args:
        attached: Where everything goes.
        head: Factor of the head's size.
    """
    extensions = document.get("extensions") or {}
    if "VRM" in extensions:
        _fit_vrm0(extensions["VRM"], attached, head)
    look = (extensions.get("VRMC_vrm") or {}).get("lookAt") or {}
    if "offsetFromHeadBone" in look and head != 1:
        look["offsetFromHeadBone"] = [head * value for value in look["offsetFromHeadBone"]]
    if "VRMC_springBone" in extensions:
        _fit_vrm1(extensions["VRMC_springBone"], attached)


def _fit_vrm0(vrm: dict[str, Any], attached: Attached, head: float) -> None:
    offset = (vrm.get("firstPerson") or {}).get("firstPersonBoneOffset")
    if offset and head != 1:
        for axis in offset:
            offset[axis] *= head
    secondary = vrm.get("secondaryAnimation") or {}
    for group in secondary.get("colliderGroups") or []:
        for collider in group.get("colliders") or []:
            place = collider.get("offset") or {}
            point = np.array([place.get(axis, 0) for axis in "xyz"], float)
            moved, grown = attached.carried(group["node"], point * _MIRRORED)
            _write_axes(place, point, moved * _MIRRORED)
            _grow(collider, "radius", grown)
    for group in secondary.get("boneGroups") or []:
        nodes = [node for node in group.get("bones") or [] if node >= 0]
        if nodes:
            girths = [attached.carried(node, np.zeros(3))[1] for node in nodes]
            _grow(group, "hitRadius", float(np.mean(girths)))


def _fit_vrm1(springs: dict[str, Any], attached: Attached) -> None:
    for collider in springs.get("colliders") or []:
        extended = (collider.get("extensions") or {}).get("VRMC_springBone_extended_collider") or {}
        for shape in (collider.get("shape") or {}, extended.get("shape") or {}):
            for form in shape.values():
                _fit_form(form, collider["node"], attached)
    for spring in springs.get("springs") or []:
        for joint in spring.get("joints") or []:
            _, grown = attached.carried(joint["node"], np.zeros(3))
            _grow(joint, "hitRadius", grown)


def _fit_form(form: dict[str, Any], node: int, attached: Attached) -> None:
    grown = 1.0
    for key in ("offset", "tail"):
        if key in form:
            point = np.array(form[key], float)
            moved, grown = attached.carried(node, point)
            if _differ(point, moved):
                form[key] = moved.tolist()
    if "offset" not in form:
        _, grown = attached.carried(node, np.zeros(3))
    _grow(form, "radius", grown)


def _grow(thing: dict[str, Any], key: str, factor: float) -> None:
    if thing.get(key) and abs(factor - 1) > _EVEN:
        thing[key] = thing[key] * factor


def _write_axes(place: dict[str, Any], old: Floats, new: Floats) -> None:
    if _differ(old, new):
        place |= dict(zip("xyz", new.tolist(), strict=True))


def _differ(old: Floats, new: Floats) -> bool:
    return bool(np.abs(new - old).max() > _EVEN * max(float(np.abs(old).max()), _EVEN))
