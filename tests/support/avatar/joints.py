"""The joints of a standing body, and factors to change its proportions by."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from avatarrig.avatar.proportions import KEYS, Body

ARM, LEG = ("UpperArm", "LowerArm", "Hand"), ("UpperLeg", "LowerLeg", "Foot")


def standing_body() -> Body:
    points = {"hips": (0.0, 1.0, 0.0), "head": (0.0, 1.6, 0.0)}
    for side, sign in (("left", 1), ("right", -1)):
        arm, leg = ((0.18, 1.45), (0.45, 1.44), (0.7, 1.43)), ((0.1, 0.95), (0.1, 0.5), (0.1, 0.1))
        for names, row in ((ARM, arm), (LEG, leg)):
            points |= {
                f"{side}{part}": (sign * x, y, 0.0) for part, (x, y) in zip(names, row, strict=True)
            }
    found = {name: np.array(point, float) for name, point in points.items()}
    lengths = dict.fromkeys(KEYS, 0.0)
    body = Body(points=found, lengths=lengths)
    lengths |= {
        "shoulder_width": float(np.linalg.norm(body.across("UpperArm"))),
        "hip_width": float(np.linalg.norm(body.across("UpperLeg"))),
        "torso_length": float(np.linalg.norm(body.middle("UpperArm") - body.middle("UpperLeg"))),
    }
    for key, (start, end) in {
        "upper_arm": ARM[:2],
        "lower_arm": ARM[1:],
        "upper_leg": LEG[:2],
        "lower_leg": LEG[1:],
    }.items():
        for side, letter in (("left", "L"), ("right", "R")):
            along = found[f"{side}{end}"] - found[f"{side}{start}"]
            lengths[f"{key}_{letter}"] = float(np.linalg.norm(along))
    return Body(points=found, lengths=lengths)


FACTORS = st.fixed_dictionaries({key: st.floats(0.6, 1.7) for key in KEYS})
