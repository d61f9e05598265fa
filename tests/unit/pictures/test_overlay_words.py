"""What stands in the corner of an overlay says whether the photo counts, and why not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.body.standing import BODY, photo

from avatarrig.pictures.caption import Caption
from avatarrig.wire import Observation, PackedArray
from avatarrig.wire.reasons import Exclusion
from processors.sandbox.observing import _caption

SURE = {"pose_score": 0.9, "frame_kind": "upper_body", "pose_inmask_ratio": 1.0}


def observed(**fields: Any) -> Observation:
    return photo(0, BODY, **{"meta": SURE} | fields)


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ({}, ("counts", "upper body · pose 0.90")),
        ({"people": 3}, ("counts", "upper body · several people · pose 0.90")),
        (
            {"people": 3, "ambiguous": True},
            (
                f"does not count: {Exclusion.AMBIGUOUS.words}",
                "upper body · several people · pose 0.90",
            ),
        ),
        (
            {"meta": SURE | {"pose_inmask_ratio": 0.1}},
            (f"does not count: {Exclusion.OFF_MASK.words}", "upper body · pose 0.90"),
        ),
        (
            {"pose": None, "world": None},
            (f"does not count: {Exclusion.NO_PERSON.words}",),
        ),
    ],
)
def test_it_says_whether_the_photo_counts(fields: dict[str, object], lines: object) -> None:
    assert _caption(observed(**fields)).lines == lines


def test_landmarks_that_say_nothing_are_told() -> None:
    nothing = PackedArray.pack(np.zeros((33, 5), np.float32))
    words = _caption(observed(pose=nothing, evidence=None)).lines[0]
    assert words == f"does not count: {Exclusion.NO_EVIDENCE.words}"


@pytest.mark.parametrize("kind", ["full_or_mostly_full", "to_the_knees", "foot_closeup", "new_one"])
def test_no_code_is_shown(kind: str) -> None:
    assert "_" not in "".join(Caption(frame_kind=kind, score=0.5).lines)
