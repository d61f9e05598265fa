"""The history notes every estimate, and its keys thin it out."""

from __future__ import annotations

import pytest
from support.observed import observation

from avatarrig.body.estimate import EstimateOptions, estimate
from avatarrig.body.sums.tally import Tally
from avatarrig.wire import HistoryRecord, SkeletonRecord
from avatarrig.wire.history import SLOT_SECONDS, history_of, slot_of


def record(photos: int, at: float = 1.76e9, window: int | None = None) -> SkeletonRecord:
    tally = Tally.empty()
    for number in range(photos):
        tally.add(observation(number))
    made = estimate(tally, subject="anna", options=EstimateOptions(window_days=window))
    return SkeletonRecord(
        subject="anna",
        fingerprint="f",
        applied={},
        observations=photos,
        estimate=made,
        estimated_at=at,
    )


def note(used: int, at: float = 1.76e9) -> HistoryRecord:
    return HistoryRecord(
        subject="anna", fingerprint="f", estimated_at=at, observations=used, used=used, ratios={}
    )


def test_a_note_says_what_the_estimate_says() -> None:
    estimated = record(20, window=30)
    noted = history_of(estimated)
    assert {key: (r.value, (r.low, r.high), r.n, r.status) for key, r in noted.ratios.items()} == {
        key: (bone.value, bone.interval, bone.n, bone.status)
        for key, bone in estimated.estimate.stats.items()
    }
    window = estimated.estimate.window
    assert window is not None
    assert noted.window["torso_length"][0] == window.stats["torso_length"].value
    assert (noted.observations, noted.used) == (20, estimated.estimate.used)


def test_an_estimate_of_nothing_is_noted_too() -> None:
    noted = history_of(record(0))
    assert (noted.used, noted.ratios, noted.window) == (0, {}, {})


@pytest.mark.parametrize(("first", "second"), [(1, 2), (5, 6), (100, 115), (1000, 1200)])
def test_notes_that_firm_up_are_kept_apart(first: int, second: int) -> None:
    assert slot_of(note(first)) != slot_of(note(second))


def test_notes_of_the_same_photos_are_one_an_hour() -> None:
    times = [1.76e9 + 60 * minute for minute in range(24 * 60)]
    slots = {slot_of(note(500_000, at)) for at in times}
    assert 24 <= len(slots) <= 24 * 3600 / SLOT_SECONDS + 1


def test_a_million_photos_in_an_hour_leave_some_hundred_notes() -> None:
    assert len({slot_of(note(used)) for used in range(0, 1_000_000, 7)}) < 200
