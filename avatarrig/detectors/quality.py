"""How good an observation is: the metrics in ``meta``, by their documented names.

Everything here is arithmetic on landmarks and a mask.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from avatarrig.body.landmarks import (
    BONES,
    LEFT_ANKLE,
    LEFT_HIP,
    LEFT_KNEE,
    LEFT_SHOULDER,
    QUALITY_JOINTS,
    RIGHT_ANKLE,
    RIGHT_HIP,
    RIGHT_KNEE,
    RIGHT_SHOULDER,
)

if TYPE_CHECKING:
    from avatarrig.detectors.person_mask import PersonMask

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

MASK_JOINT_CONFIDENCE: Final = 0.15
"""Joints below it are not looked for on the mask."""

BONE_CONFIDENCE: Final = 0.35
"""Least confidence of both ends of a supported bone."""

FRAME_CONFIDENCE: Final = 0.45
"""Joints below it never count in ``frame_kind``, however low the overlay's threshold."""

_SHORTEST_BONE_PX: Final = 8.0
_SHORTEST_BONE_SHARE: Final = 0.02
_NARROW_SHOULDERS: Final = 0.04
_NARROW_HIPS: Final = 0.03
_LONG_TORSO: Final = 1.15
_ENOUGH_BONES: Final = 4

_SHOULDERS: Final = {LEFT_SHOULDER, RIGHT_SHOULDER}
_HIPS: Final = {LEFT_HIP, RIGHT_HIP}
_KNEES: Final = {LEFT_KNEE, RIGHT_KNEE}
_ANKLES: Final = {LEFT_ANKLE, RIGHT_ANKLE}
_JOINTS: Final = np.array(QUALITY_JOINTS)
_STARTS, _ENDS = np.array(list(BONES.values())).T


@dataclass(frozen=True)
class Quality:
    """The metrics of one pose; the names are those in ``meta``.

    Attributes:
        pose_mean_conf: Mean confidence of the 13 joints, 0..1.
        pose_inmask_ratio: Share of the joints that are inside the photo with a confidence of
            0.15 or more which lie on the person mask; None without a mask.
        pose_oob_ratio: Joints outside the photo, as a share of 13.
        pose_supported_bones: How many of the 10 bones have both ends confident, inside and on
            the mask, and are long enough to measure.
        pose_geom_penalty: Factor below 1 for shapes that no body has.
        pose_score: All of these in one number, 0..1.
        frame_kind: What part of the body the photo shows.
    """

    pose_mean_conf: float
    pose_inmask_ratio: float | None
    pose_oob_ratio: float
    pose_supported_bones: int
    pose_geom_penalty: float
    pose_score: float
    frame_kind: str

    def to_meta(self) -> dict[str, float | int | str | bool | None]:
        """Returns the metrics by name, rounded to what they mean."""
        return {
            name: round(value, 5) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


NO_POSE: Final = Quality(
    pose_mean_conf=0.0,
    pose_inmask_ratio=None,
    pose_oob_ratio=0.0,
    pose_supported_bones=0,
    pose_geom_penalty=1.0,
    pose_score=0.0,
    frame_kind="partial",
)
"""The metrics of a photo in which nobody was found."""


def landmark_confidence(landmarks: Floats) -> Floats:
    """Gives min(visibility, presence) of each landmark; either stands in if the other is 0.

    Args:
        landmarks: (n, 5): x, y, z, visibility, presence.

    Returns:
        (n,) confidences, 0..1.
    """
    visibility, presence = landmarks[:, 3], landmarks[:, 4]
    one_is_missing = (visibility == 0) | (presence == 0)
    return np.where(
        one_is_missing, np.maximum(visibility, presence), np.minimum(visibility, presence)
    )


def inside_photo(landmarks: Floats) -> Flags:
    """Tells which landmarks lie inside the photo: x and y between 0 and 1."""
    points = landmarks[:, :2]
    inside: Flags = np.all((points >= 0) & (points <= 1), axis=1)
    return inside


def measure_quality(
    pose: Floats, mask: PersonMask | None, width: int, height: int, overlay_thr: float
) -> Quality:
    """Measures a pose.

    Args:
        pose: (33, 5): x and y as shares of the photo's width and height, z, visibility,
            presence.
        mask: Where people are; None where it was not computed.
        width: Upright width of the original in pixels.
        height: Upright height of the original in pixels.
        overlay_thr: Least confidence of a joint that is drawn.
    """
    confidence, inside = landmark_confidence(pose), inside_photo(pose)
    on_mask = mask.covers(pose[:, :2]) if mask is not None else None
    points = pose[:, :2].astype(float) * (width, height)
    long_enough = _long_enough(points, width, height)

    mean_confidence = float(confidence[_JOINTS].mean())
    outside_ratio = float((~inside[_JOINTS]).mean())
    inmask = _inmask_ratio(confidence, inside, on_mask)
    supported: Flags = (confidence >= BONE_CONFIDENCE) & inside
    if on_mask is not None:
        supported &= on_mask
    bones = int(np.count_nonzero(supported[_STARTS] & supported[_ENDS] & long_enough))
    penalty = _geometric_penalty(points, width, height)
    shown = (confidence >= max(overlay_thr, FRAME_CONFIDENCE)) & inside
    return Quality(
        pose_mean_conf=mean_confidence,
        pose_inmask_ratio=inmask,
        pose_oob_ratio=outside_ratio,
        pose_supported_bones=bones,
        pose_geom_penalty=penalty,
        pose_score=_score(mean_confidence, inmask, bones) * penalty * (1 - 0.75 * outside_ratio),
        frame_kind=_frame_kind(shown, long_enough),
    )


def _long_enough(points: NDArray[np.float64], width: int, height: int) -> Flags:
    lengths = np.hypot(*(points[_ENDS] - points[_STARTS]).T)
    shortest = max(_SHORTEST_BONE_PX, _SHORTEST_BONE_SHARE * max(width, height))
    long_enough: Flags = lengths >= shortest
    return long_enough


def _inmask_ratio(confidence: Floats, inside: Flags, on_mask: Flags | None) -> float | None:
    if on_mask is None:
        return None
    looked_for = (inside & (confidence >= MASK_JOINT_CONFIDENCE))[_JOINTS]
    if not looked_for.any():
        return 0.0
    return float(on_mask[_JOINTS][looked_for].mean())


def _geometric_penalty(points: NDArray[np.float64], width: int, height: int) -> float:
    shoulders = float(np.hypot(*(points[RIGHT_SHOULDER] - points[LEFT_SHOULDER])))
    hips = float(np.hypot(*(points[RIGHT_HIP] - points[LEFT_HIP])))
    upper = (points[LEFT_SHOULDER] + points[RIGHT_SHOULDER]) / 2
    lower = (points[LEFT_HIP] + points[RIGHT_HIP]) / 2
    torso = float(np.hypot(*(lower - upper)))
    penalty = 0.25 if shoulders < _NARROW_SHOULDERS * width else 1.0
    penalty *= 0.5 if hips < _NARROW_HIPS * width else 1.0
    return penalty * (0.5 if torso > _LONG_TORSO * height else 1.0)


def _score(mean_confidence: float, inmask: float | None, bones: int) -> float:
    enough = min(1.0, bones / _ENOUGH_BONES)
    if inmask is None:
        return 0.65 * mean_confidence + 0.35 * enough
    return 0.35 * mean_confidence + 0.45 * inmask + 0.20 * enough


def _frame_kind(shown: Flags, long_enough: Flags) -> str:
    """Names what is shown by the joints at the ends of accepted bones."""
    accepted = shown[_STARTS] & shown[_ENDS] & long_enough
    joints = set(_STARTS[accepted].tolist()) | set(_ENDS[accepted].tolist())
    legs = joints & (_KNEES | _ANKLES)
    if joints & _SHOULDERS:
        # Knees are guessed below a picture's edge; a body is whole where both ankles are seen.
        whole = joints >= _ANKLES
        return "full_or_mostly_full" if whole else "to_the_knees" if legs else "upper_body"
    if joints & _HIPS and legs:
        return "lower_body"
    if joints & _ANKLES:
        return "foot_closeup"
    return "partial"
