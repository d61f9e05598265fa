"""Estimates that doubt photos of somebody else."""

from __future__ import annotations

import numpy as np
import pytest
from support.body.turning import total
from support.rendered import evidence_of

from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.levels import Cell
from avatarrig.body.solver.person import Proportions, solve, solve_moments
from avatarrig.wire import Evidence

LEARNED = load_learned("full")
PEOPLE = ("p00", "pw01")


def doubting(photos: list[Evidence]) -> Proportions:
    """Each photo a moment and a session of its own."""
    cells = [Cell(total([photo]), number, number) for number, photo in enumerate(photos)]
    return solve_moments(cells, LEARNED)


def trusting(photos: list[Evidence]) -> Proportions:
    return solve(total(photos), LEARNED)


def test_no_photo_gives_the_population_and_doubts_nothing() -> None:
    nobody = doubting([])
    np.testing.assert_allclose(nobody.log_lengths, trusting([]).log_lengths)
    assert nobody.trusted == 1


@pytest.mark.parametrize("person", PEOPLE)
def test_most_of_one_persons_photos_are_trusted(person: str) -> None:
    photos = list(evidence_of(person))
    assert 0.7 < doubting(photos).trusted < 0.98
    moved = doubting(photos).log_lengths - trusting(photos).log_lengths
    assert np.abs(moved).max() < 0.03


def test_photos_of_a_stranger_are_doubted() -> None:
    subject, strangers = evidence_of("pw01"), evidence_of("p00")
    for count in (3, 6, 10):
        fair = list(subject[count:])
        mixed = [*fair, *strangers[:count]]
        assert doubting(mixed).trusted < doubting([*fair, *subject[:count]]).trusted


def test_a_tenth_of_strangers_moves_the_estimate_less_than_if_all_were_trusted() -> None:
    subject, strangers = evidence_of("pw01"), evidence_of("p00")
    doubted: list[float] = []
    trusted: list[float] = []
    for first in range(0, 30, 3):
        fair = [photo for place, photo in enumerate(subject) if not first <= place < first + 3]
        mixed = [*fair, *strangers[first : first + 3]]
        for method, moved in ((doubting, doubted), (trusting, trusted)):
            apart = method(mixed).log_lengths - method(fair).log_lengths
            moved.append(float(np.abs(apart).mean()))
    assert np.mean(doubted) < 0.9 * np.mean(trusted)
    assert np.mean(doubted) < 0.01
