"""The tree of an armature: children, and where each begins relative to its parent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from avatarrig.body.rig.armature import Armature, Bone, Point


def children_of(armature: Armature, parent: Bone) -> list[Bone]:
    """Returns the bones that hang on a bone, in the armature's order."""
    return [bone for bone in armature.bones if bone.parent == parent.vrm]


def offset_of(armature: Armature, bone: Bone) -> Point:
    """Returns where a bone begins relative to where its parent begins; the root: to the floor."""
    if bone.parent is None:
        return bone.head
    parent = next(candidate for candidate in armature.bones if candidate.vrm == bone.parent)
    x, y, z = (round(a - b, 6) + 0.0 for a, b in zip(bone.head, parent.head, strict=True))
    return (x, y, z)
