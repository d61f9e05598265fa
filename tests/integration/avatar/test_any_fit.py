"""No fit turns a surface inside out, whatever the proportions."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from support.avatar.joints import FACTORS, standing_body

from avatarrig.avatar.field import derivative
from avatarrig.avatar.placing import Growth, Plan, place


@settings(max_examples=40, deadline=None)
@given(FACTORS)
def test_no_map_turns_the_surface_inside_out(found: dict[str, float]) -> None:
    body = standing_body()
    plan = Plan(body=body, found=found, growth=Growth(), shift=np.zeros(3))
    around = np.random.default_rng(7).uniform((-0.3, 0, -0.2), (0.3, 1.7, 0.2), (400, 3))
    for part, transform in place(plan).maps.items():
        volumes = np.linalg.det(derivative(transform, around, 1.7))
        if part in {"leftUpperArm", "rightUpperArm"}:  # far behind its joint no mesh is the arm's
            continue
        assert volumes.min() > 0, part
