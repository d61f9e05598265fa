"""Where all parts of a body go for given factors: one map of space for each part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from avatarrig.avatar.errors import UnfitAvatarError
from avatarrig.avatar.field import Map, Rooted, Similarity, Stretch, Trunk, Widths
from avatarrig.avatar.gltf.accessors import Floats
from avatarrig.avatar.humanoid import SIDES
from avatarrig.avatar.proportions import Body
from avatarrig.avatar.regions import ENDS, REGIONS, SEGMENTS, TRUNK, letter

_OPPOSITE: Final = 1e-3
"""Below it, shoulders and hips look in opposite directions."""
_CROTCH: Final = 0.2
"""How far below the hip joints the trunk still is the trunk, over its length."""
_APART: Final = 0.05
"""Least distance of knots along the body, over the trunk's length."""
_WIDENED: Final = 0.5
"""Share of its width by which the body is widened at most between the hips."""
_NOTHING: Final = 1e-9
_ROOTS: Final = {"UpperArm": "shoulder_width", "UpperLeg": "hip_width"}
"""Segments that begin at the trunk, and the width that moves them."""


class Growth(msgspec.Struct, frozen=True, kw_only=True):
    """Factors of what keeps its shape: of the whole, and of head, hands and feet beside it."""

    whole: float = 1.0
    head: float = 1.0
    hands: float = 1.0
    feet: float = 1.0

    def of(self, end: str) -> float:
        """Factor of a part, such as ``leftHand``."""
        part = {"head": self.head, "Hand": self.hands, "Foot": self.feet}
        return self.whole * part[end.removeprefix("left").removeprefix("right")]


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """Maps of all parts, by their names, of limbs' bones alone, and where the joints go."""

    maps: dict[str, Map]
    bones: dict[str, Map]
    joints: dict[str, Floats]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What places all parts.

    Attributes:
        found: Factor of each length, by the estimate's keys.
        growth: Factors of what keeps its shape.
        shift: Where the middle of the hips goes from where it is: (3,).
        straight: Limbs whose stretch goes on beyond their joints.
        detached: Limbs that are parts of their own: nothing of them goes with the trunk.
    """

    body: Body
    found: dict[str, float]
    growth: Growth
    shift: Floats
    straight: frozenset[str] = frozenset()
    detached: frozenset[str] = frozenset()


def place(plan: Plan) -> Placement:
    """Places all parts.

    Raises:
        UnfitAvatarError: Joints that must be apart lie in one place.
    """
    body = plan.body
    if min(body.lengths.values()) < _NOTHING:
        short = min(body.lengths, key=lambda key: body.lengths[key])
        raise UnfitAvatarError(f"{short} is 0: two joints lie in one place")
    trunk = _trunk(plan, frame_of(body))
    joints = _roots(plan, trunk)
    maps: dict[str, Map] = {TRUNK: trunk}
    bones: dict[str, Map] = {}
    for side in SIDES:
        for part, (end, name) in SEGMENTS.items():
            bone, tip = f"{side}{part}", f"{side}{end}"
            along = body.points[tip] - body.points[bone]
            factor = plan.found[f"{name}_{letter(side)}"]
            joints[tip] = joints[bone] + factor * along
            limb = Stretch(
                start=body.points[bone],
                moved=joints[bone],
                along=along,
                factor=factor,
                growth=plan.growth.whole,
                fades=bone not in plan.straight,
            )
            maps[bone] = bones[bone] = limb
            if part in _ROOTS and bone not in plan.detached:
                sign = 1 if side == "left" else -1
                out = sign * _unit(body.across(part)) if part == "UpperLeg" else None
                maps[bone] = Rooted(limb=limb, trunk=trunk, out=out)
    joints["head"] = trunk(body.points["head"][None])[0]
    for end in ENDS:
        maps[end] = Similarity(
            centre=body.points[end], moved=joints[end], growth=plan.growth.of(end)
        )
    return Placement(maps={name: maps[name] for name in REGIONS}, bones=bones, joints=joints)


def _roots(plan: Plan, trunk: Trunk) -> dict[str, Floats]:
    """Where shoulder and hip joints go: as far apart, and as far from one another, as wanted."""
    body = plan.body
    up = trunk.frame[0] * body.lengths["torso_length"] * plan.found["torso_length"]
    joints: dict[str, Floats] = {}
    for part, key in _ROOTS.items():
        middle = trunk.moved if part == "UpperLeg" else trunk.moved + up
        moved = trunk(np.array([body.points[f"{side}{part}"] for side in SIDES]))
        across = moved[0] - moved[1]
        across *= body.lengths[key] * plan.found[key] / np.linalg.norm(across)
        joints[f"left{part}"], joints[f"right{part}"] = middle + across / 2, middle - across / 2
    return joints


def frame_of(body: Body) -> Floats:
    """Up along the trunk, left, front, as rows; at right angles."""
    up = body.middle("UpperArm") - body.middle("UpperLeg")
    up = up / np.linalg.norm(up)
    left = _unit(body.across("UpperArm")) + _unit(body.across("UpperLeg"))
    left = left - (left @ up) * up
    size = np.linalg.norm(left)
    if size < _OPPOSITE:
        raise UnfitAvatarError("left and right joints of shoulders and hips contradict one another")
    left = left / size
    return np.array([up, left, np.cross(left, up)])


def _unit(vector: Floats) -> Floats:
    unit: Floats = vector / np.linalg.norm(vector)
    return unit


def _leg_ends(body: Body, found: Mapping[str, float], frame: Floats) -> list[tuple[float, float]]:
    """Height of ankles and knees along the trunk's line, before and after; from below."""
    middle = body.middle("UpperLeg")
    rows = []
    for part, segments in (
        ("Foot", ("upper_leg", "lower_leg")),
        ("LowerLeg", ("upper_leg",)),
    ):
        before = float((body.middle(part) - middle) @ frame[0])
        after = 0.0
        for side in SIDES:
            hip, knee, ankle = (
                body.points[f"{side}{name}"] for name in ("UpperLeg", "LowerLeg", "Foot")
            )
            parts = {"upper_leg": knee - hip, "lower_leg": ankle - knee}
            after += sum(
                found[f"{name}_{letter(side)}"] * float(parts[name] @ frame[0]) for name in segments
            )
        rows.append((before, after / 2))
    return rows


def _trunk(plan: Plan, frame: Floats) -> Trunk:
    body, found = plan.body, plan.found
    legs = _leg_ends(body, found, frame)
    torso, factor = body.lengths["torso_length"], found["torso_length"]
    head = float((body.points["head"] - body.middle("UpperLeg")) @ frame[0])
    knots = [(height, factor * height) for height in (-_CROTCH * torso, 0.0, torso)]
    if head > (1 + _APART) * torso:
        knots.append((head, factor * head))
    rows = [*legs, *knots]
    steps = np.diff(np.array(rows), axis=0)
    if np.any(steps < _APART * torso * min(1, factor) * 0.5):
        rows = knots  # the legs are raised or folded: nothing hangs along them
    growth = plan.growth.whole
    hips, shoulders = (body.lengths[key] / 2 for key in ("hip_width", "shoulder_width"))
    hips_shift = (found["hip_width"] - growth) * hips
    return Trunk(
        origin=body.middle("UpperLeg"),
        moved=body.middle("UpperLeg") + plan.shift,
        frame=frame,
        heights=np.array([row[0] for row in rows]),
        new_heights=np.array([row[1] for row in rows]),
        torso=torso,
        widths=Widths(
            # Hip joints that are near one another are moved far: more than they is widened.
            hips=max(hips, hips_shift / (growth * _WIDENED)),
            shoulders=shoulders,
            hips_shift=hips_shift,
            shoulders_shift=(found["shoulder_width"] - growth) * shoulders,
        ),
        growth=growth,
    )
