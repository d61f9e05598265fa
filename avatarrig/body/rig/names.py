"""What other programs call the bones of a humanoid."""

from __future__ import annotations

from typing import Final

NAMINGS: Final = ("vrm", "unity", "mixamo", "rigify")
"""Naming schemes: VRM 1.0 humanoid, Unity's HumanBodyBones, Mixamo, Blender's Rigify."""

_MIDDLE: Final = {
    "hips": ("Hips", "Hips", "spine"),
    "spine": ("Spine", "Spine", "spine.001"),
    "chest": ("Chest", "Spine1", "spine.002"),
    "upperChest": ("UpperChest", "Spine2", "spine.003"),
    "neck": ("Neck", "Neck", "spine.004"),
    "head": ("Head", "Head", "spine.006"),
}
_SIDED: Final = {
    "Shoulder": ("Shoulder", "shoulder"),
    "UpperArm": ("Arm", "upper_arm"),
    "LowerArm": ("ForeArm", "forearm"),
    "Hand": ("Hand", "hand"),
    "UpperLeg": ("UpLeg", "thigh"),
    "LowerLeg": ("Leg", "shin"),
    "Foot": ("Foot", "foot"),
    "Toes": ("ToeBase", "toe"),
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
    for vrm, (unity, mixamo, rigify) in _MIDDLE.items():
        names = (vrm, unity, f"mixamorig:{mixamo}", rigify)
        for naming, name in zip(NAMINGS, names, strict=True):
            tables[naming][vrm] = name
    for part, (mixamo, rigify) in _SIDED.items():
        for side in ("Left", "Right"):
            vrm = f"{side.lower()}{part}"
            names = (vrm, side + part, f"mixamorig:{side}{mixamo}", f"{rigify}.{side[0]}")
            for naming, name in zip(NAMINGS, names, strict=True):
                tables[naming][vrm] = name
    return tables


_TABLES: Final = _tables()
