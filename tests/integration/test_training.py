"""The trainer computes with jax what the product computes with numpy: both must agree."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from avatarrig.body.evidence.evidence import information_of
from avatarrig.body.evidence.geometry import look_at
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.evidence.network import look
from avatarrig.body.person import posterior

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))

from estimator.album import album_of  # noqa: E402
from estimator.fit import photos_of  # noqa: E402
from estimator.model import forward, information  # noqa: E402
from estimator.model import posterior as differentiable_posterior  # noqa: E402
from estimator.people import find_sets, read_set  # noqa: E402


@pytest.fixture(scope="module")
def bodies():  # noqa: ANN201 - a list of bodies
    folder, *_ = find_sets([SCRIPTS / "training_data"])
    return read_set(folder)[:6]


def test_the_network_says_the_same_in_both(bodies) -> None:  # noqa: ANN001
    learned = load_learned("full")
    photos = photos_of(album_of(bodies[:1]))
    network = learned.network
    standard = np.clip((photos.features - network.centre) / network.spread, -4, 4)
    outputs = jax.vmap(lambda member: forward(member, standard))(network.layers).mean(0)
    matrix, vector = information(
        outputs,
        photos.observed - network.offset,
        photos.precision,
        network.usual,
        np.log(network.tolerance),
    )
    views = look_at(bodies[0].pose, bodies[0].world, bodies[0].size)
    expected_matrix, expected_vector, _ = information_of(*look(network, views))
    np.testing.assert_allclose(matrix[:, 0], expected_matrix, rtol=1e-3, atol=2e-3)
    np.testing.assert_allclose(vector[:, 0], expected_vector, rtol=1e-3, atol=2e-3)


def test_the_gaussian_step_says_the_same_in_both() -> None:
    people = load_learned("full").population
    generator = np.random.default_rng(1)
    root = generator.normal(size=(6, 4)) * 8  # singular: 4 of 6 directions were seen
    matrix, vector = root @ root.T, generator.normal(size=6) * 30
    fields = {field.name: getattr(people, field.name) for field in dataclasses.fields(people)}
    fields["log_shares"] = np.log(fields.pop("shares"))
    means, _, log_shares = differentiable_posterior(fields, matrix, vector)
    mean, covariance, _ = posterior(people, matrix, vector)
    np.testing.assert_allclose(np.exp(log_shares) @ means, mean, rtol=1e-2, atol=2e-3)
    assert np.linalg.eigvalsh(covariance).min() > 0
