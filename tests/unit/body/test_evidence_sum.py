"""Sums of evidence do not know in which order it came."""

from __future__ import annotations

import dataclasses

import pytest
from support.body.turning import LEARNED, PHOTOS, total

from avatarrig.body.evidence.evidence import INFORMATION_LENGTH
from avatarrig.body.refused import LearnedRefusedError
from avatarrig.body.solver.person import solve
from avatarrig.wire import Evidence


def test_sums_of_a_billion_photos_stay_exact() -> None:
    many = total(PHOTOS)
    for _ in range(30):
        many = many + many
    assert many.photos == len(PHOTOS) << 30
    assert many.vector == [number << 30 for number in total(PHOTOS).vector]


def test_evidence_of_other_weights_is_refused() -> None:
    with pytest.raises(LearnedRefusedError, match="evaluate"):
        total([PHOTOS[0]]).add(
            Evidence(learned="full-other", information=(1,) * INFORMATION_LENGTH, vector=(1,) * 6)
        )
    other = dataclasses.replace(LEARNED, version="full-other")
    with pytest.raises(LearnedRefusedError, match="full-other"):
        solve(total(PHOTOS), other)
