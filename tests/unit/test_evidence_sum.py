"""Sums of evidence do not know in which order it came."""

from __future__ import annotations

import dataclasses
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.turning import LEARNED, PHOTOS, total

from avatarrig.body.evidence.evidence import INFORMATION_LENGTH
from avatarrig.body.person import solve
from avatarrig.body.refused import LearnedRefusedError, StateRefusedError
from avatarrig.body.sums.evidence_sum import EvidenceSum
from avatarrig.wire import Evidence

Photos = list[Evidence]
SOME_PHOTOS = st.lists(st.sampled_from(PHOTOS), max_size=30)


@given(SOME_PHOTOS, st.randoms())
def test_the_order_of_photos_cannot_change_a_bit(photos: Photos, random: Random) -> None:
    shuffled = photos.copy()
    random.shuffle(shuffled)
    assert total(shuffled).to_builtins() == total(photos).to_builtins()


@given(SOME_PHOTOS, SOME_PHOTOS, SOME_PHOTOS)
def test_merging_is_adding_whatever_the_brackets(
    first: Photos, second: Photos, third: Photos
) -> None:
    whole = total([*first, *second, *third])
    assert (total(first) + total(second)) + total(third) == whole
    assert total(first) + (total(second) + total(third)) == whole


@given(SOME_PHOTOS, SOME_PHOTOS)
def test_photos_taken_back_leave_no_trace(kept: Photos, retracted: Photos) -> None:
    both = total([*kept, *retracted])
    assert both - total(retracted) == total(kept)
    for photo in retracted:
        both.subtract(photo)
    assert both == total(kept)


@given(SOME_PHOTOS)
def test_a_sum_survives_packing(photos: Photos) -> None:
    assert EvidenceSum.from_builtins(total(photos).to_builtins()) == total(photos)


def test_sums_of_a_billion_photos_stay_exact() -> None:
    many = total(PHOTOS)
    for _ in range(30):
        many = many + many
    assert many.photos == len(PHOTOS) << 30
    assert many.vector == [number << 30 for number in total(PHOTOS).vector]


def test_more_cannot_be_taken_back_than_was_added() -> None:
    with pytest.raises(StateRefusedError):
        EvidenceSum.zero().subtract(PHOTOS[0])


@pytest.mark.parametrize(
    "packed", [["full-x"], ["full-x", [1, 2]], [3, [1]], ["full-x", [1.5] * 29], ["full-x", [0]]]
)
def test_other_things_are_no_sums(packed: list[object]) -> None:
    with pytest.raises(StateRefusedError):
        EvidenceSum.from_builtins(packed)


def test_evidence_of_other_weights_is_refused() -> None:
    with pytest.raises(LearnedRefusedError, match="evaluate"):
        total([PHOTOS[0]]).add(
            Evidence(learned="full-other", information=(1,) * INFORMATION_LENGTH, vector=(1,) * 6)
        )
    other = dataclasses.replace(LEARNED, version="full-other")
    with pytest.raises(LearnedRefusedError, match="full-other"):
        solve(total(PHOTOS), other)
