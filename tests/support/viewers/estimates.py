"""Two people whose proportions differ."""

from __future__ import annotations

ESTIMATES = {
    "shoulder_width": 1.0,
    "hip_width": 0.6,
    "torso_length": 1.36,
    **{f"upper_arm_{side}": 0.78 for side in "LR"},
    **{f"lower_arm_{side}": 0.63 for side in "LR"},
    **{f"upper_leg_{side}": 1.18 for side in "LR"},
    **{f"lower_leg_{side}": 1.29 for side in "LR"},
}
OTHERS = {
    "shoulder_width": 1.0,
    "hip_width": 0.7,
    "torso_length": 1.2,
    **{f"upper_arm_{side}": 0.9 for side in "LR"},
    **{f"lower_arm_{side}": 0.72 for side in "LR"},
    **{f"upper_leg_{side}": 1.4 for side in "LR"},
    **{f"lower_leg_{side}": 1.35 for side in "LR"},
}
