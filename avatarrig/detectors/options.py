"""What a person can set about detection."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

PoseModel = Literal["lite", "full", "heavy"]

POSE_PROFILES: Final[dict[str, float]] = {"balanced": 0.30, "strict": 0.60}
"""Threshold that each named profile sets for detection, presence and tracking alike."""

MOST_POSES: Final = 16
"""Ceiling of `DetectorOptions.num_poses`: each further person costs another inference."""


class DetectorOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of the detector; everything that changes its output is in its fingerprint.

    Attributes:
        pose_model: Variant of MediaPipe's pose landmarker. Variants differ by a tenth in bone
            lengths, so observations of different variants are never pooled.
        num_poses: How many people are looked for. 1, the default, asks for one subject and
            leaves it to the detector how many it looks for to know who that is; a larger
            number is an upper limit.
        min_pose_det: Least confidence of a person's detection, 0..1.
        min_pose_presence: Least confidence that the landmarks are there, 0..1.
        min_pose_track: Handed to MediaPipe, which ignores it for single images.
        pose_crop_from_mask: Whether a poor first look is followed by a second one at a crop
            around what the person mask or the coarse pose shows.
        crop_pad_frac: Padding of that crop on each side, as a share of its longer side, 0..1.
        overlay_thr: Least confidence of a joint that is drawn, 0..1. Joints below it (or
            below 0.45) do not count in ``frame_kind``.
        blendshapes: Whether the face's 52 expression scores are computed.
        max_pixels: Photos with more pixels are refused by their header.
    """

    pose_model: PoseModel = "full"
    num_poses: int = 1
    min_pose_det: float = POSE_PROFILES["balanced"]
    min_pose_presence: float = POSE_PROFILES["balanced"]
    min_pose_track: float = POSE_PROFILES["balanced"]
    pose_crop_from_mask: bool = True
    crop_pad_frac: float = 0.15
    overlay_thr: float = 0.35
    blendshapes: bool = True
    max_pixels: int = 200_000_000

    def __post_init__(self) -> None:
        """Refuses values out of range, by name.

        Raises:
            ValueError: Naming the setting, its value and its range.
        """
        for name in (
            "min_pose_det",
            "min_pose_presence",
            "min_pose_track",
            "crop_pad_frac",
            "overlay_thr",
        ):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"{name} is {value}; it must lie between 0 and 1")
        if not 1 <= self.num_poses <= MOST_POSES:
            raise ValueError(f"num_poses is {self.num_poses}; it must lie in 1..{MOST_POSES}")
        if self.max_pixels < 1:
            raise ValueError(f"max_pixels is {self.max_pixels}; it must be positive")
