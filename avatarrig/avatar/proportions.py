"""What an avatar shall be: lengths from an estimate, and what the avatar has of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from avatarrig.avatar.gltf.accessors import Floats
from avatarrig.avatar.humanoid import SIDES, Humanoid
from avatarrig.avatar.regions import SEGMENTS, letter

WIDTHS: Final = ("shoulder_width", "hip_width")
KEYS: Final = (
    *WIDTHS,
    "torso_length",
    *(f"{name}_{side}" for _, name in SEGMENTS.values() for side in "LR"),
)
WIDTH_BOUND: Final = 0.15
"""By how much shoulders and hips move unless told otherwise."""
LIMB_FACTORS: Final = (0.6, 1.6)
NEIGHBOURS: Final = 1.5


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """An avatar's own proportions in its bind pose.

    Attributes:
        points: Place of each bone's joint.
        lengths: Joint distances by the estimate's keys.
    """

    points: dict[str, Floats]
    lengths: dict[str, float]

    def middle(self, part: str) -> Floats:
        """The middle between a left and a right joint."""
        middle: Floats = (self.points[f"left{part}"] + self.points[f"right{part}"]) / 2
        return middle

    def across(self, part: str) -> Floats:
        """From the right joint to the left one."""
        across: Floats = self.points[f"left{part}"] - self.points[f"right{part}"]
        return across


def measure(humanoid: Humanoid, worlds: Floats) -> Body:
    """Measures an avatar.

    Args:
        worlds: Places of all nodes: (nodes, 4, 4).
    """
    points = {bone: worlds[node, :3, 3] for bone, node in humanoid.bones.items()}
    body = Body(points=points, lengths={})
    lengths = {
        "shoulder_width": _norm(body.across("UpperArm")),
        "hip_width": _norm(body.across("UpperLeg")),
        "torso_length": _norm(body.middle("UpperArm") - body.middle("UpperLeg")),
    }
    for side in SIDES:
        for part, (end, name) in SEGMENTS.items():
            bone = points[f"{side}{end}"] - points[f"{side}{part}"]
            lengths[f"{name}_{letter(side)}"] = _norm(bone)
    return msgspec.structs.replace(body, lengths=lengths)


def factors(
    own: Mapping[str, float], wanted: Mapping[str, float], scale: float, growth: float, widths: str
) -> dict[str, float]:
    """Tells the factor of each length.

    Args:
        wanted: The estimate's, over shoulder width.
        scale: Length of one shoulder width of the estimate, in the avatar's unit.
        growth: Factor of everything that keeps its proportions.
        widths: ``full``, ``bounded`` or ``keep``.
    """
    found = {key: scale * wanted[key] / own[key] for key in KEYS}
    if widths != "full":
        bound = 0.0 if widths == "keep" else WIDTH_BOUND
        for key in WIDTHS:
            low, high = growth * (1 - bound), growth * (1 + bound)
            found[key] = float(np.clip(found[key], low, high))
    return found


def warnings(found: Mapping[str, float]) -> list[str]:
    """Tells what may look odd about factors."""
    low, high = LIMB_FACTORS
    told = [
        f"{key} becomes {factor:.2f} times as long: the avatar is built very differently"
        for key, factor in found.items()
        if key not in WIDTHS and not low <= factor <= high
    ]
    pairs = [
        ("torso_length", f"{name}_{side}") for name in ("upper_arm", "upper_leg") for side in "LR"
    ]
    pairs += [
        (f"upper_{limb}_{side}", f"lower_{limb}_{side}") for limb in ("arm", "leg") for side in "LR"
    ]
    for one, other in pairs:
        first, second = found[one], found[other]
        if max(first / second, second / first) > NEIGHBOURS:
            told.append(
                f"{one} and {other} change very differently: {first:.2f} and {second:.2f} times"
            )
    return told


def _norm(vector: Floats) -> float:
    return float(np.linalg.norm(vector))
