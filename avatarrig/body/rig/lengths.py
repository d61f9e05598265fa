"""The lengths that a rig is made of: measured ones, and what stands in for those that are not."""

from __future__ import annotations

from typing import Final

import msgspec

from avatarrig.body.height import SHORTEST, TALLEST
from avatarrig.body.population.anthropometry import SHARE_OF_STATURE, is_enough_for_stature, stature
from avatarrig.errors import AvatarRigError
from avatarrig.wire.estimate import LONGEST, BoneEstimate, Estimate, FaceRatio, FurtherBone

MEASURED: Final = "measured"
PRIOR: Final = "population mean: too few photos show it"
ANTHROPOMETRY: Final = "anthropometry: share of stature (Drillis and Contini)"
SURVEY: Final = "anthropometry: mean share of stature (ANSUR II)"
GIVEN_OTHERS: Final = "anthropometry given the other bones (ANSUR II): no photo shows it"
TAPE: Final = "measured with a tape"
DIVISION: Final = "convention: share of a measured length"

KEYS: Final = (
    "shoulder_width",
    "hip_width",
    "torso_length",
    *(f"{bone}_{side}" for bone in ("upper_arm", "lower_arm") for side in "LR"),
    *(f"{bone}_{side}" for bone in ("upper_leg", "lower_leg") for side in "LR"),
)
"""The estimate's bones."""

FURTHER: Final = {
    "hand": 0.1106,
    "foot": 0.1528,
    "ankle_height": 0.0400,
    "head": None,
    "neck": None,
    "clavicle": None,
    "spine_lower": None,
    "spine_upper": None,
}
"""What photos do not show. Where an estimate says nothing of it either: mean shares of stature of
ANSUR II, men and women alike (Gordon et al., 2014: 4,082 men, 1,986 women)."""

_LEAST: Final = 0.01
"""Over shoulder width: no person has a bone as short."""


class EstimateRefusedError(AvatarRigError, ValueError):
    """A document does not hold an estimate that a rig can be made of."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What an estimate says of a length besides its value.

    Attributes:
        interval: What contains it with 90 % probability, over shoulder width.
        status: ``insufficient``, ``provisional`` or ``stable``.
        prior_share: How much of it is the average body's.
    """

    interval: tuple[float, float]
    status: str
    prior_share: float


class RigLengths(msgspec.Struct, frozen=True, kw_only=True):
    """Length of every bone.

    Attributes:
        lengths: Over shoulder width, by `KEYS`, and of those of `FURTHER` that are known.
        sources: Where each comes from.
        told: What else the estimate says of each measured one, where it says it.
        height: The person's height in metres, where the estimate was made with one, or as it
            follows from lengths that were measured.
    """

    lengths: dict[str, float]
    sources: dict[str, str]
    told: dict[str, Told]
    height: float | None

    @property
    def measured(self) -> list[str]:
        """Keys of what photos tell."""
        return [key for key in KEYS if self.sources[key] == MEASURED]


class FileBone(msgspec.Struct, frozen=True):
    """Of what a file tells about a bone, what a rig needs."""

    value: float | None = None
    prior_share: float | None = None
    interval: tuple[float, float] | None = None
    status: str | None = None


class FileMetres(msgspec.Struct, frozen=True):
    """A length in metres."""

    value: float


class FileEstimate(msgspec.Struct, frozen=True):
    """What a rig needs of ``skeleton_estimate.json``; the prototype's files have it too."""

    estimates: dict[str, float]
    stats: dict[str, FileBone] = {}
    further: dict[str, FileBone] = {}
    height: float | None = None
    metres: dict[str, FileMetres] | None = None
    subject: str | None = None
    face: dict[str, FaceRatio] = {}


def complete_lengths(estimate: Estimate | FileEstimate) -> RigLengths:
    """Takes the lengths out of an estimate, and fills in what is missing.

    Raises:
        EstimateRefusedError: It is empty, or one that cannot be.
    """
    lengths: dict[str, float] = {}
    sources: dict[str, str] = {}
    told: dict[str, Told] = {}
    for key in KEYS:
        known = estimate.stats.get(key)
        if key in estimate.estimates:
            lengths[key], sources[key] = estimate.estimates[key], MEASURED
            if known is not None and (said := _told(known)) is not None:
                told[key] = said
        elif known is not None and known.value is not None:
            lengths[key], sources[key] = known.value, PRIOR
    if not lengths:
        raise EstimateRefusedError("the estimate is empty: no photo has counted yet")
    _check(lengths)
    _fill(lengths, sources)
    _add_further(estimate, lengths, sources, told)
    _check(lengths)
    return RigLengths(lengths=lengths, sources=sources, told=told, height=_height(estimate))


def _check(lengths: dict[str, float]) -> None:
    if not all(_LEAST < length < LONGEST for length in lengths.values()):
        raise EstimateRefusedError("the estimate holds a length that no person has")


def _add_further(
    estimate: Estimate | FileEstimate,
    lengths: dict[str, float],
    sources: dict[str, str],
    told: dict[str, Told],
) -> None:
    """Adds what no photo shows; of an estimate that says nothing of it, the survey's means."""
    tall = stature(lengths)
    for key, share in FURTHER.items():
        bone = estimate.further.get(key)
        if bone is None or bone.value is None:
            if share is not None:
                lengths[key], sources[key] = share * tall, SURVEY
            continue
        lengths[key] = bone.value
        sources[key] = TAPE if bone.status == "stable" else GIVEN_OTHERS
        if (said := _told(bone)) is not None:
            told[key] = said


def _height(estimate: Estimate | FileEstimate) -> float | None:
    height = estimate.height
    metres = {key: length.value for key, length in (estimate.metres or {}).items()}
    if height is None and is_enough_for_stature(metres):
        height = stature(metres)
    if height is not None and not SHORTEST <= height <= TALLEST:
        raise EstimateRefusedError(f"the estimate is of somebody {height:g} m tall, as nobody is")
    return height


def _told(bone: BoneEstimate | FurtherBone | FileBone) -> Told | None:
    if bone.interval is None or bone.status is None or bone.prior_share is None:
        return None  # in the prototype's files
    return Told(interval=bone.interval, status=bone.status, prior_share=bone.prior_share)


def _fill(lengths: dict[str, float], sources: dict[str, str]) -> None:
    """Adds what is missing: the other side's length, otherwise the population's share."""
    for key in KEYS:
        other = f"{key[:-1]}{'L' if key[-1] == 'R' else 'R'}"
        if key not in lengths and key[-2] == "_" and other in lengths:
            lengths[key], sources[key] = lengths[other], sources[other]
    if is_enough_for_stature(lengths):
        tall = stature(lengths)
    else:
        shares = [length / _share(key) for key, length in lengths.items()]
        tall = sum(shares) / len(shares)
    for key in KEYS:
        if key not in lengths:
            lengths[key], sources[key] = tall * _share(key), ANTHROPOMETRY


def _share(key: str) -> float:
    return SHARE_OF_STATURE[key.removesuffix("_L").removesuffix("_R")]
