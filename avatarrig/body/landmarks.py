"""MediaPipe's 33 pose landmarks and the joints and bones that AvatarRig reads from them."""

from __future__ import annotations

from typing import Final

POSE_LANDMARK_NAMES: Final = (
    "nose",
    "left_eye_inner",
    "left_eye",
    "left_eye_outer",
    "right_eye_inner",
    "right_eye",
    "right_eye_outer",
    "left_ear",
    "right_ear",
    "mouth_left",
    "mouth_right",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_pinky",
    "right_pinky",
    "left_index",
    "right_index",
    "left_thumb",
    "right_thumb",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "left_heel",
    "right_heel",
    "left_foot_index",
    "right_foot_index",
)
"""Left and right are the person's own. The order is MediaPipe's."""

NOSE: Final = 0
LEFT_EAR: Final = 7
RIGHT_EAR: Final = 8
LEFT_SHOULDER: Final = 11
RIGHT_SHOULDER: Final = 12
LEFT_ELBOW: Final = 13
RIGHT_ELBOW: Final = 14
LEFT_WRIST: Final = 15
RIGHT_WRIST: Final = 16
LEFT_HIP: Final = 23
RIGHT_HIP: Final = 24
LEFT_KNEE: Final = 25
RIGHT_KNEE: Final = 26
LEFT_ANKLE: Final = 27
RIGHT_ANKLE: Final = 28

QUALITY_JOINTS: Final = (0, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
"""The 13 joints that the quality metrics look at: the nose and the limbs."""

BONES: Final = {
    "shoulder_width": (LEFT_SHOULDER, RIGHT_SHOULDER),
    "hip_width": (LEFT_HIP, RIGHT_HIP),
    "upper_arm_L": (LEFT_SHOULDER, LEFT_ELBOW),
    "upper_arm_R": (RIGHT_SHOULDER, RIGHT_ELBOW),
    "lower_arm_L": (LEFT_ELBOW, LEFT_WRIST),
    "lower_arm_R": (RIGHT_ELBOW, RIGHT_WRIST),
    "upper_leg_L": (LEFT_HIP, LEFT_KNEE),
    "upper_leg_R": (RIGHT_HIP, RIGHT_KNEE),
    "lower_leg_L": (LEFT_KNEE, LEFT_ANKLE),
    "lower_leg_R": (RIGHT_KNEE, RIGHT_ANKLE),
}
"""The 10 bones of an observation, each by the landmarks at its ends."""
