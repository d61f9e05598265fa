"""Trains the network and the Gaussian step end to end, with jax on the CPU."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

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
    set_loss,
)

from avatarrig.body.bones import HELMERT, POOLING
from avatarrig.body.evidence.features import base_log_precision, features, observed

if TYPE_CHECKING:
    from estimator.album import Album


@dataclass(frozen=True)
class Photos:
    """All photos of all bodies, as they are and mirrored (second axis).

    Attributes:
        features: (p, 2, f).
        observed: (p, 2, 11).
        precision: (p, 2, 11) by rule.
        rows: Photos of each body.
        truth: (bodies, 6) Helmert coordinates.
        natural: (bodies,) whether a body has ordinary proportions.
    """

    features: np.ndarray
    observed: np.ndarray
    precision: np.ndarray
    rows: tuple[np.ndarray, ...]
    truth: np.ndarray
    natural: np.ndarray


class Batch(NamedTuple):
    """Photo sets: rows and sides of their photos, which of these count, whose they are."""

    rows: jax.Array
    sides: jax.Array
    mask: jax.Array
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
        rows=tuple(np.nonzero(album.owner == i)[0] for i in range(len(album.truth))),
        truth=album.truth.astype(np.float32),
        natural=album.spread == "natural",
    )


def constants(photos: Photos) -> Parameters:
    """What is not trained: standardisation, mean offsets of the bones, the population."""
    seen = photos.features.reshape(-1, photos.features.shape[2])
    natural = photos.truth[photos.natural]
    lengths = np.empty((len(seen) // 2, len(POOLING)))
    for rows, truth in zip(photos.rows, photos.truth, strict=True):
        lengths[rows] = truth @ HELMERT @ POOLING.T
    difference = photos.observed.mean(axis=1) - lengths
    weight = np.exp(photos.precision.mean(axis=1))
    scale = (weight * difference).sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
    offset = np.median(difference - scale, axis=0)
    pooled = POOLING @ (POOLING.T @ offset / POOLING.sum(axis=0))
    covariance = np.cov(natural.T)
    shrunk = 0.9 * covariance + 0.1 * np.diag(np.diag(covariance))
    return {
        "centre": jnp.asarray(seen.mean(axis=0)),
        "spread": jnp.asarray(seen.std(axis=0) + 1e-2),
        "offset": jnp.asarray(pooled, jnp.float32),
        "mean": jnp.asarray(natural.mean(axis=0)),
        "usual": jnp.asarray(POOLING @ HELMERT.T @ natural.mean(axis=0), jnp.float32),
        "covariance": jnp.asarray(shrunk, jnp.float32),
    }


def train(photos: Photos, settings: Settings) -> tuple[Parameters, Parameters]:
    """Trains an ensemble.

    Args:
        photos: To learn from.
        settings: How.

    Returns:
        Parameters with the members as the first axis, and the constants.
    """
    fixed = constants(photos)
    standard = np.clip((photos.features - fixed["centre"]) / fixed["spread"], -4, 4)
    lesson = Lesson(
        jnp.asarray(standard, jnp.float32),
        jnp.asarray(photos.observed - np.asarray(fixed["offset"])),
        jnp.asarray(photos.precision),
        fixed,
    )
    keys = jax.random.split(jax.random.key(settings.seed), settings.members)
    parameters = jax.vmap(lambda key: initial(key, standard.shape[2], settings))(keys)
    state = jax.vmap(_optimiser(settings).init)(parameters)
    generator = np.random.default_rng(settings.seed)
    for number in range(settings.steps):
        batch = draw(generator, photos, settings)
        keys = jax.random.split(jax.random.key(settings.seed + 1 + number), settings.members)
        (parameters, state) = _step(settings, (parameters, state), keys, batch, lesson)
    return parameters, fixed


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
    inputs = inputs + settings.noise * jax.random.normal(key, inputs.shape)
    outputs = forward(member, inputs)
    matrix, vector = information(
        outputs,
        lesson.observed[chosen],
        lesson.precision[chosen],
        lesson.fixed["usual"],
        member["log_tolerance"],
    )
    people = population_of(member, lesson.fixed)
    losses = jax.vmap(lambda m, v, t: set_loss(people, m, v, t, settings.likelihood))(
        (matrix * batch.mask[..., None, None]).sum(1),
        (vector * batch.mask[..., None]).sum(1),
        batch.truth,
    )
    return losses.mean() + settings.response_decay * (member["response"] ** 2).sum()


@functools.partial(jax.jit, static_argnums=0)
def _step(
    settings: Settings, learner: tuple[Any, Any], keys: jax.Array, batch: Batch, lesson: Lesson
) -> tuple[Any, Any]:
    parameters, state = learner

    def of_member(member: Parameters, key: jax.Array, its: Batch) -> Parameters:
        return jax.grad(_loss)(member, key, its, lesson, settings)

    gradients = jax.vmap(of_member)(parameters, keys, batch)
    updates, state = jax.vmap(_optimiser(settings).update)(gradients, state, parameters)
    return optax.apply_updates(parameters, updates), state


def draw(generator: np.random.Generator, photos: Photos, settings: Settings) -> Batch:
    """Draws a batch of photo sets for each member."""
    shape = (settings.members, settings.sets)
    natural = np.nonzero(photos.natural)[0]
    others = np.nonzero(~photos.natural)[0]
    others = others if len(others) else natural
    fullness = generator.random(shape) ** 0.7
    ordinary = settings.natural_share + settings.natural_when_few * (1 - fullness) ** 3
    pick = generator.random(shape) < ordinary
    body = np.where(pick, generator.choice(natural, shape), generator.choice(others, shape))
    index = np.zeros((*shape, settings.photos), np.int32)
    mask = np.zeros((*shape, settings.photos), np.float32)
    for place in np.ndindex(*shape):
        rows = photos.rows[body[place]]
        count = max(1, int(np.ceil(min(len(rows), settings.photos) * fullness[place])))
        index[place][:count] = generator.choice(rows, count, replace=False)
        mask[place][:count] = 1
    side = generator.integers(0, 2, index.shape, dtype=np.int32)
    return Batch(*map(jnp.asarray, (index, side, mask, photos.truth[body])))
