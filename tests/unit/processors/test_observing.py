"""What is put together of a photo that was looked at."""

from __future__ import annotations

import numpy as np
import pytest
from support.references import reference
from support.rendered import rendered

from avatarrig.body.evidence.counting import Counted, Excluded, judge
from avatarrig.body.evidence.learned import Learned, load_learned
from avatarrig.body.recognition import LIKENESS, VERDICT, Verdict
from avatarrig.detectors.detector import Detection
from avatarrig.wire import Observation, PackedArray
from avatarrig.wire.reasons import Exclusion
from processors.sandbox.observing import Unlearned, assemble

SEEN = rendered(0)


def observed(learned: Learned | Unlearned) -> Observation:
    pose, world = SEEN.pose, SEEN.world
    assert pose is not None
    assert world is not None
    detection = Detection(
        width=SEEN.width,
        height=SEEN.height,
        people=1,
        ambiguous=False,
        subject_confidence=1.0,
        pose=unpacked(pose),
        world=unpacked(world),
        face=None,
        blendshapes=None,
        mask=None,
        meta={},
        look=(),
        rgb=np.zeros((2, 2, 3), np.uint8),
    )
    return assemble(
        reference("a.jpg"), detection, fingerprint="f", learned=learned, observed_at=0.0
    )


def nothing_seen(meta: dict[str, str | float | None]) -> Detection:
    return Detection(
        width=300,
        height=200,
        people=0,
        ambiguous=False,
        subject_confidence=0.0,
        pose=None,
        world=None,
        face=None,
        blendshapes=None,
        mask=None,
        meta=meta,
        look=(),
        rgb=np.zeros((2, 2, 3), np.uint8),
    )


def unpacked(array: PackedArray) -> np.ndarray:
    return array.unpack().astype(np.float32)


@pytest.mark.parametrize(("pose_model", "why"), [("huge", Exclusion.NO_WEIGHTS), ("full", None)])
def test_a_photo_seen_before_anything_was_learned_counts_once_it_was(
    pose_model: str, why: Exclusion | None
) -> None:
    verdict = judge(observed(Unlearned(pose_model)))
    if why is None:
        assert isinstance(verdict, Counted)
        assert verdict == judge(observed(load_learned("full")))
    else:
        assert verdict == Excluded(why)


@pytest.mark.parametrize(
    ("meta", "why"),
    [
        ({}, Exclusion.NO_PERSON),
        ({VERDICT: str(Verdict.UNSURE), LIKENESS: None}, Exclusion.NO_PERSON),
        ({VERDICT: str(Verdict.UNSURE), LIKENESS: 0.3}, Exclusion.UNSURE),
        ({VERDICT: str(Verdict.SOMEBODY_ELSE), LIKENESS: 0.1}, Exclusion.SOMEBODY_ELSE),
    ],
)
def test_a_photo_of_nobody_is_not_called_unsure(
    meta: dict[str, str | float | None], why: Exclusion
) -> None:
    nobody = nothing_seen(meta)
    seen = assemble(
        reference("a.jpg"), nobody, fingerprint="f", learned=load_learned("full"), observed_at=0.0
    )
    assert judge(seen) == Excluded(why)
