"""A T-pose in bone units: x to the picture's right, y up, the middle of the hips at 0, 0."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from avatarrig.wire.estimate import LONGEST, Estimate

Point = tuple[float, float]
Side = Literal["left", "right", "middle"]

UPPER_LIMBS: Final = ("upper_arm", "lower_arm")
LOWER_LIMBS: Final = ("upper_leg", "lower_leg")

HEAD_HEIGHT: Final = 0.62
HEAD_WIDTH: Final = 0.44
NECK: Final = 0.3
"""Head and neck are sketched with these ratios; they are not estimated."""

_SKETCH: Final = {
    "shoulder_width": 1.0,
    "hip_width": 0.75,
    "torso_length": 1.45,
    "upper_arm": 0.85,
    "lower_arm": 0.72,
    "upper_leg": 1.15,
    "lower_leg": 1.1,
    "wingspan_est": 4.1,
}
"""A bone without an estimate is sketched in grey with these ratios, and no number is written."""

_ABOVE: Final = 0.13
_BESIDE: Final = 0.15


class Length(msgspec.Struct, frozen=True):
    """One length, shoulder width = 1.

    Attributes:
        drawn: How long it is drawn: what no person has, such as a forged estimate holds, is cut.
        value: The estimate; None where there is none and nothing may be written.
        low: Lower end of the 90 % interval.
        status: insufficient, provisional or stable.
    """

    drawn: float
    value: float | None
    low: float
    high: float
    status: str

    def scaled(self, share: float) -> Length:
        """Gives a part of this length; what is written stays the whole."""
        return Length(
            self.drawn * share, self.value, self.low * share, self.high * share, self.status
        )


class Bone(msgspec.Struct, frozen=True):
    """A bone on the page.

    Attributes:
        direction: Unit vector of its course.
        side: The person's own side, which gives the colour.
        label: Where its number stands.
        anchor: How the number lies there: l, m, r across and t, m, b down.
        written: What the number says; None for no number.
        key: Key of ``skeleton_estimate.json``.
    """

    start: Point
    direction: Point
    length: Length
    side: Side
    label: Point = (0.0, 0.0)
    anchor: str = "mm"
    written: Length | None = None
    key: str = ""

    @property
    def end(self) -> Point:
        """Where it ends."""
        return self.reach(self.length.drawn)

    def reach(self, length: float) -> Point:
        """Gives the point this far along the bone."""
        return (
            self.start[0] + self.direction[0] * length,
            self.start[1] + self.direction[1] * length,
        )


class Figure(msgspec.Struct, frozen=True):
    """All of a T-pose.

    Attributes:
        wingspan: Fingerless arm span from wrist to wrist.
        width: Room that it needs across, intervals included.
        above: Room above the hips, head included.
    """

    bones: tuple[Bone, ...]
    shoulder_height: float
    wingspan: Length
    width: float
    above: float
    below: float


def build_figure(estimate: Estimate | None) -> Figure:
    """Lays out an estimate as a T-pose; without one all of it is sketched."""
    of = _lengths(estimate)
    top = of["torso_length"].drawn
    torso = _labelled(
        Bone((0.0, 0.0), (0.0, 1.0), of["torso_length"], "middle", key="torso_length"),
        (0.08, top / 2),
        "lm",
    )
    bones = [
        torso,
        *_halves("shoulder_width", top, of, (0.15, top + 0.08), "lb"),
        *_halves("hip_width", 0.0, of, (0.0, -0.09), "mt"),
        *_limbs(of, "left", top),
        *_limbs(of, "right", top),
    ]
    ends = [bone.reach(max(bone.length.drawn, bone.length.high)) for bone in bones]
    return Figure(
        bones=tuple(bones),
        shoulder_height=top,
        wingspan=of["wingspan_est"],
        width=2 * max(abs(x) for x, _ in ends),
        above=max(*(y for _, y in ends), top + NECK + HEAD_HEIGHT),
        below=max(-y for _, y in ends),
    )


def _lengths(estimate: Estimate | None) -> dict[str, Length]:
    keys = ["shoulder_width", "hip_width", "torso_length", "wingspan_est"]
    keys += [f"{limb}_{side}" for limb in UPPER_LIMBS + LOWER_LIMBS for side in "LR"]
    return {key: _length(estimate, key) for key in keys}


def _length(estimate: Estimate | None, key: str) -> Length:
    value = None if estimate is None else estimate.estimates.get(key)
    if estimate is None or value is None:
        sketched = _SKETCH[key.removesuffix("_L").removesuffix("_R")]
        return Length(sketched, None, sketched, sketched, "insufficient")
    bone = estimate.stats.get(key)
    if bone is None:
        return Length(min(value, LONGEST), value, value, value, "provisional")
    low, high = min(bone.low, LONGEST), min(bone.high, LONGEST)
    return Length(min(value, LONGEST), value, low, high, bone.status)


def _limbs(of: dict[str, Length], side: Literal["left", "right"], top: float) -> list[Bone]:
    """Gives an arm, straight out, and a leg, straight down."""
    sign, letter = (1.0, "L") if side == "left" else (-1.0, "R")
    bones = []
    joint: Point = (sign * of["shoulder_width"].drawn / 2, top)
    for limb in UPPER_LIMBS:
        key = f"{limb}_{letter}"
        bone = Bone(joint, (sign, 0.0), of[key], side, key=key)
        middle = bone.reach(bone.length.drawn / 2)[0]
        bones.append(_labelled(bone, (middle, top + _ABOVE), "mb"))
        joint = bone.end
    joint = (sign * of["hip_width"].drawn / 2, 0.0)
    for limb in LOWER_LIMBS:
        key = f"{limb}_{letter}"
        bone = Bone(joint, (0.0, -1.0), of[key], side, key=key)
        place = (joint[0] + sign * _BESIDE, bone.reach(bone.length.drawn / 2)[1])
        bones.append(_labelled(bone, place, "lm" if side == "left" else "rm"))
        joint = bone.end
    return bones


def _halves(
    key: str, height: float, of: dict[str, Length], label: Point, anchor: str
) -> list[Bone]:
    """Gives a width as two halves from the middle, with one number."""
    width, middle = of[key], (0.0, height)
    half = width.scaled(0.5)
    right = Bone(middle, (-1.0, 0.0), half, "middle", key=key)
    left = Bone(middle, (1.0, 0.0), half, "middle", key=key)
    return [
        right,
        msgspec.structs.replace(
            left, label=label, anchor=anchor, written=width if width.value is not None else None
        ),
    ]


def _labelled(bone: Bone, label: Point, anchor: str) -> Bone:
    written = bone.length if bone.length.value is not None else None
    return msgspec.structs.replace(bone, label=label, anchor=anchor, written=written)
