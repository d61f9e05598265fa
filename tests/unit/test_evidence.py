"""What one photo says, and what sums of photos promise."""

from __future__ import annotations

import dataclasses
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avatarrig.records import Evidence
from avatarrig.skeleton.bones import BENCH_RATIOS, HELMERT, POOLED_BONES, log_ratio
from avatarrig.skeleton.evidence import (
    COORDINATES,
    INFORMATION_LENGTH,
    evidence_from_landmarks,
    matrix_of,
)
from avatarrig.skeleton.evidence_sum import EvidenceSum
from avatarrig.skeleton.geometry import MIRRORED_LANDMARKS, mirrored
from avatarrig.skeleton.learned import load_learned, read_learned, write_learned
from avatarrig.skeleton.person import solve
from avatarrig.skeleton.refused import LearnedRefusedError, StateRefusedError
from tests.support.rendered import evidence_of

LEARNED = load_learned("full")
Photos = list[Evidence]

UNHURRIED = settings(deadline=None)
"""A busy machine takes its time; that is no fault."""

# A person standing in front of the camera, metres, x right, y down, z away.
STANDING = np.zeros((33, 3))
STANDING[[0, 2, 5, 7, 8, 9, 10]] = [
    *([0, -0.62, -0.1], [0.03, -0.65, -0.08], [-0.03, -0.65, -0.08], [0.07, -0.63, 0.0]),
    *([-0.07, -0.63, 0.0], [0.02, -0.58, -0.08], [-0.02, -0.58, -0.08]),
]
STANDING[11:17] = [
    *([0.17, -0.45, 0], [-0.17, -0.45, 0], [0.22, -0.18, 0.02], [-0.22, -0.18, 0.02]),
    *([0.24, 0.06, -0.05], [-0.24, 0.06, -0.05]),
]
STANDING[19:21] = [[0.25, 0.14, -0.06], [-0.25, 0.14, -0.06]]
STANDING[23:33] = [
    *([0.1, 0, 0], [-0.1, 0, 0], [0.11, 0.4, -0.01], [-0.11, 0.4, -0.01]),
    *([0.11, 0.78, 0.04], [-0.11, 0.78, 0.04], [0.11, 0.82, 0.08], [-0.11, 0.82, 0.08]),
    *([0.12, 0.84, -0.1], [-0.12, 0.84, -0.1]),
]
WIDTH, HEIGHT = 640, 960


def seen(seed: int, noise: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks of a photo of the standing person, turned and shifted at random."""
    generator = np.random.default_rng(seed)
    turn = generator.uniform(-0.9, 0.9)
    rotation = np.array(
        [[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]]
    )
    world = STANDING @ rotation.T + generator.normal(0, noise, (33, 3))
    pose = np.ones((33, 5))
    pixels = world[:, :2] * 480 + [WIDTH / 2, HEIGHT / 2 - 40]
    pose[:, :2] = (pixels + generator.normal(0, 3, (33, 2))) / [WIDTH, HEIGHT]
    pose[:, 2] = world[:, 2]
    pose[:, 3] = generator.uniform(0.6, 1.0, 33)
    return pose, world


def told(seed: int, noise: float = 0.02) -> Evidence:
    evidence = evidence_from_landmarks(*seen(seed, noise), WIDTH, HEIGHT, learned=LEARNED)
    assert evidence is not None
    return evidence


PHOTOS = [told(seed) for seed in range(12)]
SOME_PHOTOS = st.lists(st.sampled_from(PHOTOS), max_size=30)


def total(photos: list[Evidence]) -> EvidenceSum:
    result = EvidenceSum.zero()
    for photo in photos:
        result.add(photo)
    return result


@UNHURRIED
@given(SOME_PHOTOS, st.randoms())
def test_the_order_of_photos_cannot_change_a_bit(photos: Photos, random: Random) -> None:
    shuffled = photos.copy()
    random.shuffle(shuffled)
    assert total(shuffled).to_builtins() == total(photos).to_builtins()


@UNHURRIED
@given(SOME_PHOTOS, SOME_PHOTOS, SOME_PHOTOS)
def test_merging_is_adding_whatever_the_brackets(
    first: Photos, second: Photos, third: Photos
) -> None:
    whole = total([*first, *second, *third])
    assert (total(first) + total(second)) + total(third) == whole
    assert total(first) + (total(second) + total(third)) == whole


@UNHURRIED
@given(SOME_PHOTOS, SOME_PHOTOS)
def test_photos_taken_back_leave_no_trace(kept: Photos, retracted: Photos) -> None:
    both = total([*kept, *retracted])
    assert both - total(retracted) == total(kept)
    for photo in retracted:
        both.subtract(photo)
    assert both == total(kept)


@UNHURRIED
@given(SOME_PHOTOS)
def test_a_sum_survives_packing(photos: Photos) -> None:
    assert EvidenceSum.from_builtins(total(photos).to_builtins()) == total(photos)


def test_sums_of_a_billion_photos_stay_exact() -> None:
    many = total(PHOTOS)
    for _ in range(30):
        many = many + many
    assert many.photos == len(PHOTOS) << 30
    assert many.vector == [number << 30 for number in total(PHOTOS).vector]


def test_more_cannot_be_taken_back_than_was_added() -> None:
    with pytest.raises(StateRefusedError):
        EvidenceSum.zero().subtract(PHOTOS[0])


@pytest.mark.parametrize(
    "packed", [["full-x"], ["full-x", [1, 2]], [3, [1]], ["full-x", [1.5] * 29], ["full-x", [0]]]
)
def test_other_things_are_no_sums(packed: list[object]) -> None:
    with pytest.raises(StateRefusedError):
        EvidenceSum.from_builtins(packed)


def test_evidence_of_other_weights_is_refused() -> None:
    with pytest.raises(LearnedRefusedError, match="evaluate"):
        total([PHOTOS[0]]).add(
            Evidence(learned="full-other", information=(1,) * INFORMATION_LENGTH, vector=(1,) * 6)
        )
    other = dataclasses.replace(LEARNED, version="full-other")
    with pytest.raises(LearnedRefusedError, match="full-other"):
        solve(total(PHOTOS), other)


@UNHURRIED
@given(st.integers(0, 10_000))
def test_a_mirrored_photo_says_the_same(seed: int) -> None:
    pose, world = seen(seed)
    flipped_pose, flipped_world = mirrored(pose[None], world[None])
    here = evidence_from_landmarks(pose, world, WIDTH, HEIGHT, learned=LEARNED)
    there = evidence_from_landmarks(
        flipped_pose[0], flipped_world[0], WIDTH, HEIGHT, learned=LEARNED
    )
    assert here is not None
    assert there is not None
    assert np.abs(np.subtract(here.information, there.information)).max() <= 1
    assert np.abs(np.subtract(here.vector, there.vector)).max() <= 1


def test_the_mirror_swaps_sides_and_is_its_own_inverse() -> None:
    assert [MIRRORED_LANDMARKS[i] for i in MIRRORED_LANDMARKS] == list(range(33))
    assert MIRRORED_LANDMARKS[11] == 12
    assert MIRRORED_LANDMARKS[31] == 32


@UNHURRIED
@given(
    st.integers(0, 10_000),
    st.sampled_from([0.0, 1.0, -1e9, 1e9, np.nan, np.inf]),
    st.lists(st.tuples(st.integers(0, 32), st.integers(0, 4)), max_size=40),
)
def test_degenerate_landmarks_never_give_what_is_no_number(
    seed: int, value: float, places: list[tuple[int, int]]
) -> None:
    pose, world = seen(seed)
    for landmark, column in places:
        pose[landmark, column] = value
        world[landmark, min(column, 2)] = value
    evidence = evidence_from_landmarks(pose, world, WIDTH, HEIGHT, learned=LEARNED)
    if evidence is None:
        return
    assert all(type(number) is int for number in (*evidence.information, *evidence.vector))
    eigenvalues = np.linalg.eigvalsh(matrix_of(evidence.information))
    assert eigenvalues.min() > -0.1  # rounding to 1/256 in 21 places
    assert np.isfinite(solve(total([evidence]), LEARNED).log_lengths).all()


@pytest.mark.parametrize("fill", [0.0, 0.5, np.nan])
def test_a_photo_of_nothing_says_nothing(fill: float) -> None:
    nothing = evidence_from_landmarks(
        np.full((33, 5), fill), np.full((33, 3), fill), WIDTH, HEIGHT, learned=LEARNED
    )
    assert nothing is None


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="33, 5"):
        evidence_from_landmarks(
            np.zeros((33, 3)), np.zeros((33, 3)), WIDTH, HEIGHT, learned=LEARNED
        )


def test_the_size_of_the_photo_in_pixels_does_not_matter() -> None:
    pose, world = seen(3)
    small = evidence_from_landmarks(pose, world, WIDTH, HEIGHT, learned=LEARNED)
    large = evidence_from_landmarks(pose, world, 10 * WIDTH, 10 * HEIGHT, learned=LEARNED)
    assert small is not None
    assert large is not None
    assert np.abs(np.subtract(small.vector, large.vector)).max() <= 1


def test_a_pose_model_without_weights_is_refused() -> None:
    with pytest.raises(LearnedRefusedError, match="lite"):
        load_learned("lite")
    with pytest.raises(LearnedRefusedError, match="SHA-256"):
        load_learned("full", "0" * 64)
    assert load_learned("full", LEARNED.model_sha256).version == LEARNED.version


def test_weights_survive_packing_and_name_their_content() -> None:
    data = write_learned(LEARNED)
    again = read_learned(data, name="again")
    assert write_learned(again) == data
    assert again.version.startswith("full-")
    changed = dataclasses.replace(LEARNED, intervals=(9.0, 1.0, 0.0))
    assert read_learned(write_learned(changed), name="changed").version != again.version
    with pytest.raises(LearnedRefusedError, match="no weights"):
        read_learned(b"something else", name="this")


def test_no_photos_give_the_population() -> None:
    nobody = solve(EvidenceSum.zero(), LEARNED)
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
    assert solve(EvidenceSum.zero(), LEARNED).consistent


def test_a_photo_that_fits_nobody_says_less() -> None:
    usual, strange = (
        np.mean([matrix_of(told(seed, noise=noise).information).trace() for seed in range(12)])
        for noise in (0.0, 0.2)
    )
    assert strange < usual / 2


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
