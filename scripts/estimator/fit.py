"""Trains the network and the Gaussian step end to end, with jax on the CPU."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax
from estimator.model import (
    Parameters,
    Settings,
    forward,
    information,
    initial,
    population_of,
    set_losses,
    standardised,
    with_shared_errors,
)
from estimator.population import covariance_of_people, mean_of_people

from avatarrig.body.bones import HELMERT, POOLING
from avatarrig.body.evidence.features import base_log_precision, features, observed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estimator.album import Album
    from numpy.typing import NDArray

    from avatarrig.body.bones import FloatArray


ERROR_SHARE: Final = 15.0
"""Weight of the ratios' absolute error in what is made small."""


@dataclass(frozen=True)
class Photos:
    """All photos of all bodies, as they are and mirrored (second axis).

    Attributes:
        features: (p, 2, f).
        observed: (p, 2, 11).
        precision: (p, 2, 11) by rule.
        moment: (p,) alike for photos of one moment of one body.
        session: (p,) the same for sessions.
        rows: Photos of each body.
        truth: (bodies, 6) Helmert coordinates.
        source: (bodies,) kind of pictures.
        spread: (bodies,) ``natural``, ``broad`` or ``wide``.
    """

    features: NDArray[np.float32]
    observed: NDArray[np.float32]
    precision: NDArray[np.float32]
    moment: NDArray[np.int64]
    session: NDArray[np.int64]
    rows: tuple[NDArray[np.int64], ...]
    truth: NDArray[np.float32]
    source: NDArray[np.str_]
    spread: NDArray[np.str_]


class Batch(NamedTuple):
    """Photo sets.

    Attributes:
        rows: (sets, photos) of `Photos`.
        sides: (sets, photos) 0 as it is, 1 mirrored.
        moments: (sets, photos, m) 1 where a photo counts and is of a moment.
        sessions: (sets, m, s) 1 where a moment is of a session.
        truth: (sets, 6) the person.
    """

    rows: jax.Array
    sides: jax.Array
    moments: jax.Array
    sessions: jax.Array
    truth: jax.Array


class Lesson(NamedTuple):
    """What does not change while training: inputs of all photos, and the constants."""

    standard: jax.Array
    observed: jax.Array
    precision: jax.Array
    fixed: Parameters


def photos_of(album: Album) -> Photos:
    """Computes what the network sees of every photo."""
    columns = [
        np.stack([make(side) for side in album.sides], axis=1).astype(np.float32)
        for make in (features, observed, base_log_precision)
    ]
    return Photos(
        features=columns[0],
        observed=columns[1],
        precision=columns[2],
        moment=album.moment,
        session=album.session,
        rows=tuple(np.nonzero(album.owner == i)[0] for i in range(len(album.truth))),
        truth=album.truth.astype(np.float32),
        source=album.source,
        spread=album.spread,
    )


def constants(photos: Photos, bodies: Sequence[int]) -> Parameters:
    """What is not trained: standardisation, mean offsets of the bones, the population."""
    chosen = np.concatenate([photos.rows[body] for body in bodies])
    seen = photos.features[chosen].reshape(-1, photos.features.shape[2])
    owner = np.repeat(bodies, [len(photos.rows[body]) for body in bodies])
    lengths = photos.truth[owner] @ HELMERT @ POOLING.T
    difference = photos.observed[chosen].mean(axis=1) - lengths
    weight = np.exp(photos.precision[chosen].mean(axis=1))
    scale = (weight * difference).sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
    offset = np.median(difference - scale, axis=0)
    pooled = POOLING @ (POOLING.T @ offset / POOLING.sum(axis=0))
    mean = mean_of_people()
    return {
        "centre": jnp.asarray(seen.mean(axis=0)),
        "spread": jnp.asarray(seen.std(axis=0) + 1e-2),
        "offset": jnp.asarray(pooled, jnp.float32),
        "mean": jnp.asarray(mean, jnp.float32),
        "usual": jnp.asarray(POOLING @ HELMERT.T @ mean, jnp.float32),
        "covariance": jnp.asarray(covariance_of_people(), jnp.float32),
    }


def train(
    photos: Photos, bodies: Sequence[int], fixed: Parameters, settings: Settings, member: int
) -> Parameters:
    """Trains one network, and a Gaussian step with it.

    Args:
        photos: Of everybody.
        bodies: Whom to learn from.
        fixed: The `constants`.
        settings: How.
        member: Number of the network: what is drawn differs.
    """
    standard = standardised(photos.features, fixed["centre"], fixed["spread"])
    lesson = Lesson(
        jnp.asarray(standard, jnp.float32),
        jnp.asarray(photos.observed - np.asarray(fixed["offset"])),
        jnp.asarray(photos.precision),
        fixed,
    )
    key = jax.random.fold_in(jax.random.key(settings.seed), member)
    parameters = initial(key, standard.shape[2], settings)
    state = _optimiser(settings).init(parameters)
    hat = _Hat(photos, bodies, settings, member)
    for number in range(settings.steps):
        step_key = jax.random.fold_in(key, number)
        parameters, state = _step(settings, (parameters, state), step_key, hat.draw(), lesson)
    return parameters


def _optimiser(settings: Settings) -> optax.GradientTransformation:
    schedule = optax.warmup_cosine_decay_schedule(
        0.0, settings.rate, settings.steps // 20, settings.steps
    )
    return optax.chain(
        optax.clip_by_global_norm(5.0), optax.adamw(schedule, weight_decay=settings.decay)
    )


def _loss(
    member: Parameters, key: jax.Array, batch: Batch, lesson: Lesson, settings: Settings
) -> jax.Array:
    chosen = (batch.rows, batch.sides)
    inputs = lesson.standard[chosen]
    shared = (inputs.shape[0], 1, inputs.shape[2])
    own_key, shared_key = jax.random.split(key)
    inputs = inputs + settings.noise * jax.random.normal(own_key, inputs.shape)
    inputs = inputs + settings.set_noise * jax.random.normal(shared_key, shared)
    matrix, vector = information(
        forward(member, inputs),
        lesson.observed[chosen],
        lesson.precision[chosen],
        lesson.fixed["usual"],
        member["log_tolerance"],
    )
    matrix, vector = with_shared_errors(member, matrix, vector, batch.moments, batch.sessions)
    people = population_of(member, lesson.fixed)
    errors, likely = set_losses(people, matrix, vector, batch.truth)
    losses = ERROR_SHARE * errors - settings.likelihood * likely
    total: jax.Array = losses.mean() + settings.response_decay * (member["response"] ** 2).sum()
    return total


@functools.partial(jax.jit, static_argnums=0)
def _step(
    settings: Settings, learner: tuple[Any, Any], key: jax.Array, batch: Batch, lesson: Lesson
) -> tuple[Any, Any]:
    parameters, state = learner
    gradients = jax.grad(_loss)(parameters, key, batch, lesson, settings)
    updates, state = _optimiser(settings).update(gradients, state, parameters)
    return optax.apply_updates(parameters, updates), state


class _Hat:
    """Draws photo sets."""

    def __init__(
        self, photos: Photos, bodies: Sequence[int], settings: Settings, member: int
    ) -> None:
        self._photos, self._settings = photos, settings
        self._bodies = np.array([body for body in bodies if len(photos.rows[body])])
        self._chances = [
            chances(photos, self._bodies, spread, settings) for spread in (1.0, settings.unusual)
        ]
        self._generator = np.random.default_rng([settings.seed, member])

    def draw(self) -> Batch:
        """A batch."""
        settings, generator = self._settings, self._generator
        body, fullness = drawn_bodies(
            self._bodies, self._chances, settings.sets, settings, generator
        )
        index = np.zeros((settings.sets, settings.photos), np.int32)
        moments = np.zeros((settings.sets, settings.photos, settings.photos), np.float32)
        sessions = np.zeros_like(moments)
        for place, rows in enumerate(self._photos.rows[one] for one in body):
            count = max(1, int(np.ceil(min(len(rows), settings.photos) * fullness[place])))
            chosen = generator.permutation(rows)[:count]
            index[place, :count] = chosen
            occasions(
                self._photos.moment[chosen],
                self._photos.session[chosen],
                moments[place],
                sessions[place],
            )
        side = generator.integers(0, 2, index.shape, dtype=np.int32)
        truth = self._photos.truth[body]
        return Batch(*map(jnp.asarray, (index, side, moments, sessions, truth)))


def drawn_bodies(
    bodies: NDArray[np.int64],
    chances: Sequence[NDArray[np.float64]],
    sets: int,
    settings: Settings,
    generator: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Draws the bodies of photo sets, and which share of the photos each set holds.

    Args:
        bodies: (n,) whom to draw from.
        chances: Of each body, (n,) as people are and (n,) as if they varied more.
        sets: How many.
        settings: How.
        generator: Draws.
    """
    fullness = generator.random(sets) ** 0.7
    ordinary = settings.natural_share + settings.natural_when_few * (1 - fullness) ** 3
    usual, unusual = (generator.choice(bodies, sets, p=p) for p in chances)
    return np.where(generator.random(sets) < ordinary, usual, unusual), fullness


def occasions(
    moment: NDArray[np.int64],
    session: NDArray[np.int64],
    moments: NDArray[np.float32],
    sessions: NDArray[np.float32],
) -> None:
    """Fills in which photos (p) are of which moment and session, as in `Batch`."""
    same_moment = moment[:, None] == moment
    same_session = session[:, None] == session
    first, first_session = same_moment.argmax(1), same_session.argmax(1)
    moments[np.arange(len(moment)), first] = 1
    sessions[first, first_session] = 1


class People(Protocol):
    """Whom `chances` draws from: attributes as in `Photos`."""

    @property
    def truth(self) -> NDArray[np.float32]:
        """(bodies, 6) Helmert coordinates."""

    @property
    def source(self) -> NDArray[np.str_]:
        """(bodies,) kind of pictures."""

    @property
    def spread(self) -> NDArray[np.str_]:
        """(bodies,) ``natural``, ``broad`` or ``wide``."""


def chances(
    photos: People, bodies: NDArray[np.int64], spread: float, settings: Settings
) -> NDArray[np.float64]:
    """How often to draw each body, so that those drawn are as people are.

    Rendered bodies are not: limbs of one vary too much, trunk against limbs too little, and legs
    are too long. A network that learned from them as they are would take each person for one of
    them. So each body's chance is the density of people over that of bodies of its source.

    Args:
        photos: Of all.
        bodies: (n,) whom to draw from.
        spread: How many times as much as people these are to vary.
        settings: Which sources to draw how often.
    """
    mean, covariance = mean_of_people(), spread**2 * covariance_of_people()
    chance = np.zeros(len(bodies))
    for source in np.unique(photos.source[bodies]):
        its = photos.source[bodies] == source
        truth, kinds = photos.truth[bodies[its]].astype(np.float64), photos.spread[bodies[its]]
        own = np.zeros(len(truth))
        for kind in np.unique(kinds):
            alike = truth[kinds == kind]
            its_spread = np.cov(alike.T) + _LEAST_VARIANCE * np.eye(truth.shape[1])
            own += len(alike) / len(truth) * _density(truth, alike.mean(axis=0), its_spread)
        wanted = (1 - settings.as_they_are) * _density(truth, mean, covariance)
        often = wanted / own + settings.as_they_are
        often = np.minimum(often / often.mean(), settings.most_often)
        chance[its] = dict(settings.sources).get(str(source), 1.0) * often / often.sum()
    return np.asarray(chance / chance.sum())


_LEAST_VARIANCE = 1e-5


def _density(points: FloatArray, mean: FloatArray, covariance: FloatArray) -> FloatArray:
    """Of a Gaussian, up to a factor that depends on the number of coordinates alone."""
    apart = points - mean
    distance = (apart * np.linalg.solve(covariance, apart.T).T).sum(axis=1)
    return np.asarray(np.exp(-distance / 2) / np.sqrt(np.linalg.det(covariance)))
