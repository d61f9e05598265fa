"""What other programs call the bones of a humanoid."""

from __future__ import annotations

from typing import Final

NAMINGS: Final = ("vrm", "unity", "mixamo", "rigify", "unreal", "metahuman")
"""Naming schemes: VRM 1.0 humanoid, Unity's HumanBodyBones, Mixamo, Blender's Rigify, Unreal's
mannequin of version 4, and that of version 5, whose names MetaHumans have: five bones of the spine,
of which these are the first, the middle and the last, on which the collar bones hang."""

_MIDDLE: Final = {
    "hips": ("Hips", "Hips", "spine", "pelvis", "pelvis"),
    "spine": ("Spine", "Spine", "spine.001", "spine_01", "spine_01"),
    "chest": ("Chest", "Spine1", "spine.002", "spine_02", "spine_03"),
    "upperChest": ("UpperChest", "Spine2", "spine.003", "spine_03", "spine_05"),
    "neck": ("Neck", "Neck", "spine.004", "neck_01", "neck_01"),
    "head": ("Head", "Head", "spine.006", "head", "head"),
}
_SIDED: Final = {
    "Shoulder": ("Shoulder", "shoulder", "clavicle"),
    "UpperArm": ("Arm", "upper_arm", "upperarm"),
    "LowerArm": ("ForeArm", "forearm", "lowerarm"),
    "Hand": ("Hand", "hand", "hand"),
    "UpperLeg": ("UpLeg", "thigh", "thigh"),
    "LowerLeg": ("Leg", "shin", "calf"),
    "Foot": ("Foot", "foot", "foot"),
    "Toes": ("ToeBase", "toe", "ball"),
}


def rename(vrm_name: str, naming: str) -> str:
    """Returns what a naming scheme calls a bone.

    Args:
        vrm_name: Name of the bone in VRM 1.0, such as ``leftUpperArm``.
        naming: One of `NAMINGS`.

    Raises:
        KeyError: There is no such bone or no such scheme.
    """
    return _TABLES[naming][vrm_name]


def _tables() -> dict[str, dict[str, str]]:
    tables: dict[str, dict[str, str]] = {naming: {} for naming in NAMINGS}
    for vrm, (unity, mixamo, *others) in _MIDDLE.items():
        names = (vrm, unity, f"mixamorig:{mixamo}", *others)
        for naming, name in zip(NAMINGS, names, strict=True):
            tables[naming][vrm] = name
    for part, (mixamo, rigify, unreal) in _SIDED.items():
        for side in ("Left", "Right"):
            vrm = f"{side.lower()}{part}"
            own = (
                f"mixamorig:{side}{mixamo}",
                f"{rigify}.{side[0]}",
                f"{unreal}_{side[0].lower()}",
                f"{unreal}_{side[0].lower()}",
            )
            names = (vrm, side + part, *own)
            for naming, name in zip(NAMINGS, names, strict=True):
                tables[naming][vrm] = name
    return tables


_TABLES: Final = _tables()
