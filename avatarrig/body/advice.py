"""Which photo to take next: the framing and view that would tell most.

Photos that are only imagined say what the estimate says already, as surely as photos of their
kind did on average (`typical.json`, from the bodies that the weights were learned from). The
advice is the kind after which the widest interval would be narrowest: expected information, as
in the design of experiments (Chaloner and Verdinelli, Statistical Science 10, 1995).
"""

from __future__ import annotations

import functools
from enum import StrEnum
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from avatarrig.body.bones import BONE_VECTORS, POOLED_BONES
from avatarrig.body.evidence.evidence import COORDINATES
from avatarrig.body.landmarks import (
    LEFT_ANKLE,
    LEFT_KNEE,
    LEFT_SHOULDER,
    RIGHT_ANKLE,
    RIGHT_KNEE,
    RIGHT_SHOULDER,
)
from avatarrig.body.levels import limited
from avatarrig.body.solver.person import imagine
from avatarrig.body.tape.evidence import NOTHING, Tape

if TYPE_CHECKING:
    from avatarrig.body.bones import FloatArray
    from avatarrig.body.evidence.learned import Learned
    from avatarrig.body.solver.doubt import Weighed

LIMBS: Final = frozenset({"uarm", "farm", "thigh", "shank"})

PHOTOS: Final = 2
"""Photos that are advised at once."""

LEAST_GAIN: Final = 0.03
"""Advice that narrows the widest interval by a smaller share is none."""

_SEEN: Final = 0.5
"""Least visibility of a joint that is seen."""

_FRONTAL: Final = 0.71
"""Least share of the shoulders' width across the picture, in space, of a view from the front."""

_LEAST_ACROSS: Final = 0.8
_MEAN_ACROSS: Final = 0.85
"""Cosines of the angle between a limb and the picture, of the worst limb and on average."""

_LIMBS: Final = [(start[0], end[0]) for bone, start, end in BONE_VECTORS if bone in LIMBS]
_STARTS, _ENDS = np.array(_LIMBS).T

_TOLD: Final = tuple(bone for bone in POOLED_BONES if bone != "shoulder")
"""Bones whose ratio to the shoulder width is told."""

_AGAINST: Final = np.array(
    [[(name == bone) - (name == "shoulder") for name in POOLED_BONES] for bone in _TOLD], float
)
"""(6, 7): the log ratio of each of them, out of log lengths."""

_QUANTILE: Final = NormalDist().inv_cdf(0.95)

_TYPICAL: Final = Path(__file__).parent / "typical.json"


class Framing(StrEnum):
    """How much of the body a photo shows."""

    FULL = "full body"
    KNEES = "down to the knees"
    UPPER = "upper body"


class View(StrEnum):
    """From where a photo shows the chest."""

    FRONT = "front"
    SIDE = "side"
    BACK = "back"


class Kind(msgspec.Struct, frozen=True):
    """A kind of photos.

    Attributes:
        framing: How much of the body is seen.
        view: From where.
        straight: Whether arms and legs lie across the picture, none pointing at the camera.
    """

    framing: Framing
    view: View
    straight: bool = False


class TypicalKind(msgspec.Struct, frozen=True):
    """What a photo of some kind says on average.

    Attributes:
        photos: How many photos this is known from.
        information: (21) upper triangle of the mean information matrix (6, 6), row by row.
    """

    kind: Kind
    photos: int
    information: tuple[float, ...]

    def matrix(self) -> FloatArray:
        """Returns the mean information matrix (6, 6)."""
        size = 6
        matrix = np.zeros((size, size))
        rows, columns = np.triu_indices(size)
        matrix[rows, columns] = matrix[columns, rows] = self.information
        return matrix


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """The photos that would tell most.

    Attributes:
        framing: How much of the body they should show.
        view: From where.
        straight: Whether arms and legs should lie across the picture.
        bone: Pooled bone whose interval they would narrow most.
        now: Half of that bone's 90 % interval over its value.
    """

    photos: int
    framing: Framing
    view: View
    straight: bool
    bone: str
    now: float
    then: float

    @property
    def words(self) -> str:
        """The advice as a sentence for people."""
        count = _NUMBERS.get(self.photos, str(self.photos))
        photos = "photo" if self.photos == 1 else "photos"
        shown = {Framing.KNEES: f"{photos} down to the knees"}.get(
            self.framing, f"{self.framing.replace(' ', '-')} {photos}"
        )
        posed = ", arms and legs straight, none towards the camera" if self.straight else ""
        digits = int(f"{100 * self.then:.0f}" == f"{100 * self.now:.0f}")
        return (
            f"{count} {shown} from {_FROM[self.view]}{posed}, taken on another day, would tell "
            f"most: {_BONES[self.bone]} to ± {100 * self.then:.{digits}f} % instead of "
            f"± {100 * self.now:.{digits}f} %"
        )


_FROM: Final = {View.FRONT: "the front", View.SIDE: "the side", View.BACK: "behind"}
_NUMBERS: Final = {1: "one", 2: "two", 3: "three"}
_BONES: Final = {
    "uarm": "the upper arms",
    "farm": "the forearms",
    "thigh": "the thighs",
    "shank": "the shanks",
    "shoulder": "the shoulders",
    "hip": "the hips",
    "torso": "the torso",
}


def kind_of(pose: FloatArray, world: FloatArray) -> Kind | None:
    """Tells of which kind a photo is, by what was seen in it.

    Args:
        pose: (33, 5): x and y as shares of the picture, z, visibility, presence.
        world: (33, 3) metres: x to the right, y down, z away from the camera.

    Returns:
        None where the shoulders are not seen.
    """
    inside = ((pose[:, :2] >= 0) & (pose[:, :2] <= 1)).all(axis=1)
    seen = inside & (pose[:, 3] >= _SEEN)
    if not seen[[LEFT_SHOULDER, RIGHT_SHOULDER]].any():
        return None
    framing = Framing.UPPER
    if seen[[LEFT_KNEE, RIGHT_KNEE]].any():
        framing = Framing.FULL if seen[[LEFT_ANKLE, RIGHT_ANKLE]].all() else Framing.KNEES
    across = world[LEFT_SHOULDER] - world[RIGHT_SHOULDER]
    share = across[0] / max(float(np.hypot(across[0], across[2])), 1e-9)
    view = View.FRONT if share >= _FRONTAL else View.BACK if share <= -_FRONTAL else View.SIDE
    return Kind(framing, view, _straight(world))


def _straight(world: FloatArray) -> bool:
    limbs = world[_ENDS] - world[_STARTS]
    across = np.hypot(limbs[:, 0], limbs[:, 1]) / np.maximum(np.linalg.norm(limbs, axis=1), 1e-9)
    return bool(across.min() > _LEAST_ACROSS and across.mean() > _MEAN_ACROSS)


@functools.cache
def typical_kinds() -> tuple[TypicalKind, ...]:
    """Returns what photos of each kind say on average, shared by all callers."""
    return msgspec.json.decode(_TYPICAL.read_bytes(), type=tuple[TypicalKind, ...])


def advise(
    there: Weighed, learned: Learned, tape: Tape = NOTHING, photos: int = PHOTOS
) -> Advice | None:
    """Says which photos would narrow the widest interval most.

    Args:
        there: The photos there are, see `avatarrig.body.solver.person.weighed`.
        tape: Lengths of the person that were measured.
        photos: How many are to be taken, each at a moment of its own, in a session of their own.

    Returns:
        None where no photos would narrow it by `LEAST_GAIN`.
    """
    now, then = _reaches(there, learned, tape, photos)
    best = int(then.max(axis=1).argmin())
    if then[best].max() > (1 - LEAST_GAIN) * now.max():
        return None
    bone = int((now / then[best] * now).argmax())
    kind = typical_kinds()[best].kind
    return Advice(
        photos=photos,
        framing=kind.framing,
        view=kind.view,
        straight=kind.straight,
        bone=_TOLD[bone],
        now=float(now[bone]),
        then=float(then[best, bone]),
    )


def ranked(there: Weighed, learned: Learned, photos: int = 1) -> list[Kind]:
    """Lists the kinds of photos, that which would narrow the widest interval most first."""
    _, then = _reaches(there, learned, NOTHING, photos)
    return [typical_kinds()[place].kind for place in then.max(axis=1).argsort(kind="stable")]


def _reaches(
    there: Weighed, learned: Learned, tape: Tape, photos: int
) -> tuple[FloatArray, FloatArray]:
    """Half of each bone's interval over its value, against the shoulder width.

    Returns:
        (6,) of the bones `_TOLD` now, and (n, 6) with photos of each kind.
    """
    none = np.zeros((1, COORDINATES, COORDINATES))
    added = np.concatenate([none, _of_one_session(photos, learned)])
    covariances = imagine(there, added, learned, tape)
    variances = np.einsum("bi,nij,bj->nb", _AGAINST, covariances, _AGAINST)
    reaches = np.sinh(_QUANTILE * np.sqrt(np.maximum(variances, 0.0)))
    return reaches[0], reaches[1:]


@functools.lru_cache(maxsize=8)
def _of_one_session(photos: int, learned: Learned) -> FloatArray:
    """What photos of each kind say together, each of a moment of its own: (n, 6, 6)."""
    population = learned.population
    information = np.array([kind.matrix() for kind in typical_kinds()])
    nothing = np.zeros(information.shape[:2])
    one, _ = limited(information, nothing, population.moment)
    together, _ = limited(photos * one, nothing, population.session)
    return together
