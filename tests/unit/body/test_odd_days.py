"""Days whose photos do not fit the others."""

from __future__ import annotations

import dataclasses

import numpy as np
from support.rendered import evidence_of

from avatarrig.body.evidence.evidence import COORDINATES
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.levels import Cell
from avatarrig.body.solver.odd_days import odd_days
from avatarrig.body.sums.evidence_sum import EvidenceSum
from avatarrig.wire import Evidence

_AS_FILED = load_learned("full")
LEARNED = dataclasses.replace(
    _AS_FILED,
    population=dataclasses.replace(
        _AS_FILED.population,
        moment=np.eye(COORDINATES) * 0.025**2,
        session=np.eye(COORDINATES) * 0.025**2,
    ),
)
"""Moments and sessions that share little, so that the photos of a day tell who is in them."""


def total(photos: tuple[Evidence, ...], number: int = 0) -> Cell:
    """A day, each of its photos of another moment."""
    summed = EvidenceSum()
    for photo in photos:
        summed.add(photo)
    return Cell(summed, number, number, max(summed.photos, 1))


def days_of(photos: tuple[Evidence, ...], size: int) -> dict[str, Cell]:
    return {
        f"2026-05-{first // size + 1:02}": total(photos[first : first + size], first)
        for first in range(0, len(photos), size)
    }


def test_a_day_of_somebody_else_is_named() -> None:
    for subject, stranger in (("p00", "pw01"), ("pw01", "p00")):
        days = days_of(evidence_of(subject), 3)
        strange = {"2026-04-30": total(evidence_of(stranger), -1)}
        assert odd_days(days | strange, LEARNED) == ("2026-04-30",)


def test_the_days_of_one_person_are_all_in_order() -> None:
    for person in ("p00", "pw01"):
        for size in (1, 3, 10):
            assert odd_days(days_of(evidence_of(person), size), LEARNED) == ()


def test_a_single_day_has_nothing_to_be_compared_with() -> None:
    assert odd_days({}, LEARNED) == ()
    assert odd_days({"2026-05-01": total(evidence_of("p00"))}, LEARNED) == ()


def test_photos_that_say_nothing_are_not_odd() -> None:
    photos = evidence_of("p00")
    empty = Evidence(
        learned=LEARNED.version,
        information=(0,) * len(photos[0].information),
        vector=(0,) * len(photos[0].vector),
        ratios={},
    )
    assert odd_days(days_of(photos, 10) | {"2026-06-01": total((empty,), -1)}, LEARNED) == ()
