"""The armature: a humanoid in T-pose whose bones have the estimated lengths.

Axes are those of glTF and VRM: y up, the person faces +z, the person's left is +x; the origin
lies on the floor between the feet.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import msgspec

from avatarrig.body.population.anthropometry import SHARE_OF_STATURE, stature
from avatarrig.body.rig.lengths import (
    ANTHROPOMETRY,
    DIVISION,
    MEASURED,
    PRIOR,
    FileEstimate,
    RigLengths,
    Told,
    complete_lengths,
)
from avatarrig.body.rig.names import rename
from avatarrig.wire.estimate import Estimate, FaceRatio

if TYPE_CHECKING:
    from collections.abc import Mapping

METRE, STATURE = "metre", "stature"

_SPINE: Final = {"hips": 0.20, "spine": 0.30, "chest": 0.25, "upperChest": 0.25}
"""Share of the torso that each of its four bones takes, from the hips up."""
_HIPS_MOST: Final = 0.95
"""Length of the hips' bone over half the distance of the hip joints, at most."""
_COLLAR: Final = 0.15
"""Where the collar bone begins, as a share of half the shoulder width."""
_BALL: Final = 0.60
"""Where the toes begin, as a share of the foot's length ahead of the ankle."""
_HEEL: Final = 0.25
"""Share of the foot's length that lies behind the ankle."""
_DECIMALS: Final = 6
_MEASURED: Final = {
    "UpperArm": "upper_arm",
    "LowerArm": "lower_arm",
    "UpperLeg": "upper_leg",
    "LowerLeg": "lower_leg",
}
"""Bones that are one of the estimate's."""
_FURTHER: Final = {
    "head": "head",
    "neck": "neck",
    "Shoulder": "clavicle",
    "Hand": "hand",
    "Foot": "foot",
    "Toes": "foot",
}
"""Bones that are one of those that no photo shows, or a share of it."""

Point = tuple[float, float, float]


class Bone(msgspec.Struct, frozen=True, kw_only=True):
    """A bone of the armature in rest pose.

    Attributes:
        vrm: Name in VRM 1.0.
        parent: VRM name of the parent; None for the hips.
        head: Where it begins, in the armature's unit.
        source: Where its length comes from.
        told: What else the estimate says of it, the interval around its length in the armature's
            unit; None where nothing is said.
    """

    vrm: str
    name: str
    parent: str | None
    head: Point
    tail: Point
    source: str
    told: Told | None = None

    @property
    def measured(self) -> bool:
        """Whether photos tell its length."""
        return self.source == MEASURED


class Armature(msgspec.Struct, frozen=True, kw_only=True):
    """A humanoid in rest pose.

    Attributes:
        bones: Parents before children.
        unit: ``metre`` where a height was given, otherwise ``stature``: the person is 1 tall.
        face: Proportions of the face, where they are known.
    """

    bones: tuple[Bone, ...]
    unit: str
    naming: str
    face: dict[str, FaceRatio] = {}


def build_armature(
    estimate: Estimate | FileEstimate, *, naming: str = "vrm", height: float | None = None
) -> Armature:
    """Builds an armature from an estimate.

    Args:
        naming: One of `avatarrig.body.rig.names.NAMINGS`.
        height: The person's height in metres; without it the estimate's, where it was made with
            one, otherwise nothing is said about metres.

    Raises:
        EstimateRefusedError: It is empty, or one that cannot be.
    """
    known = complete_lengths(estimate)
    lengths, sources = known.lengths, known.sources
    height = known.height if height is None else height
    unit = 1.0 if height is None else height
    scale = unit / stature(lengths)
    lengths = {key: scale * length for key, length in lengths.items()}
    bones = [
        *_trunk(lengths, sources, unit),
        *(bone for side in ("left", "right") for bone in _arm(lengths, sources, side)),
        *(bone for side in ("left", "right") for bone in _leg(lengths, sources, side)),
    ]
    return Armature(
        bones=tuple(
            msgspec.structs.replace(bone, name=rename(bone.vrm, naming), told=_told(bone, known))
            for bone in bones
        ),
        unit=STATURE if height is None else METRE,
        naming=naming,
        face=estimate.face,
    )


def _told(bone: Bone, known: RigLengths) -> Told | None:
    """What the estimate says of a bone's length: the interval around it, in the armature's unit."""
    side = "left" if bone.vrm.startswith("left") else "right"
    part = bone.vrm.removeprefix(side)
    key = f"{_MEASURED[part]}_{side[0].upper()}" if part in _MEASURED else _FURTHER.get(part, "")
    told = known.told.get(key)
    if told is None or bone.source == PRIOR:
        return None
    scale = math.dist(bone.head, bone.tail) / known.lengths[key]
    low, high = (round(scale * end, _DECIMALS) for end in told.interval)
    return msgspec.structs.replace(told, interval=(low, high))


def to_document(armature: Armature) -> dict[str, Any]:
    """Lays an armature out as JSON."""
    return {
        "unit": armature.unit,
        "naming": armature.naming,
        "axes": "y up, facing +z, the person's left is +x",
        "bones": [
            {**msgspec.to_builtins(bone), "measured": bone.measured} for bone in armature.bones
        ],
        **({"face": msgspec.to_builtins(armature.face)} if armature.face else {}),
    }


def _trunk(lengths: Mapping[str, float], sources: Mapping[str, str], tall: float) -> list[Bone]:
    y = _hips_height(lengths)
    bones: list[Bone] = []
    parent = None
    measured = sources["torso_length"] == MEASURED
    shares = _spine(lengths)
    # Programs take the nearest joint's distance for a bone's length, so the hips end below it.
    most = _HIPS_MOST * lengths["hip_width"] / 2 / lengths["torso_length"]
    hips = min(shares["hips"], most)
    shares["spine"] += shares["hips"] - hips
    shares["hips"] = hips
    source = sources.get("spine_lower", DIVISION) if measured else sources["torso_length"]
    for name, share in shares.items():
        above = y + share * lengths["torso_length"]
        bones.append(_bone(name, parent, (0, y, 0), (0, above, 0), source))
        parent, y = name, above
    # Neck and head take what is left up to the stature, in their usual proportion.
    neck, head = (lengths.get(key, SHARE_OF_STATURE[key] * tall) for key in ("neck", "head"))
    chin = y + (tall - y) * neck / (neck + head)
    for name, below, start, end in (("neck", "upperChest", y, chin), ("head", "neck", chin, tall)):
        source = sources.get(name, ANTHROPOMETRY)
        bones.append(_bone(name, below, (0, start, 0), (0, end, 0), source))
    return bones


def _spine(lengths: Mapping[str, float]) -> dict[str, float]:
    """Share of the torso that each of its four bones takes, from the hips up.

    The spine's bone ends at the waist, where that is known.
    """
    if not lengths.keys() >= {"spine_lower", "spine_upper"}:
        return dict(_SPINE)
    lower, upper = lengths["spine_lower"], lengths["spine_upper"]
    ends = {"hips": lower, "spine": lower, "chest": upper, "upperChest": upper}
    below = _SPINE["hips"] + _SPINE["spine"]
    whole = {"hips": below, "spine": below, "chest": 1 - below, "upperChest": 1 - below}
    return {
        name: share / whole[name] * ends[name] / (lower + upper) for name, share in _SPINE.items()
    }


def _arm(lengths: Mapping[str, float], sources: Mapping[str, str], side: str) -> list[Bone]:
    sign, suffix = (1, "_L") if side == "left" else (-1, "_R")
    y = _hips_height(lengths) + lengths["torso_length"]
    half = lengths["shoulder_width"] / 2
    elbow = half + lengths[f"upper_arm{suffix}"]
    wrist = elbow + lengths[f"lower_arm{suffix}"]
    tip = wrist + lengths["hand"]
    collar = max(half - lengths["clavicle"], 0.0) if "clavicle" in lengths else _COLLAR * half
    collar_source = sources["shoulder_width"]
    if collar_source == MEASURED:
        collar_source = DIVISION
    rows = (
        ("Shoulder", "upperChest", collar, half, collar_source),
        ("UpperArm", f"{side}Shoulder", half, elbow, sources[f"upper_arm{suffix}"]),
        ("LowerArm", f"{side}UpperArm", elbow, wrist, sources[f"lower_arm{suffix}"]),
        ("Hand", f"{side}LowerArm", wrist, tip, sources["hand"]),
    )
    return [
        _bone(f"{side}{part}", parent, (sign * start, y, 0), (sign * end, y, 0), source)
        for part, parent, start, end, source in rows
    ]


def _leg(lengths: Mapping[str, float], sources: Mapping[str, str], side: str) -> list[Bone]:
    sign, suffix = (1, "_L") if side == "left" else (-1, "_R")
    x = sign * lengths["hip_width"] / 2
    hip = _hips_height(lengths)
    thigh, shank = lengths[f"upper_leg{suffix}"], lengths[f"lower_leg{suffix}"]
    knee, ankle = (x, hip - thigh, 0.0), (x, hip - thigh - shank, 0.0)
    foot = lengths["foot"]
    # Both feet keep their height above the ankle's share, so unequal legs end unequally high.
    floor = ankle[1] - lengths["ankle_height"]
    ball, toe_tip = (x, floor, _BALL * (1 - _HEEL) * foot), (x, floor, (1 - _HEEL) * foot)
    return [
        _bone(f"{side}UpperLeg", "hips", (x, hip, 0), knee, sources[f"upper_leg{suffix}"]),
        _bone(f"{side}LowerLeg", f"{side}UpperLeg", knee, ankle, sources[f"lower_leg{suffix}"]),
        _bone(f"{side}Foot", f"{side}LowerLeg", ankle, ball, sources["foot"]),
        _bone(f"{side}Toes", f"{side}Foot", ball, toe_tip, sources["foot"]),
    ]


def _hips_height(lengths: Mapping[str, float]) -> float:
    legs = [lengths[f"upper_leg_{side}"] + lengths[f"lower_leg_{side}"] for side in "LR"]
    return sum(legs) / 2 + lengths["ankle_height"]


def _bone(vrm: str, parent: str | None, head: Point, tail: Point, source: str) -> Bone:
    return Bone(
        vrm=vrm, name=vrm, parent=parent, head=_rounded(head), tail=_rounded(tail), source=source
    )


def _rounded(point: Point) -> Point:
    x, y, z = (round(float(value), _DECIMALS) + 0.0 for value in point)
    return (x, y, z)
