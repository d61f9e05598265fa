"""Who the subject is, and what the mask says about others."""

from __future__ import annotations

import numpy as np
import pytest
from support.body.people import LEFT, MIDDLE, RIGHT_SMALL, mask_of, person

from avatarrig.detectors.outline import GENEROUS, draw_outline, explain_mask
from avatarrig.detectors.who import (
    Box,
    choose_subject,
    prominence,
    same_person,
    visible_box,
    weigh_stranger,
)


def test_the_most_prominent_person_is_the_subject_and_everybody_is_counted() -> None:
    choice = choose_subject([RIGHT_SMALL, MIDDLE])
    assert choice.subject is MIDDLE
    assert len(choice.people) == 2
    assert 0.5 < choice.confidence < 1.0
    assert not choice.ambiguous


def test_one_person_is_a_sure_choice() -> None:
    choice = choose_subject([MIDDLE])
    assert (choice.confidence, choice.ambiguous) == (1.0, False)


def test_two_equals_are_a_toss_up() -> None:
    choice = choose_subject([MIDDLE, LEFT])
    assert choice.ambiguous
    assert choice.confidence < 0.4


def test_nobody_is_no_subject() -> None:
    choice = choose_subject([])
    assert (choice.subject, choice.people, choice.confidence) == (None, (), 0.0)


@pytest.mark.parametrize("better", ["larger", "more central", "more complete"])
def test_size_centrality_and_completeness_make_prominence(better: str) -> None:
    plain = person(Box(0.1, 0.2, 0.3, 0.7)).landmarks
    other = {
        "larger": person(Box(0.05, 0.1, 0.35, 0.8)).landmarks,
        "more central": person(Box(0.4, 0.25, 0.6, 0.75)).landmarks,
        "more complete": plain,
    }[better].copy()
    if better == "more complete":
        plain = plain.copy()
        plain[25:, 3:] = 0.1
    assert prominence(other) > prominence(plain)


def test_duplicates_of_one_person_are_merged_by_overlap() -> None:
    again = person(Box(0.36, 0.11, 0.66, 0.91))
    assert same_person(MIDDLE.landmarks, again.landmarks)
    assert len(choose_subject([MIDDLE, again, LEFT]).people) == 2


def test_a_half_seen_duplicate_is_merged_by_its_joints() -> None:
    half = MIDDLE.landmarks.copy()
    half[23:, 3:] = 0.1  # the visible box is half as large now
    assert visible_box(MIDDLE.landmarks).overlap(visible_box(half)) < 0.6
    assert same_person(MIDDLE.landmarks, half)


def test_no_more_people_are_kept_than_asked_for() -> None:
    assert choose_subject([LEFT, MIDDLE, RIGHT_SMALL], most=2).people == (MIDDLE, LEFT)


def test_a_mask_that_fits_the_subject_agrees_and_leaves_nobody() -> None:
    explained = explain_mask(mask_of(MIDDLE), MIDDLE.landmarks, (), 256, 256)
    assert explained.agreement is not None
    assert explained.agreement > 0.7
    assert explained.unexplained == ()
    assert explained.stranger == 0.0


def test_somebody_whom_only_the_mask_shows_makes_the_choice_doubtful() -> None:
    explained = explain_mask(mask_of(MIDDLE, LEFT), MIDDLE.landmarks, (), 256, 256)
    assert explained.agreement is not None
    assert explained.agreement < 0.6
    assert explained.unexplained[0].box.overlap(visible_box(LEFT.landmarks)) > 0.5
    choice = weigh_stranger(choose_subject([MIDDLE]), explained.stranger)
    assert choice.ambiguous
    assert choice.confidence < 0.4


def test_others_who_were_found_explain_their_part_of_the_mask() -> None:
    explained = explain_mask(mask_of(MIDDLE, LEFT), MIDDLE.landmarks, [LEFT.landmarks], 256, 256)
    assert explained.unexplained == ()


def test_an_outline_reaches_no_further_than_the_person() -> None:
    outline = draw_outline([RIGHT_SMALL.landmarks], 128, 128, GENEROUS)
    rows, columns = np.nonzero(outline)
    assert columns.min() > 0.7 * 128
    assert 0.2 * 128 < rows.min() < rows.max() < 0.7 * 128
