"""What stands in the corner of an overlay says whether the photo counts."""

from __future__ import annotations

import numpy as np
import pytest

from avatarrig.wire import Observation, PackedArray
from processors.sandbox.observing import _caption


@pytest.mark.parametrize(
    ("people", "ambiguous", "note"),
    [
        (1, False, ""),
        (3, False, "1 of 3 people"),
        (3, True, "1 of 3 people, ambiguous"),
        (1, True, "ambiguous: somebody else is there"),
    ],
)
def test_the_remark_names_the_others(people: int, note: str, *, ambiguous: bool) -> None:
    observation = Observation(
        image_id="one",
        subject="Ada",
        dataset="Demo",
        content_hash="0",
        found_at=1.0,
        observed_at=2.0,
        path="one.jpg",
        width=10,
        height=10,
        fingerprint="f",
        people=people,
        ambiguous=ambiguous,
        pose=PackedArray.pack(np.zeros((33, 5), np.float32)),
        meta={"pose_score": 0.9, "frame_kind": "upper_body"},
    )
    caption = _caption(observation)
    assert (caption.note, caption.left_out, caption.score) == (note, ambiguous, 0.9)
