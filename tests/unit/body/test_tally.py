from __future__ import annotations

import datetime as dt
from typing import Any

import msgpack
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.body.arbitrary import EVIDENCE, OBSERVATIONS, VERSION, observation
from support.body.evidence import any_evidence
from support.body.standing import ARRIVED, DAY

from avatarrig.body.refused import LearnedRefusedError, StateRefusedError
from avatarrig.body.sums.evidence_sum import EvidenceSum
from avatarrig.body.sums.histogram import HIGHEST_BIN
from avatarrig.body.sums.tally import Tally
from avatarrig.wire import Evidence, Observation, PackedArray, decode, encode
from avatarrig.wire.reasons import Exclusion

MANY = st.lists(OBSERVATIONS, max_size=8)
ONE = any_evidence(1, {"upper_arm_L": -5, "upper_arm_R": -4})


def tallied(observations: list[Observation]) -> Tally:
    tally = Tally.empty()
    for one in observations:
        tally.add(one)
    return tally


@given(MANY, EVIDENCE)
def test_taking_back_a_photo_of_a_known_month_leaves_no_trace(
    observations: list[Observation], evidence: Evidence
) -> None:
    tally = tallied([*observations, observation(evidence=ONE)])
    before = tally.to_bytes()
    later = observation(evidence=evidence)
    assert tally.add(later).subtract(later).to_bytes() == before


def test_what_was_never_counted_cannot_be_taken_back_and_nothing_changes() -> None:
    tally = tallied([observation(evidence=ONE)])
    before = tally.to_bytes()
    other = msgspec.structs.replace(ONE, ratios={"hip_width": 3})
    for stranger in (
        observation(evidence=other),
        observation(evidence=ONE, ambiguous=True),
        observation(evidence=ONE, captured_at=ARRIVED - DAY),
    ):
        with pytest.raises(StateRefusedError):
            tally.subtract(stranger)
        assert tally.to_bytes() == before


@given(OBSERVATIONS)
def test_a_record_from_the_wire_counts_the_same(one: Observation) -> None:
    assert tallied([decode(encode(one), Observation)]) == tallied([one])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"pose": None, "world": None}, "no_person"),
        ({"ambiguous": True}, "ambiguous"),
        ({"excluded": "duplicate of b-77"}, "duplicate"),
        ({"excluded": "not me"}, "left_out"),
        ({"meta": {"pose_inmask_ratio": 0.3}}, "off_mask"),
        ({"meta": {"pose_oob_ratio": 0.9}}, "out_of_frame"),
        ({"meta": {"pose_supported_bones": 1}}, "too_few_bones"),
        ({"evidence": None}, "no_evidence"),
        ({"evidence": msgspec.structs.replace(ONE, learned="huge-0123")}, "no_weights"),
    ],
)
def test_photos_that_do_not_count_are_counted_by_reason(
    fields: dict[str, Any], reason: str
) -> None:
    tally = tallied([observation(**{"evidence": ONE} | fields)])
    assert (tally.observations, tally.used, tally.excluded) == (1, 0, {reason: 1})
    assert tally.with_person == int(reason != "no_person")
    assert {each.value: each.words for each in Exclusion}[reason]


def test_a_metric_that_is_not_known_holds_nothing_against_a_photo() -> None:
    assert tallied([observation(evidence=ONE, meta={"pose_inmask_ratio": None})]).used == 1


def test_evidence_of_older_weights_is_evaluated_again_from_the_landmarks() -> None:
    random = np.random.default_rng(5)
    pose = np.full((33, 5), 0.9, np.float32)
    pose[:, :2] = random.uniform(0.2, 0.8, (33, 2))
    seen = {"pose": PackedArray.pack(pose), "world": PackedArray.pack(pose[:, :3] - 0.5)}
    old = observation(evidence=msgspec.structs.replace(ONE, learned="full-000000000000"), **seen)
    tally = tallied([old])
    assert tally.used == 1
    assert tally.learned == VERSION
    assert tally.everything().information != list(ONE.information)


def test_evidence_of_other_weights_never_joins_a_tally() -> None:
    packed = msgpack.unpackb(tallied([observation(evidence=ONE)]).to_bytes())
    packed[packed.index(VERSION)] = "full-000000000000"
    old = Tally.from_bytes(msgpack.packb(packed))
    before = old.to_bytes()
    with pytest.raises(LearnedRefusedError, match="replay"):
        old.add(observation(evidence=ONE))
    with pytest.raises(LearnedRefusedError, match="replay"):
        tallied([observation(evidence=ONE)]) + old
    assert old.to_bytes() == before


@given(st.integers(0, 1 << 30))
def test_what_a_photo_can_say_is_never_refused(seed: int) -> None:
    assert Tally.empty().add(observation(evidence=any_evidence(seed))).used == 1


@pytest.mark.parametrize(
    "malformed",
    [
        {"information": (1, 2)},
        {"information": (ONE.information[0], 1 << 20, *ONE.information[2:])},
        {"information": (-900, *ONE.information[1:])},
        {"information": (1 << 20, *ONE.information[1:])},
        {"information": (*ONE.information[:-1], 1 << 24)},
        {"information": (*ONE.information[:-1], 0)},
        {"information": (0,) * len(ONE.information)},
        {"vector": (1 << 60, 0, 0, 0, 0, 0)},
        {"vector": tuple(4 * number for number in ONE.vector)},
        {"ratios": {"tail_length": 1}},
        {"ratios": {"hip_width": HIGHEST_BIN + 1}},
    ],
)
def test_malformed_evidence_is_refused_before_anything_is_counted(
    malformed: dict[str, Any],
) -> None:
    tally = Tally.empty()
    with pytest.raises(StateRefusedError):
        tally.add(observation(evidence=msgspec.structs.replace(ONE, **malformed)))
    assert tally == Tally.empty()


@given(st.binary(max_size=200))
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(StateRefusedError):
        Tally.from_bytes(data)


@given(st.data())
def test_a_tampered_tally_is_refused_or_another_tally(data: st.DataObject) -> None:
    packed = bytearray(tallied([observation(evidence=ONE)] * 3).to_bytes())
    packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    try:
        tally = Tally.from_bytes(bytes(packed))
    except StateRefusedError:
        return
    assert Tally.from_bytes(tally.to_bytes()) == tally


def since(tally: Tally, day: dt.date) -> tuple[EvidenceSum, dt.date]:
    names, begins = tally.since(day)
    return EvidenceSum.total(tally.days()[name] for name in names), begins


def test_a_window_holds_the_days_asked_for_and_no_other() -> None:
    ages = [0, 0, 3, 29, 30, 31, 58]
    tally = tallied([observation(evidence=ONE, captured_at=ARRIVED - age * DAY) for age in ages])
    assert tally.newest_day == dt.date(2026, 11, 22)
    for days, expected in ((1, 2), (4, 3), (30, 4), (31, 5), (60, 7)):
        start = dt.date(2026, 11, 22) - dt.timedelta(days - 1)
        sums, really = since(tally, start)
        assert (sums.photos, really) == (expected, start)


def test_a_window_that_cuts_a_month_begins_after_it() -> None:
    ages = [0, 100, 140, 150, 400]
    tally = tallied([observation(evidence=ONE, captured_at=ARRIVED - age * DAY) for age in ages])
    sums, really = since(tally, dt.date(2026, 7, 1))
    assert (sums.photos, really) == (3, dt.date(2026, 7, 1))
    sums, really = since(tally, dt.date(2026, 6, 27))
    assert (sums.photos, really) == (3, dt.date(2026, 7, 1))


def test_a_camera_whose_clock_runs_ahead_does_not_age_the_others() -> None:
    times = (ARRIVED + 900 * DAY, ARRIVED)
    tally = tallied([observation(evidence=ONE, captured_at=at) for at in times])
    assert tally.newest_day == dt.date(2026, 11, 22)


def test_photos_without_a_time_are_told_from_those_of_today_and_are_in_no_window() -> None:
    undated = observation(evidence=ONE, captured_at=None)
    tally = tallied([undated, undated, observation(evidence=ONE, captured_at=ARRIVED)])
    assert (tally.used, tally.undated) == (3, 2)
    sums, really = since(tally, dt.date(1, 1, 1))
    assert sums.photos == 1
    assert tallied([undated]).newest_day is None
    assert Tally.from_bytes(tally.to_bytes()) == tally
    assert (tally - tallied([undated])).undated == 1
    merged = tallied([undated]) + tallied([observation(evidence=ONE, captured_at=ARRIVED)])
    assert merged.undated == 1
    assert really == dt.date(1, 1, 1)
