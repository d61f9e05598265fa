"""The joints of a standing body, and factors to change its proportions by."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from avatarrig.avatar.humanoid import Humanoid
from avatarrig.avatar.proportions import KEYS, Body, measure

ARM, LEG = ("UpperArm", "LowerArm", "Hand"), ("UpperLeg", "LowerLeg", "Foot")


def standing_body() -> Body:
    points = {"hips": (0.0, 1.0, 0.0), "head": (0.0, 1.6, 0.0)}
    for side, sign in (("left", 1), ("right", -1)):
        arm, leg = ((0.18, 1.45), (0.45, 1.44), (0.7, 1.43)), ((0.1, 0.95), (0.1, 0.5), (0.1, 0.1))
        for names, row in ((ARM, arm), (LEG, leg)):
            points |= {
                f"{side}{part}": (sign * x, y, 0.0) for part, (x, y) in zip(names, row, strict=True)
            }
    return measure_points({name: np.array(point, float) for name, point in points.items()})


def measure_points(points: dict[str, np.ndarray]) -> Body:
    """A body of these joints."""
    bones = dict(zip(points, range(len(points)), strict=True))
    worlds = np.tile(np.eye(4), (len(points), 1, 1))
    worlds[:, :3, 3] = list(points.values())
    return measure(Humanoid(bones=bones, source="a test"), worlds)


FACTORS = st.fixed_dictionaries({key: st.floats(0.6, 1.7) for key in KEYS})
