"""How each part of a body is deformed: smooth maps of space in the bind pose.

Limbs are stretched along their bone and keep their girth; beyond the joints the stretch fades, so
that a shoe on a shank does not grow with it. The trunk is stretched along its own line, and across
it between the joints of hips and shoulders; what lies outside of them is carried along, not
widened, so that hips do not become a bell and a skirt does not spread. Maps of neighbouring parts
agree where they meet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import msgspec
import numpy as np

from avatarrig.avatar.gltf.accessors import Floats


class Map(Protocol):
    """A deformation of space."""

    def __call__(self, points: Floats, /) -> Floats:
        """From points (n, 3) to points (n, 3)."""
        ...

    def girth(self, point: Floats, /) -> float:
        """How much things at a point (3,) grow across what they hang on."""
        ...


_FADE: Final = 0.15
"""Over how much of a limb's length beyond its joints the stretch fades."""
_OUTSIDE: Final = 0.12
"""How far beyond the joints widening goes on, over half the distance of the joints."""
_NECK: Final = 0.2
"""Over how much of the trunk's length above the shoulders, at least, the neck begins."""
_HEAD_SHARE: Final = 0.25
"""How far a head that is broader than the shoulders is widened with them: wholly, it becomes a
trapezium; not at all, the mesh steps at the neck."""
_BEHIND: Final = 0.3
"""How far behind its joint a limb's mesh is wholly the trunk's, over the limb's length."""
_CROTCH: Final = (0.25, 0.65)
"""Between which shares of a thigh the spreading of its inner side ends."""
_STEP: Final = 1e-4
"""Step of a derivative, over the body's size."""


class Similarity(msgspec.Struct, frozen=True, kw_only=True):
    """Moves and grows a part without changing its shape.

    Attributes:
        moved: Where it goes.
        growth: Factor of size.
    """

    centre: Floats
    moved: Floats
    growth: float

    def __call__(self, points: Floats) -> Floats:
        """Moves points."""
        return self.moved + self.growth * (points - self.centre)

    def girth(self, point: Floats) -> float:
        """Growth, which is alike in all directions."""
        del point
        return self.growth


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Stretches a limb along its bone.

    Attributes:
        start: The joint where the bone begins.
        moved: Where that goes.
        along: The bone: direction and length.
        factor: Factor of its length.
        growth: Factor of everything else.
        fades: Whether the stretch ends beyond the joints; otherwise it goes on.
    """

    start: Floats
    moved: Floats
    along: Floats
    factor: float
    growth: float
    fades: bool = True

    def __call__(self, points: Floats) -> Floats:
        """Moves points."""
        length = float(np.linalg.norm(self.along))
        direction = self.along / length
        offset = points - self.start
        place = offset @ direction
        moved = self._moved_along(place, length)
        return (
            self.moved + self.growth * offset + (moved - self.growth * place)[:, None] * direction
        )

    def girth(self, point: Floats) -> float:
        """Growth: a limb keeps its girth."""
        del point
        return self.growth

    def _moved_along(self, place: Floats, length: float) -> Floats:
        if not self.fades:
            return self.factor * place
        inside = np.clip(place, 0, length)
        beyond = place - inside
        fade = _FADE * length
        extra = (self.factor - self.growth) * fade * -np.expm1(-np.abs(beyond) / fade)
        moved: Floats = self.factor * inside + self.growth * beyond + np.sign(beyond) * extra
        return moved


class Widths(msgspec.Struct, frozen=True, kw_only=True):
    """Across the trunk: what is widened, and how far its sides go.

    Attributes:
        hips: How far from the middle the sides are, at the hips.
        shoulders: The same at the shoulders.
        hips_shift: How much farther from the middle the former go than growth would take them.
        shoulders_shift: How much farther the latter go.
    """

    hips: float
    shoulders: float
    hips_shift: float
    shoulders_shift: float


class Trunk(msgspec.Struct, frozen=True, kw_only=True):
    """Stretches the trunk, and whatever hangs on it, along and across its line.

    Attributes:
        origin: The middle between the hip joints.
        moved: Where that goes.
        frame: Rows: up along the trunk, to the left, to the front: (3, 3).
        heights: Places along the trunk, ascending, from the feet to the head joint.
        new_heights: Where these go.
        torso: Distance of mid-hip and mid-shoulder.
        growth: Factor of everything else.
    """

    origin: Floats
    moved: Floats
    frame: Floats
    heights: Floats
    new_heights: Floats
    torso: float
    widths: Widths
    growth: float

    def __call__(self, points: Floats) -> Floats:
        """Moves points."""
        up, side, depth = ((points - self.origin) @ self.frame.T).T
        moved = np.stack([self._up(up), self._across(up, side), self.growth * depth], axis=1)
        return self.moved + moved @ self.frame

    def girth(self, point: Floats) -> float:
        """Growth to the side and to the front, averaged."""
        step = _STEP * self.torso
        side = self.frame[1]
        ends = self(np.array([point - step * side, point + step * side]))
        widened = float(np.linalg.norm(ends[1] - ends[0])) / (2 * step)
        return float(np.sqrt(widened * self.growth))

    def _up(self, up: Floats) -> Floats:
        low, high = self.heights[0], self.heights[-1]
        inside = np.interp(up, self.heights, self.new_heights)
        moved: Floats = inside + self.growth * (up - np.clip(up, low, high))
        return moved

    def _across(self, up: Floats, side: Floats) -> Floats:
        share = np.clip(up / self.torso, 0, 1)
        widths = self.widths
        half = widths.hips + share * (widths.shoulders - widths.hips)
        # The shifts change evenly: of joints that are near one another they are small, however
        # large their factor.
        shift = widths.hips_shift + share * (widths.shoulders_shift - widths.hips_shift)
        factor = 1 + shift / (half * self.growth)
        neck = self._neck_share(up)
        part = np.where(shift > 0, 1 - (1 - _HEAD_SHARE) * neck, 1)
        profile = _profile(np.abs(side) / half, neck, factor) * part
        moved: Floats = self.growth * side + shift * profile * np.sign(side)
        return moved

    def _neck_share(self, up: Floats) -> Floats:
        """0 up to the shoulders, 1 from the head joint on: there the neck keeps its girth."""
        neck = max(float(self.heights[-1]) - self.torso, _NECK * self.torso)
        return _smooth((up - self.torso) / neck)


class Rooted(msgspec.Struct, frozen=True, kw_only=True):
    """Stretches the first segment of a limb, and goes with the trunk where it begins.

    Behind its joint a limb's mesh is the trunk's. Between the hip joints the thighs' inner sides
    are spread or drawn together as the hips are, so that they neither tear nor meet.

    Attributes:
        out: Of a thigh the direction from the middle to its joint.
    """

    limb: Stretch
    trunk: Trunk
    out: Floats | None

    def __call__(self, points: Floats) -> Floats:
        """Moves points."""
        length = float(np.linalg.norm(self.limb.along))
        place = (points - self.limb.start) @ self.limb.along / length**2
        behind = _smooth(-place / _BEHIND)[:, None]
        own = self.limb(points)
        if self.out is not None:
            widths = self.trunk.widths
            share = np.clip((points - self.trunk.origin) @ self.out / widths.hips, -1, 1)
            near = 1 - _smooth((place - _CROTCH[0]) / (_CROTCH[1] - _CROTCH[0]))
            own = own + (widths.hips_shift * near * (share - 1))[:, None] * self.out
        moved: Floats = own + behind * (self.trunk(points) - own)
        return moved

    def girth(self, point: Floats) -> float:
        """As that of the limb."""
        return self.limb.girth(point)


def _smooth(share: Floats) -> Floats:
    """Goes from 0 to 1 without a kink."""
    share = np.clip(share, 0, 1)
    smooth: Floats = share * share * (3 - 2 * share)
    return smooth


def _profile(place: Floats, neck: Floats, factor: Floats) -> Floats:
    """How much of the joints' shift a point takes part in, by its place: 1 at the joint."""
    # Narrowing must not fold the surface over, so its slope at the joint is bounded.
    steep = np.where(
        factor < 1, np.minimum(1, (1 - 0.5 * factor) / np.maximum(1 - factor, 1e-9) - 1), 1
    )
    power = neck * np.clip(steep, 0, 1)
    inside = np.minimum(place, 1)
    within = (1 - power) * inside + power * inside**2
    slope = 1 + power
    beyond = np.maximum(place - 1, 0)
    outside = _OUTSIDE * -np.expm1(-beyond * slope / _OUTSIDE)
    profile: Floats = within + outside
    return profile


def derivative(transform: Callable[[Floats], Floats], points: Floats, size: float) -> Floats:
    """How a map turns and stretches small things at each point: (n, 3, 3).

    Args:
        points: (n, 3).
    """
    step = _STEP * size
    columns = [
        (transform(points + step * axis) - transform(points - step * axis)) / (2 * step)
        for axis in np.eye(3)
    ]
    return np.stack(columns, axis=2)
