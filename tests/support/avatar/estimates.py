"""A person's proportions, and whether an avatar has them."""

from __future__ import annotations

import pytest

ESTIMATES = {
    "shoulder_width": 1.0,
    "hip_width": 0.66,
    "torso_length": 1.3,
    **{f"upper_arm_{side}": 0.74 for side in "LR"},
    **{f"lower_arm_{side}": 0.64 for side in "LR"},
    **{f"upper_leg_{side}": 1.21 for side in "LR"},
    **{f"lower_leg_{side}": 1.12 for side in "LR"},
}
LIMBS = [key for key in ESTIMATES if "_arm" in key or "_leg" in key]


def assert_ratios(lengths: dict[str, float], keys: list[str] | None = None) -> None:
    scale = lengths["shoulder_width"] if keys is None else lengths[LIMBS[0]] / ESTIMATES[LIMBS[0]]
    for key in keys or ESTIMATES:
        assert lengths[key] / scale == pytest.approx(ESTIMATES[key], rel=0.005), key
