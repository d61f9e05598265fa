"""Biovision Hierarchy: the skeleton and one frame of rest pose, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avatarrig.body.rig.offsets import children_of, offset_of

if TYPE_CHECKING:
    from avatarrig.body.rig.armature import Armature, Bone, Point

_ROTATIONS = "Zrotation Xrotation Yrotation"
_FRAME_TIME = 1 / 30


def to_bvh(armature: Armature) -> str:
    """Writes an armature as BVH.

    The format knows neither units nor comments: the numbers are in the armature's unit, and
    what is not measured must be told beside it.

    Returns:
        The text: hierarchy, one frame with all rotations zero, the root where the hips are.
    """
    root = armature.bones[0]
    lines = ["HIERARCHY", *_joint(armature, root, 0)]
    channels = [*root.head, *[0.0] * (3 * len(armature.bones))]
    frame = " ".join(f"{value:.6f}" for value in channels)
    lines += ["MOTION", "Frames: 1", f"Frame Time: {_FRAME_TIME:.6f}", frame]
    return "\n".join(lines) + "\n"


def _joint(armature: Armature, bone: Bone, depth: int) -> list[str]:
    tab, inner = "\t" * depth, "\t" * (depth + 1)
    is_root = bone.parent is None
    # The root's place is in the motion; an offset as well would count twice in some readers.
    offset = (0.0, 0.0, 0.0) if is_root else offset_of(armature, bone)
    channels = f"6 Xposition Yposition Zposition {_ROTATIONS}" if is_root else f"3 {_ROTATIONS}"
    lines = [
        f"{tab}{'ROOT' if is_root else 'JOINT'} {bone.name}",
        f"{tab}{{",
        f"{inner}OFFSET {_numbers(offset)}",
        f"{inner}CHANNELS {channels}",
    ]
    children = children_of(armature, bone)
    for child in children:
        lines += _joint(armature, child, depth + 1)
    if not children:
        x, y, z = (end - start for start, end in zip(bone.head, bone.tail, strict=True))
        end_site = f"{inner}\tOFFSET {_numbers((x, y, z))}"
        lines += [f"{inner}End Site", f"{inner}{{", end_site, f"{inner}}}"]
    return [*lines, f"{tab}}}"]


def _numbers(point: Point) -> str:
    return " ".join(f"{value:.6f}" for value in point)
