"""Photos in groups, and estimates that doubt photos of somebody else."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.rendered import evidence_of

from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.person import Proportions, solve, solve_groups
from avatarrig.body.refused import StateRefusedError
from avatarrig.body.sums.evidence_sum import EvidenceSum
from avatarrig.body.sums.grouped_sums import GROUPS, GroupedSums, group_of
from avatarrig.wire import Evidence

LEARNED = load_learned("full")
PEOPLE = ("p00", "pw01")


def doubting(photos: list[Evidence]) -> Proportions:
    return solve_groups(GroupedSums.of(photos, LEARNED).parts(), LEARNED)


def trusting(photos: list[Evidence]) -> Proportions:
    return solve(EvidenceSum.total(GroupedSums.of(photos, LEARNED).parts()), LEARNED)


ALL = [photo for person in PEOPLE for photo in evidence_of(person)]
SOME = st.lists(st.sampled_from(ALL), max_size=20)


@settings(deadline=None, max_examples=30)
@given(SOME, SOME, st.randoms(use_true_random=False))
def test_order_merging_and_taking_back_leave_no_trace(
    kept: list[Evidence], gone: list[Evidence], random: Random
) -> None:
    shuffled = random.sample([*kept, *gone], len(kept) + len(gone))
    first, second = GroupedSums.of(kept, LEARNED), GroupedSums.of(gone, LEARNED)
    together = GroupedSums.of(shuffled, LEARNED)
    assert (first + second).to_builtins() == together.to_builtins()
    assert (together - second).to_builtins() == first.to_builtins()
    assert GroupedSums.from_builtins(together.to_builtins(), LEARNED.version) == together
    assert together.photos == len(shuffled)


def test_photos_fall_into_many_groups() -> None:
    groups = {group_of(photo, LEARNED) for photo in ALL}
    assert groups <= set(range(GROUPS))
    assert len(groups) > GROUPS / 2


def test_what_was_never_added_cannot_be_taken_back() -> None:
    first, second = ([photo] for photo in ALL[:2])
    with pytest.raises(StateRefusedError):
        GroupedSums.of(first, LEARNED) - GroupedSums.of(second * 2, LEARNED)


@pytest.mark.parametrize("rows", [[[GROUPS, 1]], [[0, 1, 2]], [["0", 1]], [7]])
def test_other_rows_are_refused(rows: list[object]) -> None:
    with pytest.raises(StateRefusedError):
        GroupedSums.from_builtins(rows, LEARNED.version)


def test_no_photo_gives_the_population_and_doubts_nothing() -> None:
    nobody = doubting([])
    np.testing.assert_allclose(nobody.log_lengths, trusting([]).log_lengths)
    assert nobody.trusted == 1


@pytest.mark.parametrize("person", PEOPLE)
def test_most_of_one_persons_photos_are_trusted(person: str) -> None:
    photos = list(evidence_of(person))
    assert 0.7 < doubting(photos).trusted < 0.95
    moved = doubting(photos).log_lengths - trusting(photos).log_lengths
    assert np.abs(moved).max() < 0.02


def test_photos_of_a_stranger_are_doubted() -> None:
    subject, strangers = evidence_of("pw01"), evidence_of("p00")
    for count in (3, 6, 10):
        fair = list(subject[count:])
        mixed = [*fair, *strangers[:count]]
        assert doubting(mixed).trusted < doubting([*fair, *subject[:count]]).trusted


def test_a_tenth_of_strangers_moves_the_estimate_less_than_if_all_were_trusted() -> None:
    subject, strangers = evidence_of("pw01"), evidence_of("p00")
    doubted, trusted = [], []
    for first in range(0, 30, 3):
        fair = [photo for place, photo in enumerate(subject) if not first <= place < first + 3]
        mixed = [*fair, *strangers[first : first + 3]]
        for method, moved in ((doubting, doubted), (trusting, trusted)):
            apart = method(mixed).log_lengths - method(fair).log_lengths
            moved.append(np.abs(apart).mean())
    assert np.mean(doubted) < 0.85 * np.mean(trusted)
    assert np.mean(doubted) < 0.01
