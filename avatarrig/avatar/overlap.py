"""Whether legs run into one another, and arms into the body."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from avatarrig.avatar.gltf.accessors import Floats
from avatarrig.avatar.humanoid import SIDES
from avatarrig.avatar.proportions import Body
from avatarrig.avatar.regions import TRUNK
from avatarrig.avatar.surfaces import Surface

_THEIRS_ALONE: Final = 0.9
"""Weight of a vertex that moves with these parts and hardly with others."""
_SLICES: Final = 16
_LEG: Final = ("UpperLeg", "LowerLeg", "Foot")
_ARM: Final = ("LowerArm", "Hand")
_BELOW: Final = 0.75
"""Share of the legs from below that is looked at: thighs meet at the top."""
_TOLERANCE: Final = 0.003
"""Overlap that does not count, over the legs' length."""


class Overlaps(msgspec.Struct, frozen=True, kw_only=True):
    """How deep limbs are in one another or in the body, in the avatar's unit; 0 where they are not.

    Attributes:
        arms: Forearms and hands in trunk and legs.
    """

    legs: float
    arms: float
    size: float

    def worse(self, before: Overlaps, growth: float) -> bool:
        """Whether they are deeper than before."""
        return bool(self.told(before, growth))

    def told(self, before: Overlaps, growth: float) -> list[str]:
        """Says what has become worse."""
        rows = (
            ("legs or feet run into one another", self.legs, growth * before.legs),
            ("forearms or hands run into the body", self.arms, growth * before.arms),
        )
        return [
            f"{what}, by {100 * (now - was) / self.size:.1f} % of the legs' length more than before"
            for what, now, was in rows
            if now > was + _TOLERANCE * self.size
        ]


def overlaps(surfaces: Sequence[Surface], points: Sequence[Floats], body: Body) -> Overlaps:
    """Measures overlaps.

    Args:
        points: Their vertices, in the bind pose.
        body: The avatar's own proportions, for the directions.
    """
    up = body.middle("UpperArm") - body.middle("UpperLeg")
    up = up / np.linalg.norm(up)
    across = body.across("UpperLeg")
    left = across - (across @ up) * up
    left = left / np.linalg.norm(left)
    middle = float(body.middle("UpperLeg") @ left)

    def of(parts: Sequence[str]) -> Floats:
        rows = [
            moved[surface.weight_of(parts) > _THEIRS_ALONE]
            for surface, moved in zip(surfaces, points, strict=True)
        ]
        return np.concatenate(rows) if rows else np.zeros((0, 3))

    legs = {side: of([f"{side}{part}" for part in _LEG]) for side in SIDES}
    arms = {side: of([f"{side}{part}" for part in _ARM]) for side in SIDES}
    rest = of((TRUNK, *(f"{side}{part}" for side in SIDES for part in _LEG)))
    reach = np.concatenate(list(legs.values())) @ up
    size = max(float(np.ptp(reach)) if len(reach) else 1.0, 1e-9)
    rest_side, rest_up = rest @ left - middle, rest @ up
    deepest_arm = max(
        _depth(sign * (arm @ left - middle), arm @ up, sign * rest_side, rest_up, 1.0)
        for arm, sign in ((arms["left"], 1), (arms["right"], -1))
    )
    deepest_leg = _depth(
        legs["left"] @ left, legs["left"] @ up, legs["right"] @ left, legs["right"] @ up, _BELOW
    )
    return Overlaps(legs=deepest_leg, arms=deepest_arm, size=size)


def _depth(outer: Floats, outer_up: Floats, inner: Floats, inner_up: Floats, share: float) -> float:
    """How far, at one height, what should lie outside reaches into what should lie inside."""
    if not len(outer) or not len(inner):
        return 0.0
    low = max(outer_up.min(), inner_up.min())
    high = min(outer_up.max(), inner_up.max())
    edges = np.linspace(low, low + share * (high - low), _SLICES + 1)
    deepest = 0.0
    for below, above in itertools.pairwise(edges):
        outside = outer[(outer_up >= below) & (outer_up <= above)]
        inside = inner[(inner_up >= below) & (inner_up <= above)]
        if len(outside) and len(inside):
            deepest = max(deepest, float(inside.max() - outside.min()))
    return deepest
