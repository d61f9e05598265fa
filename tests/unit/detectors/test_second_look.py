"""When a second look is taken, and what of it is believed."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import pytest
from support.body.people import LEFT, MIDDLE, RIGHT_SMALL, mask_of, person

from avatarrig.body.landmarks import LEFT_HIP
from avatarrig.detectors.outline import explain_mask
from avatarrig.detectors.person_mask import PersonMask
from avatarrig.detectors.second_look import SecondLook
from avatarrig.detectors.tasks import FoundPose, GuardedTask, Pixels
from avatarrig.detectors.who import Box, choose_subject, visible_box

PoseTask = GuardedTask[tuple[FoundPose, ...]]


class ScriptedLooks:
    """Answers like the pose landmarker: a crop shows whoever is on it, if large enough in it.

    Args:
        people: Who is in the photo; the picture's pixels tell where a crop was taken.
        smallest: Least height in the crop of somebody who is found, as a share of it.
        answer: Changes what is found in the n-th crop.
    """

    def __init__(
        self,
        *people: FoundPose,
        smallest: float = 0.0,
        answer: Callable[[int, FoundPose], FoundPose] = lambda _, pose: pose,
    ) -> None:
        self.people = people
        self.smallest = smallest
        self.answer = answer
        self.crops: list[Box] = []

    def run(self, crop: Pixels) -> tuple[FoundPose, ...]:
        left, top = int(crop[0, 0, 0]), int(crop[0, 0, 1])
        right, bottom = int(crop[-1, -1, 0]) + 1, int(crop[-1, -1, 1]) + 1
        box = Box(left / SIDE, top / SIDE, right / SIDE, bottom / SIDE)
        self.crops.append(box)
        size = np.array([box.right - box.left, box.bottom - box.top])
        found = []
        for someone in self.people:
            place = visible_box(someone.landmarks)
            middle = ((place.left + place.right) / 2, (place.top + place.bottom) / 2)
            inside = box.left < middle[0] < box.right and box.top < middle[1] < box.bottom
            if inside and (place.bottom - place.top) / size[1] >= self.smallest:
                landmarks = self.answer(len(self.crops), someone).landmarks.copy()
                landmarks[:, :2] = (landmarks[:, :2] - (box.left, box.top)) / size
                found.append(FoundPose(landmarks, someone.world))
        return tuple(found)


SIDE = 200
COORDINATES = np.zeros((SIDE, SIDE, 3), np.uint8)
COORDINATES[..., 0], COORDINATES[..., 1] = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
EMPTY = PersonMask(np.zeros((256, 256), np.uint8))


def improve(
    task: ScriptedLooks, mask: PersonMask, *people: FoundPose, padding: float = 0.15
) -> tuple[FoundPose, ...]:
    known = [found.landmarks for found in people]
    explained = explain_mask(mask, known[0] if known else None, known[1:], SIDE, SIDE)
    return SecondLook(cast("PoseTask", task), COORDINATES, padding).improve(
        choose_subject(people), explained
    )


def test_a_good_first_look_is_the_only_one() -> None:
    task = ScriptedLooks(MIDDLE)
    assert improve(task, mask_of(MIDDLE), MIDDLE) == (MIDDLE,)
    assert task.crops == []


def test_nobody_is_looked_at_again_where_the_choice_is_open_anyway() -> None:
    task = ScriptedLooks(LEFT, MIDDLE, RIGHT_SMALL)
    rival = person(Box(0.35, 0.1, 0.65, 0.9))
    twin = person(Box(0.02, 0.1, 0.32, 0.9))
    assert choose_subject((rival, twin)).ambiguous
    assert set(map(id, improve(task, mask_of(RIGHT_SMALL), rival, twin))) == {id(rival), id(twin)}
    assert task.crops == []


def test_a_small_subject_is_left_as_he_is_once_a_stranger_opens_the_choice() -> None:
    coarse = person(Box(0.79, 0.32, 0.9, 0.61))
    stranger = person(Box(0.1, 0.32, 0.21, 0.61))
    task = ScriptedLooks(RIGHT_SMALL, stranger)
    found = improve(task, mask_of(RIGHT_SMALL, stranger), coarse)
    assert choose_subject(found).ambiguous
    assert len(task.crops) == 1


def test_a_small_subject_beside_a_phantom_of_the_mask_keeps_the_first_choice() -> None:
    people = (RIGHT_SMALL,)
    explained = explain_mask(mask_of(RIGHT_SMALL, LEFT), RIGHT_SMALL.landmarks, [], SIDE, SIDE)
    look = SecondLook(cast("PoseTask", ScriptedLooks()), COORDINATES, 0.15)
    assert look.improve(choose_subject(people), explained) == people


def test_somebody_too_small_for_the_first_look_is_found_in_a_tile_where_he_is() -> None:
    task = ScriptedLooks(RIGHT_SMALL, smallest=0.4)
    (found,) = improve(task, EMPTY)
    assert np.allclose(found.landmarks, RIGHT_SMALL.landmarks, atol=1e-3)
    assert len(task.crops) == 5  # four tiles and one to confirm


def test_where_the_mask_shows_somebody_that_place_is_looked_at_first() -> None:
    task = ScriptedLooks(MIDDLE)
    (found,) = improve(task, mask_of(MIDDLE))
    assert np.allclose(found.landmarks, MIDDLE.landmarks, atol=1e-3)
    assert len(task.crops) == 2


def test_a_phantom_that_every_look_shows_differently_is_not_believed() -> None:
    def elsewhere(number: int, pose: FoundPose) -> FoundPose:
        landmarks = pose.landmarks.copy()
        landmarks[::2, 1] += 0.06 * (-1) ** number
        landmarks[::2, 0] -= 0.04 * (-1) ** number
        return FoundPose(landmarks, pose.world)

    task = ScriptedLooks(RIGHT_SMALL, smallest=0.4, answer=elsewhere)
    assert improve(task, EMPTY) == ()


def test_somebody_unsure_whom_only_a_crop_shows_is_not_believed() -> None:
    task = ScriptedLooks(person(Box(0.8, 0.3, 0.9, 0.6), confidence=0.4), smallest=0.4)
    assert improve(task, EMPTY) == ()


def test_a_small_subject_is_looked_at_again_and_the_better_landmarks_are_kept() -> None:
    coarse = person(Box(0.79, 0.32, 0.9, 0.61))
    task = ScriptedLooks(RIGHT_SMALL)
    (refined,) = improve(task, mask_of(RIGHT_SMALL), coarse)
    assert np.allclose(refined.landmarks, RIGHT_SMALL.landmarks, atol=1e-3)


def test_a_small_subject_whom_the_crop_does_not_show_stays_as_he_was() -> None:
    assert improve(ScriptedLooks(), mask_of(RIGHT_SMALL), RIGHT_SMALL) == (RIGHT_SMALL,)


@pytest.mark.parametrize(("bottom", "looks"), [(0.95, 0), (0.55, 1)])
def test_half_a_person_is_as_near_as_a_whole_one_twice_as_tall(bottom: float, looks: int) -> None:
    """Both show less than half of the photo's height; only the second is far away."""
    portrait = person(Box(0.4, 0.2, 0.6, bottom))
    portrait.landmarks[LEFT_HIP:, 3:] = 0.2
    task = ScriptedLooks()
    improve(task, mask_of(portrait), portrait)
    assert len(task.crops) == looks


def test_the_padding_widens_the_crop_by_its_share_of_the_longer_side() -> None:
    crops = []
    for padding in (0.0, 0.5):
        task = ScriptedLooks(RIGHT_SMALL)
        improve(task, mask_of(RIGHT_SMALL), RIGHT_SMALL, padding=padding)
        crops.append(task.crops[-1])
    tight, wide = crops
    longer = tight.bottom - tight.top
    assert wide.left == pytest.approx(tight.left - 0.5 * longer, abs=0.02)
    assert wide.top == pytest.approx(tight.top - 0.5 * longer, abs=0.02)


def test_people_whom_only_the_mask_shows_are_looked_for() -> None:
    task = ScriptedLooks(LEFT, MIDDLE)
    found = improve(task, mask_of(MIDDLE, LEFT), MIDDLE)
    assert len(choose_subject(found).people) == 2
    assert len(task.crops) == 1


def test_a_thing_in_the_mask_much_smaller_than_the_subject_is_no_person() -> None:
    large = person(Box(0.3, 0.0, 1.0, 1.0))
    helmet = person(Box(0.02, 0.4, 0.2, 0.7))
    task = ScriptedLooks(helmet)
    improve(task, mask_of(large, helmet), large)
    assert task.crops == []
