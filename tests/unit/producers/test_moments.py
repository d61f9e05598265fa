"""Which photos of a moment are detected: a choice among those that follow each other, alike."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import pytest
from support.bursts import RENDERED, burst

from avatarrig.photos.looks.look import Look, look_at
from producers.moments import SORTED_TOGETHER, Moments, Shot


def look(data: bytes) -> Look:
    seen = look_at(data)
    assert seen is not None
    return seen


@functools.cache
def frames() -> list[Look]:
    return [look(frame) for frame in burst(RENDERED / "000.jpg", 5, sharpest=3)]


def shot(number: int, seen: Look, *, folder: str = "", at: float | None = None) -> Shot:
    return Shot(f"{folder}{number}.jpg", "Ann", seen, at)


def chosen(moments: Moments, shots: Sequence[Shot | None]) -> list[int]:
    """Places of those that are detected."""
    sorted_out = list(moments.sorted_out(enumerate(shots)))
    assert [place for place, _ in sorted_out] == list(range(len(shots)))
    return [place for place, original in sorted_out if original is None]


def in_burst() -> list[Shot]:
    return [shot(number, frame) for number, frame in enumerate(frames())]


def test_the_sharpest_of_a_moment_is_detected_and_the_others_name_it() -> None:
    sorted_out = list(Moments(1).sorted_out(enumerate(in_burst())))
    assert [original for _, original in sorted_out] == ["3.jpg", "3.jpg", "3.jpg", None, "3.jpg"]


def test_one_that_is_said_to_show_the_subject_goes_before_sharper_ones() -> None:
    said = [None, True, None, False, None]
    shots = [
        Shot(f"{n}.jpg", "Ann", frames()[n], None, is_named) for n, is_named in enumerate(said)
    ]
    assert chosen(Moments(1), list(shots)) == [1]
    assert 3 not in chosen(Moments(4), list(shots))


@pytest.mark.parametrize("most", [1, 2, 3, 5, 9])
def test_as_many_are_detected_as_are_asked_for(most: int) -> None:
    places = chosen(Moments(most), in_burst())
    assert len(places) == min(most, 5)
    assert 3 in places


def test_a_moment_ends_where_another_picture_follows() -> None:
    other = look((RENDERED / "001.jpg").read_bytes())
    shots = [*in_burst(), shot(5, other), *in_burst()]
    assert chosen(Moments(1), shots) == [3, 5, 9]


def test_people_and_folders_are_told_apart() -> None:
    first, second, *_ = in_burst()
    elsewhere = shot(1, second.look, folder="b/")
    assert chosen(Moments(1), [first, elsewhere]) == [0, 1]
    somebody_else = Shot("1.jpg", "Eve", second.look)
    assert chosen(Moments(1), [first, somebody_else]) == [0, 1]


def test_what_was_taken_later_is_another_moment() -> None:
    near = [shot(number, frames()[0], at=1000.0 + 4 * number) for number in range(5)]
    assert chosen(Moments(1), list(near)) == [0]
    assert chosen(Moments(1), [near[0], shot(9, frames()[0], at=1009.0)]) == [0, 1]
    lasting = [shot(number, frames()[0], at=1000.0 + 7 * number) for number in range(5)]
    assert chosen(Moments(1), list(lasting)) == [0, 3]


def test_photos_that_cannot_be_looked_at_are_detected_and_part_no_moment() -> None:
    first, second, *_ = in_burst()
    assert chosen(Moments(1), [None, first, None, second]) == [0, 1, 2]


def test_photos_that_trickle_in_take_what_is_left_of_a_moment() -> None:
    moments = Moments(2)
    assert [chosen(moments, [one]) for one in in_burst()] == [[0], [0], [], [], []]


def test_a_file_that_is_written_anew_is_no_near_copy_of_itself() -> None:
    moments = Moments(1)
    assert chosen(moments, in_burst()[:2]) == [0]
    assert chosen(moments, in_burst()[:2]) == [0]


def test_a_long_moment_is_not_held_back_as_a_whole() -> None:
    taken = []

    def coming() -> Iterator[tuple[int, Shot | None]]:
        for number in range(2 * SORTED_TOGETHER):
            taken.append(number)
            yield number, shot(number, frames()[0])

    sorted_out = Moments(1).sorted_out(coming())
    assert next(sorted_out) == (0, None)
    assert len(taken) == SORTED_TOGETHER
    assert all(original == "0.jpg" for _, original in sorted_out)
