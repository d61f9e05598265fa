"""Photos of one moment count once, however many copies of them there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random

import msgspec
import numpy as np
import pytest
from support.near_copies import near_copy
from support.rendered import PHOTOS, evidence_of, rendered
from support.turning import total

from avatarrig.body.bones import BENCH_RATIOS
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.levels import Cell, Moments, moments_of
from avatarrig.body.person import Proportions, solve_moments
from avatarrig.body.sums.tally import Tally
from avatarrig.wire import Observation

LEARNED = load_learned("full")
PEOPLE = ("p00", "pw01")
TEN = range(0, PHOTOS, 3)


def tallied(photos: Iterable[Observation]) -> Tally:
    tally = Tally.empty()
    for photo in photos:
        tally.add(photo)
    return tally


def solved(photos: Iterable[Observation]) -> Proportions:
    return solve_moments(tallied(photos).cells(), LEARNED)


def moments_and_sessions(photos: Sequence[Observation]) -> tuple[int, int]:
    cells = tallied(photos).cells()
    return len({cell.moment for cell in cells}), len({cell.session for cell in cells})


def without_a_time(photo: Observation) -> Observation:
    return msgspec.structs.replace(photo, captured_at=None)


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize("copies", [9, 99])
def test_copies_of_any_photo_hardly_move_an_estimate_of_ten_moments(
    person: str, timed: bool, copies: int
) -> None:
    ten = [rendered(number, person) for number in TEN]
    before = solved(ten)
    for photo in ten[:: 1 if copies < 10 else 3]:
        times = {} if timed else {"captured_at": None}
        more = [near_copy(photo, number, **times) for number in range(copies)]
        after = solved([*ten, *more])
        for ratio in BENCH_RATIOS.values():
            old, new = before.ratio(*ratio), after.ratio(*ratio)
            half = np.log(old.high / old.low) / 2
            assert abs(np.log(new.middle / old.middle)) < half / 3
            assert 0.8 < np.log(new.high / new.low) / np.log(old.high / old.low) < 1.2


@pytest.mark.parametrize("person", PEOPLE)
def test_distinct_photos_narrow_the_interval_and_copies_do_not(person: str) -> None:
    def width(photos: Iterable[Observation]) -> float:
        interval = solved(photos).ratio(("thigh", "shank"), ("torso",))
        return float(np.log(interval.high / interval.low))

    three = [rendered(number, person) for number in range(3)]
    copies = [near_copy(photo, number) for photo in three for number in range(9)]
    thirty = [rendered(number, person) for number in range(PHOTOS)]
    assert width([*three, *copies]) > 0.9 * width(three)
    assert width(thirty) < 0.8 * width(three)
