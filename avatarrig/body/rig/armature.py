"""The armature: a humanoid in T-pose whose bones have the estimated lengths.

Axes are those of glTF and VRM: y up, the person faces +z, the person's left is +x; the origin
lies on the floor between the feet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from avatarrig.body.anthropometry import (
    SHARE_OF_STATURE,
    is_enough_for_stature,
    stature,
)
from avatarrig.body.rig.names import rename
from avatarrig.wire.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Mapping

MEASURED: Final = "measured"
PRIOR: Final = "population mean: too few photos show it"
ANTHROPOMETRY: Final = "anthropometry: share of stature (Drillis and Contini)"
DIVISION: Final = "convention: share of a measured length"

METRE, STATURE = "metre", "stature"

_SPINE: Final = {"hips": 0.20, "spine": 0.30, "chest": 0.25, "upperChest": 0.25}
"""Share of the torso that each of its four bones takes, from the hips up."""
_COLLAR: Final = 0.15
"""Where the collar bone begins, as a share of half the shoulder width."""
_BALL: Final = 0.60
"""Where the toes begin, as a share of the foot's length ahead of the ankle."""
_HEEL: Final = 0.25
"""Share of the foot's length that lies behind the ankle."""
_DECIMALS: Final = 6

Point = tuple[float, float, float]


class EstimateRefusedError(ValueError):
    """A document does not hold an estimate that an armature can be made of."""


class Bone(msgspec.Struct, frozen=True, kw_only=True):
    """A bone of the armature in rest pose.

    Attributes:
        vrm: Name in VRM 1.0.
        name: Name in the scheme asked for.
        parent: VRM name of the parent; None for the hips.
        head: Where it begins, in the armature's unit.
        tail: Where it ends.
        source: Where its length comes from.
    """

    vrm: str
    name: str
    parent: str | None
    head: Point
    tail: Point
    source: str

    @property
    def measured(self) -> bool:
        """Whether photos tell its length."""
        return self.source == MEASURED


class Armature(msgspec.Struct, frozen=True, kw_only=True):
    """A humanoid in rest pose.

    Attributes:
        bones: Parents before children.
        unit: ``metre`` where a height was given, otherwise ``stature``: the person is 1 tall.
        naming: Scheme of the bones' names.
    """

    bones: tuple[Bone, ...]
    unit: str
    naming: str


class PriorValue(msgspec.Struct, frozen=True):
    """Of what is known about a bone, its value."""

    value: float | None = None


class PrototypeEstimate(msgspec.Struct, frozen=True):
    """What an armature needs of ``skeleton_estimate.json``; the prototype's files have it too."""

    estimates: dict[str, float]
    stats: dict[str, PriorValue] = {}


def read_estimate(content: bytes) -> PrototypeEstimate:
    """Reads a ``skeleton_estimate.json``, this program's or the prototype's.

    Raises:
        EstimateRefusedError: It is none.
    """
    try:
        return msgspec.json.decode(content, type=PrototypeEstimate)
    except msgspec.MsgspecError as error:
        raise EstimateRefusedError(f"this is no skeleton estimate: {error}") from error


def build_armature(
    estimate: Estimate | PrototypeEstimate, *, naming: str = "vrm", height: float | None = None
) -> Armature:
    """Builds an armature from an estimate.

    Args:
        estimate: What is known of the person.
        naming: One of `avatarrig.body.rig.names.NAMINGS`.
        height: The person's height in metres; without it nothing is said about metres.

    Raises:
        EstimateRefusedError: It is empty, or one that cannot be.
    """
    lengths, sources = _lengths(estimate)
    unit = 1.0 if height is None else height
    scale = unit / stature(lengths)
    lengths = {key: scale * length for key, length in lengths.items()}
    bones = [
        *_trunk(lengths, sources, unit),
        *(bone for side in ("left", "right") for bone in _arm(lengths, sources, unit, side)),
        *(bone for side in ("left", "right") for bone in _leg(lengths, sources, unit, side)),
    ]
    return Armature(
        bones=tuple(msgspec.structs.replace(bone, name=rename(bone.vrm, naming)) for bone in bones),
        unit=STATURE if height is None else METRE,
        naming=naming,
    )


def to_document(armature: Armature) -> dict[str, Any]:
    """Lays an armature out as JSON."""
    return {
        "unit": armature.unit,
        "naming": armature.naming,
        "axes": "y up, facing +z, the person's left is +x",
        "bones": [
            {**msgspec.to_builtins(bone), "measured": bone.measured} for bone in armature.bones
        ],
    }


_KEYS: Final = (
    "shoulder_width",
    "hip_width",
    "torso_length",
    *(f"{bone}_{side}" for bone in ("upper_arm", "lower_arm") for side in "LR"),
    *(f"{bone}_{side}" for bone in ("upper_leg", "lower_leg") for side in "LR"),
)


def _lengths(estimate: Estimate | PrototypeEstimate) -> tuple[dict[str, float], dict[str, str]]:
    """Length of every bone over shoulder width, and where each comes from."""
    lengths: dict[str, float] = {}
    sources: dict[str, str] = {}
    for key in _KEYS:
        known = estimate.stats.get(key)
        if key in estimate.estimates:
            lengths[key], sources[key] = estimate.estimates[key], MEASURED
        elif known is not None and known.value is not None:
            lengths[key], sources[key] = known.value, PRIOR
    if not lengths:
        raise EstimateRefusedError("the estimate is empty: no photo has counted yet")
    if not all(0.01 < length < 100 for length in lengths.values()):  # noqa: PLR2004 - no person
        raise EstimateRefusedError("the estimate holds a length that no person has")
    _fill(lengths, sources)
    return lengths, sources


def _fill(lengths: dict[str, float], sources: dict[str, str]) -> None:
    """Adds what is missing: the other side's length, otherwise the population's share."""
    for key in _KEYS:
        other = f"{key[:-1]}{'L' if key[-1] == 'R' else 'R'}"
        if key not in lengths and key[-2] == "_" and other in lengths:
            lengths[key], sources[key] = lengths[other], sources[other]
    if is_enough_for_stature(lengths):
        tall = stature(lengths)
    else:
        shares = [length / _share(key) for key, length in lengths.items()]
        tall = sum(shares) / len(shares)
    for key in _KEYS:
        if key not in lengths:
            lengths[key], sources[key] = tall * _share(key), ANTHROPOMETRY


def _share(key: str) -> float:
    return SHARE_OF_STATURE[key.removesuffix("_L").removesuffix("_R")]


def _trunk(lengths: Mapping[str, float], sources: Mapping[str, str], tall: float) -> list[Bone]:
    y = _hips_height(lengths, tall)
    bones: list[Bone] = []
    parent = None
    measured = sources["torso_length"] == MEASURED
    for name, share in _SPINE.items():
        above = y + share * lengths["torso_length"]
        source = DIVISION if measured else sources["torso_length"]
        bones.append(_bone(name, parent, (0, y, 0), (0, above, 0), source))
        parent, y = name, above
    # Neck and head take what is left up to the stature, in their usual proportion.
    neck, head = SHARE_OF_STATURE["neck"], SHARE_OF_STATURE["head"]
    chin = y + (tall - y) * neck / (neck + head)
    bones.append(_bone("neck", "upperChest", (0, y, 0), (0, chin, 0), ANTHROPOMETRY))
    bones.append(_bone("head", "neck", (0, chin, 0), (0, tall, 0), ANTHROPOMETRY))
    return bones


def _arm(
    lengths: Mapping[str, float], sources: Mapping[str, str], tall: float, side: str
) -> list[Bone]:
    sign, suffix = (1, "_L") if side == "left" else (-1, "_R")
    y = _hips_height(lengths, tall) + lengths["torso_length"]
    half = lengths["shoulder_width"] / 2
    elbow = half + lengths[f"upper_arm{suffix}"]
    wrist = elbow + lengths[f"lower_arm{suffix}"]
    tip = wrist + SHARE_OF_STATURE["hand"] * tall
    collar_source = sources["shoulder_width"]
    rows = (
        (
            "Shoulder",
            "upperChest",
            _COLLAR * half,
            half,
            DIVISION if collar_source == MEASURED else collar_source,
        ),
        ("UpperArm", f"{side}Shoulder", half, elbow, sources[f"upper_arm{suffix}"]),
        ("LowerArm", f"{side}UpperArm", elbow, wrist, sources[f"lower_arm{suffix}"]),
        ("Hand", f"{side}LowerArm", wrist, tip, ANTHROPOMETRY),
    )
    return [
        _bone(f"{side}{part}", parent, (sign * start, y, 0), (sign * end, y, 0), source)
        for part, parent, start, end, source in rows
    ]


def _leg(
    lengths: Mapping[str, float], sources: Mapping[str, str], tall: float, side: str
) -> list[Bone]:
    sign, suffix = (1, "_L") if side == "left" else (-1, "_R")
    x = sign * lengths["hip_width"] / 2
    hip = _hips_height(lengths, tall)
    thigh, shank = lengths[f"upper_leg{suffix}"], lengths[f"lower_leg{suffix}"]
    knee, ankle = (x, hip - thigh, 0.0), (x, hip - thigh - shank, 0.0)
    foot = SHARE_OF_STATURE["foot"] * tall
    # Both feet keep their height above the ankle's share, so unequal legs end unequally high.
    floor = ankle[1] - SHARE_OF_STATURE["ankle_height"] * tall
    ball, toe_tip = (x, floor, _BALL * (1 - _HEEL) * foot), (x, floor, (1 - _HEEL) * foot)
    return [
        _bone(f"{side}UpperLeg", "hips", (x, hip, 0), knee, sources[f"upper_leg{suffix}"]),
        _bone(f"{side}LowerLeg", f"{side}UpperLeg", knee, ankle, sources[f"lower_leg{suffix}"]),
        _bone(f"{side}Foot", f"{side}LowerLeg", ankle, ball, ANTHROPOMETRY),
        _bone(f"{side}Toes", f"{side}Foot", ball, toe_tip, ANTHROPOMETRY),
    ]


def _hips_height(lengths: Mapping[str, float], tall: float) -> float:
    legs = [lengths[f"upper_leg_{side}"] + lengths[f"lower_leg_{side}"] for side in "LR"]
    return sum(legs) / 2 + SHARE_OF_STATURE["ankle_height"] * tall


def _bone(vrm: str, parent: str | None, head: Point, tail: Point, source: str) -> Bone:
    return Bone(
        vrm=vrm, name=vrm, parent=parent, head=_rounded(head), tail=_rounded(tail), source=source
    )


def _rounded(point: Point) -> Point:
    x, y, z = (round(float(value), _DECIMALS) + 0.0 for value in point)
    return (x, y, z)
