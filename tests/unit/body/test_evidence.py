"""What one photo says, and the weights that it is read with."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.body.turning import HEIGHT, LEARNED, WIDTH, seen, told, total

from avatarrig.body.evidence.evidence import evidence_from_landmarks, matrix_of
from avatarrig.body.evidence.geometry import MIRRORED_LANDMARKS, mirrored
from avatarrig.body.evidence.learned import load_learned, read_learned, write_learned
from avatarrig.body.refused import LearnedRefusedError
from avatarrig.body.solver.person import solve
from avatarrig.detectors.fetching.models import MODELS


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
    with pytest.raises(LearnedRefusedError, match="heavy"):
        load_learned("heavy")
    with pytest.raises(LearnedRefusedError, match="SHA-256"):
        load_learned("full", "0" * 64)
    assert load_learned("full", LEARNED.model_sha256).version == LEARNED.version


@pytest.mark.parametrize("pose_model", ["lite", "full"])
def test_weights_belong_to_the_models_that_can_be_fetched(pose_model: str) -> None:
    learned = load_learned(pose_model)
    assert learned.version.startswith(f"{pose_model}-")
    assert learned.model_sha256 == MODELS[pose_model].sha256
    assert min(learned.most_misfit) > 0


def test_weights_survive_packing_and_name_their_content() -> None:
    data = write_learned(LEARNED)
    again = read_learned(data, name="again")
    assert write_learned(again) == data
    assert again.version.startswith("full-")
    changed = dataclasses.replace(LEARNED, intervals=(9.0, 1.0, 0.0))
    assert read_learned(write_learned(changed), name="changed").version != again.version
    with pytest.raises(LearnedRefusedError, match="no weights"):
        read_learned(b"something else", name="this")


def test_a_photo_that_fits_nobody_says_less() -> None:
    usual, strange = (
        np.mean([matrix_of(told(seed, noise=noise).information).trace() for seed in range(12)])
        for noise in (0.0, 0.2)
    )
    assert strange < usual / 2
