"""Proportions as other programs' settings: SlimeVR's body, Unity's human, Android XR's body.

SlimeVR: the keys of ``skeleton.offsets`` in its ``vrconfig.yml``, as SkeletonConfigOffsets of
SlimeVR-Server names them, in metres. Unity: the fields of UnityEngine.HumanDescription, HumanBone
and SkeletonBone (https://docs.unity3d.com/ScriptReference/HumanDescription.html). Android XR: the
fields of Google.XR.Extensions.XRHumanBodyProportions, in metres
(https://developer.android.com/develop/xr/unity/reference/class/Google/XR/Extensions/XRHumanBodyProportions),
as Unity's JsonUtility.FromJsonOverwrite takes them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from avatarrig.body.rig.armature import Armature, Bone
from avatarrig.body.rig.names import rename
from avatarrig.body.rig.offsets import offset_of

_EYES: Final = 0.936
"""Height of the eyes over stature, as SlimeVR has it."""
_SPINE: Final = {
    "upperChestLength": 0.16,
    "chestLength": 0.16,
    "waistLength": 0.20,
    "hipLength": 0.04,
}
"""SlimeVR's own division of the trunk, in metres of its average body."""
_UNITY: Final = {
    "upperArmTwist": 0.5,
    "lowerArmTwist": 0.5,
    "upperLegTwist": 0.5,
    "lowerLegTwist": 0.5,
    "armStretch": 0.05,
    "legStretch": 0.05,
    "feetSpacing": 0.0,
    "hasTranslationDoF": False,
}
"""What Unity sets unless told otherwise."""


_DECIMALS: Final = 4
_SIDES: Final = ("left", "right")


def to_slimevr(armature: Armature) -> str:
    """Writes the offsets of SlimeVR's skeleton, to be put into its ``vrconfig.yml``.

    What SlimeVR measures from the headset is left out, so that its own values stay.

    Args:
        armature: A humanoid in metres.
    """
    bones = {bone.vrm: bone for bone in armature.bones}
    hip, shoulder = bones["leftUpperLeg"].head, bones["leftUpperArm"].head
    trunk = shoulder[1] - hip[1]
    whole = sum(_SPINE.values())
    crown = bones["head"].tail[1]
    offsets = {
        "neckLength": _EYES * crown - shoulder[1],
        **{key: trunk * share / whole for key, share in _SPINE.items()},
        "hipsWidth": 2 * abs(hip[0]),
        "upperLegLength": _length(bones, "UpperLeg"),
        "lowerLegLength": _length(bones, "LowerLeg") + bones["leftFoot"].head[1],
        "footLength": bones["leftToes"].tail[2] - bones["leftFoot"].head[2],
        "shouldersDistance": 0.0,
        "shouldersWidth": 2 * abs(shoulder[0]),
        "upperArmLength": _length(bones, "UpperArm"),
        "lowerArmLength": _length(bones, "LowerArm"),
    }
    lines = [f"    {key}: {value:.4f}" for key, value in offsets.items()]
    return "\n".join(["skeleton:", "  offsets:", *lines, ""])


def to_android_xr(armature: Armature) -> bytes:
    """Writes Android XR's body proportions as JSON. `armature`: a humanoid in metres."""
    bones = {bone.vrm: bone for bone in armature.bones}
    heights = {name: bone.head[1] for name, bone in bones.items()}
    foot, toes = bones["leftFoot"].head, bones["leftToes"].head
    proportions = {
        "HeadHeight": heights["head"] - toes[1],
        "HipsWidth": _apart(bones, "UpperLeg"),
        "HipsLength": heights["spine"] - heights["hips"],
        "TorsoLength": heights["neck"] - heights["spine"],
        "NeckLength": heights["head"] - heights["neck"],
        "ShoulderWidth": _apart(bones, "UpperArm"),
        "UpperArmLength": _length(bones, "UpperArm"),
        "LowerArmLength": _length(bones, "LowerArm"),
        "UpperLegLength": _length(bones, "UpperLeg"),
        "LowerLegLength": _length(bones, "LowerLeg"),
        "AnkleHeight": foot[1] - toes[1],
        "FootLength": toes[2] - foot[2],
    }
    rounded = {key: round(value, _DECIMALS) for key, value in proportions.items()}
    return msgspec.json.format(msgspec.json.encode(rounded), indent=2) + b"\n"


def to_unity(armature: Armature) -> bytes:
    """Writes a HumanDescription as JSON; Unity's x runs to the right, so places are mirrored.

    Args:
        armature: A humanoid in metres.
    """
    document: dict[str, Any] = {
        "human": [
            {
                "boneName": bone.name,
                "humanName": rename(bone.vrm, "unity"),
                "limit": {"useDefaultValues": True},
            }
            for bone in armature.bones
        ],
        "skeleton": [
            {
                "name": bone.name,
                "position": dict(zip("xyz", _mirrored(armature, bone), strict=True)),
                "rotation": {"x": 0.0, "y": 0.0, "z": 0.0, "w": 1.0},
                "scale": {"x": 1.0, "y": 1.0, "z": 1.0},
            }
            for bone in armature.bones
        ],
        **_UNITY,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _mirrored(armature: Armature, bone: Bone) -> tuple[float, float, float]:
    x, y, z = offset_of(armature, bone)
    return (-x + 0.0, y, z)


def _apart(bones: Mapping[str, Bone], part: str) -> float:
    """Distance of the left and the right joint."""
    return math.dist(*(bones[f"{side}{part}"].head for side in _SIDES))


def _length(bones: Mapping[str, Bone], part: str) -> float:
    """Mean of the left and the right bone."""
    sides = [bones[f"{side}{part}"] for side in _SIDES]
    return sum(math.dist(bone.head, bone.tail) for bone in sides) / len(sides)
