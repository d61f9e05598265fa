"""The trainer computes with jax what the product computes with numpy: both must agree."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from estimator.album import album_of
from estimator.compact import COMPACT, read_compact, write_compact
from estimator.people import Body, find_sets, read_set
from estimator.population import covariance_of_people, mean_of_people

from avatarrig.body.bones import BENCH_RATIOS, HELMERT, POOLED_BONES, log_ratio
from avatarrig.body.evidence.evidence import information_of
from avatarrig.body.evidence.geometry import look_at
from avatarrig.body.evidence.learned import (
    WEIGHTS_FOLDER,
    Learned,
    Population,
    load_learned,
    read_learned,
)
from avatarrig.body.evidence.network import look
from avatarrig.body.levels import Moments
from avatarrig.body.solver.person import posterior, solve_moments

SCRIPTS = Path(__file__).parents[3] / "scripts"


@pytest.fixture(scope="module")
def bodies() -> list[Body]:
    folder, *_ = find_sets([SCRIPTS / "training_data"])
    return read_set(folder)[:6]


def test_the_network_says_the_same_in_both(bodies: list[Body]) -> None:
    import jax
    import jax.numpy as jnp
    from estimator.fit import photos_of
    from estimator.model import forward, information, standardised

    learned = load_learned("full")
    photos = photos_of(album_of(bodies[:1]))
    network = learned.network
    standard = standardised(photos.features, network.centre, network.spread)
    outputs = jax.vmap(lambda member: forward(member, standard))(network.layers).mean(0)
    matrix, vector = information(
        outputs,
        jnp.asarray(photos.observed - network.offset),
        jnp.asarray(photos.precision),
        jnp.asarray(network.usual),
        jnp.asarray(np.log(network.tolerance)),
    )
    views = look_at(bodies[0].photos.pose, bodies[0].photos.world, bodies[0].photos.size)
    expected_matrix, expected_vector, _ = information_of(*look(network, views))
    np.testing.assert_allclose(matrix[:, 0], expected_matrix, rtol=1e-3, atol=2e-3)
    np.testing.assert_allclose(vector[:, 0], expected_vector, rtol=1e-3, atol=2e-3)


def test_the_gaussian_step_says_the_same_in_both() -> None:
    import jax.numpy as jnp
    from estimator.model import posterior as differentiable_posterior

    people = load_learned("full").population
    generator = np.random.default_rng(1)
    root = generator.normal(size=(6, 4)) * 8  # singular: 4 of 6 directions were seen
    matrix, vector = root @ root.T, generator.normal(size=6) * 30
    fields = {field.name: getattr(people, field.name) for field in dataclasses.fields(people)}
    fields["log_shares"] = np.log(fields.pop("shares"))
    fields = {name: np.asarray(value) for name, value in fields.items()}
    means, _, log_shares = differentiable_posterior(
        fields, jnp.asarray(matrix[None]), jnp.asarray(vector[None])
    )
    mean, covariance, _ = posterior(people, matrix, vector)
    np.testing.assert_allclose(np.exp(log_shares[0]) @ means[0], mean, rtol=1e-2, atol=2e-3)
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_shared_errors_say_the_same_in_both(bodies: list[Body]) -> None:
    import jax.numpy as jnp
    from estimator.fit import occasions
    from estimator.learning import cells_of
    from estimator.model import with_shared_errors

    learned = load_learned("full")
    cells = cells_of(bodies[0], learned)
    moment = np.array([0, 0, 1, 2, 2, 2, 3, 4][: len(cells)])
    session = np.array([0, 0, 1, 1, 2])
    cells = [
        dataclasses.replace(cell, moment=int(of), session=int(session[of]))
        for cell, of in zip(cells, moment, strict=False)
    ]
    people = learned.population
    expected_matrix, expected_vector = Moments.of(cells, people).together()
    parameters = {
        "alike_logit": np.log(people.alike / (1 - people.alike)),
        "moment": _logged(np.linalg.cholesky(people.moment)),
        "session": _logged(np.linalg.cholesky(people.session)),
    }
    alone = [Moments.of([cell], nothing_shared(people)).together() for cell in cells]
    moments, sessions = np.zeros((2, 1, len(cells), len(cells)))
    occasions(moment[: len(cells)], session[moment[: len(cells)]], moments[0], sessions[0])
    matrix, vector = with_shared_errors(
        parameters,
        jnp.asarray([[each[0] for each in alone]]),
        jnp.asarray([[each[1] for each in alone]]),
        jnp.asarray(moments),
        jnp.asarray(sessions),
    )
    np.testing.assert_allclose(matrix[0], expected_matrix, rtol=1e-3, atol=2e-2)
    np.testing.assert_allclose(vector[0], expected_vector, rtol=1e-3, atol=2e-2)


def _logged(root: np.ndarray) -> np.ndarray:
    logged: np.ndarray = np.tril(root, -1) + np.diag(np.log(np.diag(root)))
    return logged


def nothing_shared(people: Population) -> Population:
    none = np.zeros_like(people.moment)
    return dataclasses.replace(people, moment=none, session=none)


@pytest.fixture
def compiled_quickly() -> Iterator[None]:
    """Has jax spend little on code that runs for seconds: a short fit is compiling alone."""
    import jax

    jax.config.update("jax_disable_most_optimizations", val=True)
    yield
    jax.config.update("jax_disable_most_optimizations", val=False)


@pytest.fixture
def few_people(tmp_path: Path) -> Path:
    """The first of a set's people, with their photos."""
    whole = SCRIPTS / "training_data" / "people" / "learn_wide"
    truth = json.loads((whole / "truth.json").read_text())
    folder = tmp_path / whole.name
    folder.mkdir()
    shutil.copy(whole / COMPACT, folder)
    (folder / "truth.json").write_text(json.dumps(truth | {"bodies": truth["bodies"][:24]}))
    return folder


@pytest.mark.usefixtures("compiled_quickly")
def test_the_same_data_give_the_same_weights(
    tmp_path: Path, few_people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import train_estimator

    written = []
    for name in ("one.npz", "again.npz"):
        command = [
            "train",
            "--data",
            str(few_people),
            "--out",
            str(tmp_path / name),
            "--steps",
            "2",
        ]
        monkeypatch.setattr(sys, "argv", [*command, "--folds", "2", "--members", "1"])
        train_estimator.main()
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]
    learned = read_learned(written[0], name="one.npz")
    assert {len(layer) for layer in learned.network.layers.values()} == {3}  # two folds and all
    assert learned.intervals != (1, 1, 0)


def test_networks_read_landmarks_that_another_model_places_elsewhere(
    tmp_path: Path, few_people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import train_estimator

    full, out = load_learned("full"), tmp_path / "other.npz"
    right = forearms(read_set(few_people), full)
    columns = read_compact(few_people / COMPACT)
    for place in (columns.pose, columns.world):
        for elbow, wrist in ((13, 15), (14, 16)):
            place[:, wrist, :2] += 0.2 * (place[:, wrist, :2] - place[:, elbow, :2])
    write_compact(few_people / COMPACT, columns)
    command = ["train", "--data", str(few_people), "--pose-model", "other", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", [*command, "--adapt", str(WEIGHTS_FOLDER / "full.npz")])
    train_estimator.main()
    other = read_learned(out.read_bytes(), name="other.npz")
    assert other.version.startswith("other-")
    people = read_set(few_people)
    assert forearms(people, full) > right + 0.015
    assert forearms(people, other) == pytest.approx(right, abs=0.005)


def forearms(people: list[Body], learned: Learned) -> float:
    """Mean logarithm of the estimated forearm over the upper arm."""
    from estimator.learning import cells_of

    lengths = [solve_moments(cells_of(body, learned), learned).log_lengths for body in people]
    farm, uarm = (POOLED_BONES.index(bone) for bone in ("farm", "uarm"))
    return float(np.mean([length[farm] - length[uarm] for length in lengths]))


def test_people_are_as_measured_people_are() -> None:
    mean = HELMERT.T @ mean_of_people()
    ratio = {name: np.exp(log_ratio(mean, *of)[0]) for name, of in BENCH_RATIOS.items()}
    assert ratio["leg/torso"] == pytest.approx(1.65, abs=0.05)
    assert ratio["farm/uarm"] == pytest.approx(0.84, abs=0.03)
    covariance = HELMERT.T @ covariance_of_people() @ HELMERT
    for name, least, most in (("leg/torso", 0.075, 0.084), ("farm/uarm", 0.034, 0.047)):
        _, gradient = log_ratio(mean, *BENCH_RATIOS[name])
        assert least <= np.sqrt(gradient @ covariance @ gradient) <= most


def test_bodies_are_drawn_as_people_are() -> None:
    from estimator.fit import chances
    from estimator.model import Settings

    generator = np.random.default_rng(2)
    mean, root = mean_of_people(), np.linalg.cholesky(covariance_of_people())
    apart = np.array([0.0, 0.02, 0, 0, 0.05, 0])
    truth = mean + apart + 2 * generator.normal(size=(4000, 6)) @ root.T
    people = _People(truth, np.full(4000, "made"), np.full(4000, "wide"))
    settings = Settings(as_they_are=0.0, most_often=1e9)
    chance = chances(people, np.arange(4000), 1.0, settings)
    assert np.abs(chance @ truth - mean).max() < 0.25 * np.abs(apart).max()
    spread = np.sqrt(chance @ (truth - chance @ truth) ** 2)
    np.testing.assert_allclose(spread, np.sqrt(np.diag(covariance_of_people())), rtol=0.15)


@dataclasses.dataclass
class _People:
    truth: np.ndarray
    source: np.ndarray
    spread: np.ndarray


def test_a_compact_set_says_nearly_the_same(bodies: list[Body], tmp_path: Path) -> None:
    folder, *_ = find_sets([SCRIPTS / "training_data"])
    columns = read_compact(folder / "landmarks16.npz")
    write_compact(tmp_path / "again.npz", columns)
    again = read_compact(tmp_path / "again.npz")
    for field in ("detected", "size", "session", "moment", "copy", "taken"):
        np.testing.assert_array_equal(getattr(again, field), getattr(columns, field))
    np.testing.assert_array_equal(again.pose, columns.pose)
    assert len(bodies[0].photos.pose) == len(bodies[0].photos.moment) > 0


def test_people_kept_for_measuring_are_not_learned_from() -> None:
    learned, kept = (
        {
            tuple(body.lengths.tolist())
            for folder in find_sets([SCRIPTS / name])
            for body in read_set(folder)
        }
        for name in ("training_data", "validation_data")
    )
    assert len(kept) >= 48
    assert not learned & kept
