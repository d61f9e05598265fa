"""Copies of photos, however they were sent on, hardly move an estimate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.body.near_copies import near_copy
from support.body.tallies import solved
from support.rendered import PHOTOS, rendered

from avatarrig.body.bones import BENCH_RATIOS
from avatarrig.body.evidence.learned import load_learned

LEARNED = load_learned("full")
PEOPLE = ("p00", "pw01")
TEN = range(0, PHOTOS, 3)


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("times", [{}, {"captured_at": None}], ids=["timed", "untimed"])
@pytest.mark.parametrize("copies", [9, 99])
def test_copies_of_any_photo_hardly_move_an_estimate_of_ten_moments(
    person: str, times: dict[str, Any], copies: int
) -> None:
    ten = [rendered(number, person) for number in TEN]
    before = solved(ten)
    for photo in ten[:: 1 if copies < 10 else 3]:
        more = [near_copy(photo, number, **times) for number in range(copies)]
        after = solved([*ten, *more])
        for ratio in BENCH_RATIOS.values():
            old, new = before.ratio(*ratio), after.ratio(*ratio)
            half = np.log(old.high / old.low) / 2
            assert abs(np.log(new.middle / old.middle)) < half / 3
            assert 0.8 < np.log(new.high / new.low) / np.log(old.high / old.low) < 1.2
