"""The network and the Gaussian step as functions that jax can differentiate.

The same formulas as in the product, which runs them with numpy alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from avatarrig.body.bones import BENCH_RATIOS, BONE_VECTORS, HELMERT, POOLED_BONES, POOLING
from avatarrig.body.evidence.network import LOG_PRECISION_RANGE, MOST, OFFSET_SHARE

Parameters = dict[str, Any]

NETWORK_LAYERS = (
    "input_weight",
    "input_bias",
    "hidden_weight",
    "hidden_bias",
    "output_weight",
    "output_bias",
)
"""Parameters that belong to the network; the others are the Gaussian step's."""

_BONES = len(BONE_VECTORS)
_COORDINATES = len(HELMERT)
_TO_COORDINATES = jnp.asarray(HELMERT @ POOLING.T, jnp.float32)
_ABOVE, _BELOW = (
    np.array(
        [[float(bone in ratio[side]) for bone in POOLED_BONES] for ratio in BENCH_RATIOS.values()],
        np.float32,
    )
    for side in (0, 1)
)


@dataclass(frozen=True)
class Settings:
    """How to train.

    Attributes:
        members: Networks in the ensemble.
        hidden: Width of the network's two layers.
        steps: Batches of photo sets.
        sets: Photo sets in a batch.
        photos: Most photos in a set.
        rate: Peak learning rate.
        decay: Weight decay.
        noise: Standard deviation of the noise on standardised features.
        set_noise: The same, of noise that all photos of a set share: bodies are few, and the
            network is not to know each of them by what its photos have in common.
        natural_share: Share of photo sets whose bodies are drawn as people are; the others are
            drawn as if people varied `unusual` times as much. Sets of a few photos are more often
            the former: where photos are few, people are best taken for ordinary.
        natural_when_few: How much larger the share is for a set of a single photo.
        unusual: See there.
        as_they_are: Share of the bodies' own spread in what they are drawn from, so that none is
            never drawn.
        most_often: Most times as often as others of its source that a body is drawn.
        sources: Weight of each kind of pictures among the photo sets; 1 where none is given.
        likelihood: Weight of the likelihood beside the ratios' absolute error.
        spreads: Prior standard deviations of the mixture, in those of people.
        response_decay: Pull of the response towards the identity.
        seed: Of everything drawn.
    """

    members: int = 2
    hidden: int = 64
    steps: int = 1000
    sets: int = 45
    photos: int = 16
    rate: float = 3e-3
    decay: float = 0.1
    noise: float = 0.4
    set_noise: float = 0.15
    natural_share: float = 0.5
    natural_when_few: float = 0.4
    unusual: float = 2.0
    as_they_are: float = 0.4
    most_often: float = 12.0
    sources: tuple[tuple[str, float], ...] = field(default=(("plain", 0.25), ("rendered", 0.5)))
    likelihood: float = 0.3
    spreads: tuple[float, ...] = (1.0, 1.5, 2.4)
    response_decay: float = 0.02
    seed: int = 0


def initial(key: jax.Array, width: int, settings: Settings) -> Parameters:
    """Starting values: the rule's precision, no offsets, an unbiased Gaussian step."""
    keys = jax.random.split(key, 3)
    hidden = settings.hidden
    return {
        "input_weight": jax.random.normal(keys[0], (width, hidden)) * np.sqrt(1.0 / width),
        "input_bias": jnp.zeros(hidden),
        "hidden_weight": jax.random.normal(keys[1], (hidden, hidden)) * np.sqrt(1.0 / hidden),
        "hidden_bias": jnp.zeros(hidden),
        "output_weight": jax.random.normal(keys[2], (hidden, 2 * _BONES)) * 0.01,
        "output_bias": jnp.concatenate([jnp.zeros(_BONES), jnp.full(_BONES, 3.5)]),
        "response": jnp.zeros((_COORDINATES, _COORDINATES)),
        "population_offset": jnp.zeros(_COORDINATES),
        "systematic": jnp.eye(_COORDINATES) * np.log(0.03),
        "moment": jnp.eye(_COORDINATES) * np.log(0.03),
        "session": jnp.eye(_COORDINATES) * np.log(0.04),
        "alike_logit": jnp.array(1.5),
        "log_spreads": jnp.log(jnp.asarray(settings.spreads)),
        "log_shares": jnp.zeros(len(settings.spreads)),
        "log_growth": jnp.zeros(len(settings.spreads)),
        "log_tolerance": jnp.log(4.0),
    }


def standardised(features: Any, centre: Any, spread: Any) -> Any:  # noqa: ANN401 - numpy or jax
    """What the network sees."""
    return ((features - centre) / spread).clip(-MOST, MOST)


def forward(parameters: Parameters, standard: jax.Array) -> jax.Array:
    """The network."""
    first = _leaky(standard @ parameters["input_weight"] + parameters["input_bias"])
    second = first + _leaky(first @ parameters["hidden_weight"] + parameters["hidden_bias"])
    out: jax.Array = second @ parameters["output_weight"] + parameters["output_bias"]
    return out


def _leaky(values: jax.Array) -> jax.Array:
    return jnp.maximum(values, 0.1 * values)


def information(
    outputs: jax.Array,
    observed_lengths: jax.Array,
    rule: jax.Array,
    usual: jax.Array,
    log_tolerance: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """Information matrices (..., 6, 6) and vectors (..., 6) of photos."""
    lengths = observed_lengths + OFFSET_SHARE * outputs[..., :_BONES]
    weight = jnp.exp(jnp.clip(outputs[..., _BONES:] + rule, *LOG_PRECISION_RANGE))
    apart = lengths - usual
    apart = apart - (weight * apart).sum(-1, keepdims=True) / weight.sum(-1, keepdims=True)
    misfit = (weight * apart**2).sum(-1, keepdims=True) / (_BONES - 1)
    weight = weight / (1 + misfit * jnp.exp(-log_tolerance))
    total = weight.sum(-1, keepdims=True)
    along = weight @ _TO_COORDINATES.T
    matrix = jnp.einsum("ib,...b,jb->...ij", _TO_COORDINATES, weight, _TO_COORDINATES)
    matrix = matrix - along[..., :, None] * along[..., None, :] / total[..., None]
    centred = lengths - (weight * lengths).sum(-1, keepdims=True) / total
    return matrix, (weight * centred) @ _TO_COORDINATES.T


def root_of(parameter: jax.Array) -> jax.Array:
    """Lower triangle whose diagonal is given by its logarithm: root of a covariance."""
    return jnp.tril(parameter, -1) + jnp.diag(jnp.exp(jnp.diag(parameter)))


def with_shared_errors(
    parameters: Parameters,
    matrix: jax.Array,
    vector: jax.Array,
    moments: jax.Array,
    sessions: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """Adds up photos (p) whose errors are shared within moments and within sessions.

    Args:
        parameters: Of the Gaussian step.
        matrix: (p, 6, 6), 0 for a photo that does not count.
        vector: (p, 6).
        moments: (p, m) 1 where a photo is of a moment.
        sessions: (m, s) 1 where a moment is of a session.

    Returns:
        Information matrix (6, 6) and vector (6,) about the person.
    """
    matrix = jnp.einsum("pm,pij->mij", moments, matrix)
    vector = moments.T @ vector
    others = jnp.maximum(moments.sum(0) - 1, 0)
    share = 1 / (1 + others * jax.nn.sigmoid(parameters["alike_logit"]))
    matrix, vector = share[:, None, None] * matrix, share[:, None] * vector
    matrix, vector = _blurred(matrix, vector, root_of(parameters["moment"]))
    matrix = jnp.einsum("ms,mij->sij", sessions, matrix)
    vector = sessions.T @ vector
    matrix, vector = _blurred(matrix, vector, root_of(parameters["session"]))
    return matrix.sum(0), vector.sum(0)


def _blurred(matrix: jax.Array, vector: jax.Array, root: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Information (n, 6, 6), (n, 6) once an error of covariance root rootᵀ is added to it."""
    seen = matrix @ root
    inner = jnp.eye(_COORDINATES) + root.T @ seen
    right = jnp.concatenate([jnp.swapaxes(seen, 1, 2), (vector @ root)[..., None]], axis=-1)
    taken = seen @ _solved(inner, right)
    return matrix - taken[..., :-1], vector - taken[..., -1]


def _solved(matrix: jax.Array, right: jax.Array) -> jax.Array:
    return _eliminated(matrix, right)[0]


def _eliminated(matrix: jax.Array, right: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Solves for positive definite matrices, and tells the logarithms of their determinants.

    Gauss-Jordan without pivoting, unrolled: several times faster in batches than calls of LAPACK.
    """
    size = matrix.shape[-1]
    table = jnp.concatenate([matrix, right], axis=-1)
    log_determinant = jnp.zeros(matrix.shape[:-2])
    for place in range(size):
        is_place = (jnp.arange(size) == place)[:, None]
        pivot = table[..., place : place + 1, place : place + 1]
        log_determinant = log_determinant + jnp.log(pivot[..., 0, 0])
        row = table[..., place : place + 1, :] / pivot
        table = jnp.where(is_place, row, table - table[..., :, place : place + 1] * row)
    return table[..., size:], log_determinant


def population_of(parameters: Parameters, fixed: Parameters) -> dict[str, jax.Array]:
    """The Gaussian step's numbers, as the weights file holds them (shares as logarithms)."""
    root = root_of(parameters["systematic"])
    spreads = jnp.exp(parameters["log_spreads"])
    growth = jnp.exp(parameters["log_growth"])
    return {
        "mean": fixed["mean"],
        "covariances": spreads[:, None, None] ** 2 * fixed["covariance"],
        "log_shares": jax.nn.log_softmax(parameters["log_shares"]),
        "response": jnp.eye(_COORDINATES) + parameters["response"],
        "offset": parameters["population_offset"],
        "systematic": growth[:, None, None] ** 2 * (root @ root.T),
    }


def posterior(
    people: dict[str, jax.Array], matrix: jax.Array, vector: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Means (k, 6), covariances (k, 6, 6), log shares (k,) of one person's mixture."""
    response = people["response"]
    centred = vector - matrix @ (people["mean"] + people["offset"])

    def component(
        prior: jax.Array, systematic: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        root = jnp.linalg.cholesky(response @ prior @ response.T + systematic)
        right = jnp.concatenate([centred[:, None], matrix @ response @ prior], axis=1)
        seen = matrix @ root
        solved, log_determinant = _eliminated(jnp.eye(_COORDINATES) + root.T @ seen, root.T @ right)
        kept = right - seen @ solved
        gain = prior @ response.T
        fit = (root.T @ centred) @ (root.T @ kept[:, 0]) - log_determinant
        return people["mean"] + gain @ kept[:, 0], prior - gain @ kept[:, 1:], 0.5 * fit

    means, covariances, fits = jax.vmap(component)(people["covariances"], people["systematic"])
    return means, covariances, jax.nn.log_softmax(fits + people["log_shares"])


def log_ratios(coordinates: jax.Array) -> jax.Array:
    """The bench's log ratios (..., 11) of Helmert coordinates (..., 6)."""
    lengths = jnp.exp(coordinates @ jnp.asarray(HELMERT, jnp.float32))
    return jnp.log(lengths @ _ABOVE.T) - jnp.log(lengths @ _BELOW.T)


def set_loss(
    people: dict[str, jax.Array],
    matrix: jax.Array,
    vector: jax.Array,
    truth: jax.Array,
    likelihood: float,
) -> jax.Array:
    """Loss of one photo set: absolute error of the ratios, and the mixture's likelihood."""
    means, covariances, log_shares = posterior(people, matrix, vector)
    estimate = jnp.exp(log_shares) @ means
    error = jnp.abs(log_ratios(estimate) - log_ratios(truth)).mean()
    apart = truth - means
    covariances = covariances + 1e-6 * jnp.eye(_COORDINATES)
    solved, log_determinants = _eliminated(covariances, apart[..., None])
    fits = -0.5 * (jnp.einsum("ki,ki->k", apart, solved[..., 0]) + log_determinants)
    return 15 * error - likelihood * jax.nn.logsumexp(fits + log_shares) / _COORDINATES
