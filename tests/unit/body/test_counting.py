"""One rule decides which photos count, and all who tell of it tell the same."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from support.rendered import rendered

from avatarrig.body.evidence.counting import Counted, Excluded, judge
from avatarrig.body.recognition import Verdict
from avatarrig.body.refused import StateRefusedError
from avatarrig.body.sums.tally import Tally
from avatarrig.report.collect import seen_photo
from avatarrig.runs.frame import photo_frame
from avatarrig.views.progress import Found, Progress
from avatarrig.wire import Observation, Reject
from avatarrig.wire.reasons import Exclusion, RejectReason, words_for

GOOD = rendered(0)
EVIDENCE = GOOD.evidence
assert EVIDENCE is not None
CASES: dict[Exclusion | None, dict[str, Any]] = {
    None: {},
    Exclusion.NO_PERSON: {"pose": None, "world": None, "evidence": None},
    Exclusion.DUPLICATE: {"excluded": "duplicate of b-77"},
    Exclusion.ON_REQUEST: {"excluded": "not me"},
    Exclusion.GONE: {"excluded": Exclusion.GONE.words},
    Exclusion.OUT_OF_PERIOD: {"excluded": Exclusion.OUT_OF_PERIOD.words},
    Exclusion.SOMEBODY_ELSE: {"excluded": str(Verdict.SOMEBODY_ELSE)},
    Exclusion.UNSURE: {"excluded": str(Verdict.UNSURE)},
    Exclusion.AMBIGUOUS: {"ambiguous": True},
    Exclusion.OFF_MASK: {"meta": {"pose_inmask_ratio": 0.3}},
    Exclusion.OUT_OF_FRAME: {"meta": {"pose_oob_ratio": 0.9}},
    Exclusion.TOO_FEW_BONES: {"meta": {"pose_supported_bones": 1}},
    Exclusion.NO_EVIDENCE: {"evidence": None},
    Exclusion.NO_WEIGHTS: {"evidence": msgspec.structs.replace(EVIDENCE, learned="huge-0123")},
}


def photo(reason: Exclusion | None) -> Observation:
    return msgspec.structs.replace(GOOD, **CASES[reason])


def progress_with(*observations: Observation) -> Progress:
    progress = Progress("r", GOOD.fingerprint)
    for offset, seen in enumerate(observations):
        progress.found(Found(seen.image_id, seen.path, seen.subject))
        progress.observation(seen, 0, offset, now=0.0)
    return progress


def test_every_reason_is_tried() -> None:
    assert CASES.keys() == {None, *Exclusion}


@pytest.mark.parametrize("reason", CASES)
def test_tally_progress_report_and_frame_say_the_same(reason: Exclusion | None) -> None:
    seen = photo(reason)
    told = {} if reason is None else {reason: 1}
    assert Tally.empty().add(seen).excluded == told
    assert progress_with(seen).excluded == told
    assert seen_photo(seen).excluded == reason
    row = photo_frame([seen]).row(0, named=True)
    assert (row["counts"], row["left_out"]) == (reason is None, reason)


@pytest.mark.parametrize("reason", CASES)
def test_a_verdict_holds_the_evidence_or_the_reason(reason: Exclusion | None) -> None:
    assert EVIDENCE is not None
    assert judge(photo(reason)) == (Counted(EVIDENCE) if reason is None else Excluded(reason))


def test_an_observation_whose_evidence_is_malformed_is_none_to_a_run() -> None:
    """The aggregator rejects it; a run that took it for one would wait for it in vain."""
    assert EVIDENCE is not None
    bad = msgspec.structs.replace(GOOD, evidence=msgspec.structs.replace(EVIDENCE, vector=(1,)))
    with pytest.raises(StateRefusedError):
        judge(bad)
    assert progress_with(bad).counts.observed == 0
    assert progress_with(bad, GOOD).counts.observed == 1


@pytest.mark.parametrize("reason", [*RejectReason, *Exclusion])
def test_each_code_has_words_for_people(reason: RejectReason | Exclusion) -> None:
    assert words_for(reason.value) == reason.words
    assert " " in reason.words
    assert reason.value == reason.value.lower()


def test_codes_name_one_thing_each() -> None:
    codes = [reason.value for reason in (*RejectReason, *Exclusion)]
    assert len(codes) == len(set(codes))


def test_a_code_of_a_newer_program_is_read_and_stands_for_itself() -> None:
    reject = Reject(reason="out_of_this_world", message="m", attempts=1, rejected_at=0.0)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(reject), type=Reject) == reject
    assert words_for(reject.reason) == "out_of_this_world"
