"""The average person beside an estimate."""

from __future__ import annotations

import pytest

from avatarrig.body.average import average_ratios
from avatarrig.body.bones import PROTOTYPE_BONES
from avatarrig.body.evidence.learned import load_learned


def test_the_average_is_that_of_the_population() -> None:
    average = average_ratios(load_learned())
    assert average.keys() == PROTOTYPE_BONES.keys()
    assert average["shoulder_width"] == pytest.approx(1)
    assert all(0.2 < ratio < 3 for ratio in average.values())
    assert average["upper_arm_L"] == average["upper_arm_R"] > average["lower_arm_L"]
