"""Photos of one moment count once, however many copies of them there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest
from support.body.near_copies import near_copy
from support.body.tallies import solved, tallied
from support.body.turning import total
from support.rendered import FIRST_DAY, PHOTOS, evidence_of, rendered

from avatarrig.body.estimate import estimate
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.levels import Cell, Moments, moments_of
from avatarrig.body.solver.person import solve_moments
from avatarrig.wire import Observation

LEARNED = load_learned("full")
PEOPLE = ("p00", "pw01")


def moments_and_sessions(photos: Sequence[Observation]) -> tuple[int, int]:
    cells = tallied(photos).cells()
    return len({cell.moment for cell in cells}), len({cell.session for cell in cells})


def without_a_time(photo: Observation) -> Observation:
    return msgspec.structs.replace(photo, captured_at=None)


@pytest.mark.parametrize("person", PEOPLE)
def test_distinct_photos_narrow_the_interval_and_copies_do_not(person: str) -> None:
    def width(photos: Iterable[Observation]) -> float:
        interval = solved(photos).ratio(("thigh", "shank"), ("torso",))
        return float(np.log(interval.high / interval.low))

    three = [rendered(number, person) for number in range(3)]
    copies = [near_copy(photo, number) for photo in three for number in range(9)]
    thirty = [rendered(number, person) for number in range(PHOTOS)]
    assert width([*three, *copies]) > 0.9 * width(three)
    assert width(thirty) < 0.9 * width(three)


LOOK = tuple(range(16))


def frames(
    seconds: Sequence[float],
    **fields: Any,
) -> list[Observation]:
    """Photos of very different poses, by when they were taken."""
    return [
        rendered(number, captured_at=FIRST_DAY + after, **fields)
        for number, after in enumerate(seconds)
    ]


@pytest.mark.parametrize(
    ("seconds", "moments", "sessions"),
    [
        ([0, 1, 2, 3], 1, 1),
        ([7, 8, 9], 1, 1),
        ([0, 60], 2, 1),
        ([0, 3600, 2 * 3600], 3, 1),
        ([0, 3 * 3600], 2, 2),
        ([0, 86_400, 86_401], 2, 2),
        (list(range(60)), 4, 1),
    ],
)
def test_seconds_make_a_moment_and_hours_a_session(
    seconds: list[float], moments: int, sessions: int
) -> None:
    for start in range(8):
        photos = frames([start + second for second in seconds])
        assert moments_and_sessions(photos)[1] == sessions
        assert abs(moments_and_sessions(photos)[0] - moments) <= (len(seconds) > 10)


def test_a_copy_that_lost_its_time_is_of_the_moment_that_it_looks_like() -> None:
    for person in PEOPLE:
        dated = [rendered(number, person) for number in range(PHOTOS)]
        copies = [without_a_time(near_copy(photo, 1)) for photo in dated]
        assert PHOTOS <= moments_and_sessions([*dated, *copies])[0] <= PHOTOS + 6


def test_photos_without_any_time_are_told_by_the_pose_and_are_of_as_many_sessions_as_usual() -> (
    None
):
    for person in PEOPLE:
        photos = [without_a_time(rendered(number, person)) for number in range(PHOTOS)]
        moments, sessions = moments_and_sessions(photos)
        assert 0.7 * PHOTOS <= moments <= PHOTOS
        assert sessions == -(-moments // 3)
        copies = [near_copy(photo, number) for photo in photos[:3] for number in range(5)]
        assert moments_and_sessions([*photos, *copies])[1] - sessions in {0, 1}


def test_surroundings_tell_photos_of_one_pose_apart() -> None:
    photo = without_a_time(rendered(0))
    other = tuple(31 - number for number in LOOK)
    looks = [msgspec.structs.replace(photo, look=look) for look in (LOOK, LOOK, other)]
    assert moments_and_sessions(looks[:2])[0] == 1
    assert moments_and_sessions(looks)[0] == 2


def test_an_edited_copy_with_a_later_time_is_of_the_moment_that_it_looks_like() -> None:
    photo = rendered(0, look=LOOK)
    later = near_copy(photo, 1, captured_at=FIRST_DAY + 5e6)
    assert moments_and_sessions([photo, later]) == (1, 1)
    assert moments_and_sessions([photo, msgspec.structs.replace(later, look=())]) == (2, 2)


@pytest.mark.parametrize("look", [(1, 2), (99,) * 16, (-1,) * 16])
def test_a_look_that_no_detector_tells_is_like_none(look: tuple[int, ...]) -> None:
    assert tallied([rendered(0, look=look)]) == tallied([rendered(0)])


def test_more_moments_than_can_be_told_apart_are_still_counted() -> None:
    for count in (60, 300, 1000):
        photos = [
            rendered(number % PHOTOS, captured_at=FIRST_DAY + 7200.0 * number)
            for number in range(count)
        ]
        tally = tallied(photos)
        assert tally.moments == pytest.approx(count, rel=0.1)
        assert sum(cell.total.photos for cell in tally.cells()) == count


def test_many_moments_leave_the_error_that_all_photos_of_a_person_share() -> None:
    def deviation(count: int) -> float:
        cells = [
            Cell(total([evidence_of("p00")[number % PHOTOS]]), number, number // 10)
            for number in range(count)
        ]
        return float(np.sqrt(np.trace(solve_moments(cells, LEARNED).covariance)))

    hundreds, thousands = deviation(300), deviation(3000)
    assert 0.9 * hundreds < thousands < 1.1 * hundreds


def test_the_moments_of_a_session_say_less_than_those_of_many() -> None:
    def information(session_of: Callable[[int], int]) -> float:
        cells = [
            Cell(total([photo]), number, session_of(number))
            for number, photo in enumerate(evidence_of("p00"))
        ]
        return float(np.trace(Moments.of(cells, LEARNED.population).together()[0]))

    assert information(lambda _: 0) < 0.8 * information(lambda number: number)


def test_cells_of_one_moment_are_one_whatever_their_order() -> None:
    photos = evidence_of("p00")
    apart = [Cell(total([photo]), number // 5, 0) for number, photo in enumerate(photos)]
    shuffled = Random(1).sample(apart, len(apart))
    together = [
        Cell(total(list(photos[first : first + 5])), first // 5, 0)
        for first in range(0, len(photos), 5)
    ]
    expected = solve_moments(together, LEARNED).log_lengths
    np.testing.assert_allclose(solve_moments(shuffled, LEARNED).log_lengths, expected)
    assert moments_of(apart) == moments_of(together) == len(together)


def test_thirty_copies_of_one_photo_are_one_sample() -> None:
    photo = rendered(0)
    document = estimate(tallied(near_copy(photo, number) for number in range(30))).to_document()
    assert document["photos"]["used"] == 30
    assert document["photos"]["moments"] == 1
    assert {bone["status"] for bone in document["stats"].values()} == {"insufficient"}
    assert max(bone["moments"] for bone in document["stats"].values()) == 1
    assert document["asymmetry"] == {}
    assert any("30 photos, 1 moment:" in note for note in document["notes"])
