"""What photos tell of a person, and how sure that is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from support.body.turning import LEARNED, PHOTOS, told, total
from support.rendered import evidence_of

from avatarrig.body.bones import BENCH_RATIOS, HELMERT, POOLED_BONES, PROTOTYPE_BONES, log_ratio
from avatarrig.body.evidence.evidence import COORDINATES
from avatarrig.body.population.average import average_ratios
from avatarrig.body.solver.person import solve
from avatarrig.body.sums.evidence_sum import EvidenceSum


def test_no_photos_give_the_population() -> None:
    nobody = solve(EvidenceSum(), LEARNED)
    assert nobody.photos == 0
    np.testing.assert_allclose(nobody.log_lengths, HELMERT.T @ LEARNED.population.mean)
    assert all(share == pytest.approx(1) for share in nobody.prior_share.values())


def test_photos_lower_the_share_of_the_prior_and_narrow_the_interval() -> None:
    plain = dataclasses.replace(LEARNED, intervals=(1.0, 1.0, 0.0))
    shares, widths = [], []
    for count in (0, 1, 4, 12):
        person = solve(total(list(evidence_of("p00")[:count])), plain)
        shares.append(sum(person.prior_share.values()))
        interval = person.ratio(("thigh", "shank"), ("torso",))
        assert interval.low < interval.middle < interval.high
        widths.append(np.log(interval.high / interval.low))
    assert shares == sorted(shares, reverse=True)
    assert widths[-1] < widths[0]


def test_intervals_of_unusual_people_are_wider() -> None:
    cautious = dataclasses.replace(LEARNED, intervals=(1.0, 1.0, 0.5))
    plain = dataclasses.replace(LEARNED, intervals=(1.0, 1.0, 0.0))
    few, many = (
        np.sqrt(
            solve(total(photos), cautious).covariance[0, 0]
            / solve(total(photos), plain).covariance[0, 0]
        )
        for photos in (PHOTOS[:1], PHOTOS * 5)
    )
    assert 1 < few < many


def test_intervals_are_wider_by_their_own_factor_where_the_prior_says_most() -> None:
    cautious = dataclasses.replace(LEARNED, intervals=(2.0, 1.0, 0.0))
    plain = dataclasses.replace(LEARNED, intervals=(1.0, 1.0, 0.0))
    none, few, many = (
        np.sqrt(
            solve(total(photos), cautious).covariance[0, 0]
            / solve(total(photos), plain).covariance[0, 0]
        )
        for photos in ([], PHOTOS[:1], PHOTOS * 5)
    )
    assert none == pytest.approx(2)
    assert 1 < many < few < 2


def test_one_persons_photos_agree_however_many_they_are() -> None:
    for person in ("p00", "pw01"):
        for times in (1, 10, 100):
            assert solve(total(list(evidence_of(person)) * times), LEARNED).consistent


def test_photos_of_nobody_in_particular_are_found_to_disagree() -> None:
    strange = total([told(seed, noise=0.2) for seed in range(12)])
    assert not solve(strange, LEARNED).consistent
    assert solve(EvidenceSum(), LEARNED).consistent


def test_wider_coverage_gives_wider_intervals() -> None:
    person = solve(total(PHOTOS), LEARNED)
    for ratio in BENCH_RATIOS.values():
        half, most = (person.ratio(*ratio, coverage=share) for share in (0.5, 0.99))
        assert most.low < half.low < half.middle < half.high < most.high
        assert half.middle == most.middle


def test_log_lengths_have_no_size() -> None:
    person = solve(total(PHOTOS), LEARNED)
    assert person.log_lengths.shape == (len(POOLED_BONES),)
    assert person.log_lengths.sum() == pytest.approx(0, abs=1e-9)
    assert len(person.log_lengths) == COORDINATES + 1


def test_the_gradient_of_a_ratio_is_its_slope() -> None:
    lengths = np.log([0.3, 0.25, 0.4, 0.41, 0.33, 0.2, 0.45])
    for ratio in BENCH_RATIOS.values():
        value, gradient = log_ratio(lengths, *ratio)
        for place in range(len(POOLED_BONES)):
            moved = lengths.copy()
            moved[place] += 1e-6
            assert (log_ratio(moved, *ratio)[0] - value) / 1e-6 == pytest.approx(
                gradient[place], abs=1e-4
            )


def test_the_average_is_that_of_the_population() -> None:
    average = average_ratios(LEARNED)
    assert average.keys() == PROTOTYPE_BONES.keys()
    assert average["shoulder_width"] == pytest.approx(1)
    assert all(0.2 < ratio < 3 for ratio in average.values())
    assert average["upper_arm_L"] == average["upper_arm_R"] > average["lower_arm_L"]
