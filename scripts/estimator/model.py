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
        hidden: Width of the network's two layers.
        steps: Batches of photo sets.
        refit_steps: The same, for the Gaussian step alone.
        sets: Photo sets in a batch.
        photos: Most photos in a set.
        refit_photos: The same, for the Gaussian step alone.
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
        unlike: Standard deviations that are added, alike in all coordinates: unusual people do
            not only vary as ordinary ones do, but more.
        response_decay: Pull of the response towards the identity.
        seed: Of everything drawn.
    """

    hidden: int = 64
    steps: int = 800
    refit_steps: int = 400
    sets: int = 45
    photos: int = 16
    refit_photos: int = 32
    rate: float = 3e-3
    decay: float = 0.1
    noise: float = 0.4
    set_noise: float = 0.15
    natural_share: float = 0.6
    natural_when_few: float = 0.4
    unusual: float = 2.0
    as_they_are: float = 0.4
    most_often: float = 12.0
    sources: tuple[tuple[str, float], ...] = field(default=(("plain", 0.25), ("rendered", 0.5)))
    likelihood: float = 0.3
    spreads: tuple[float, ...] = (1.0, 1.5, 2.4)
    unlike: tuple[float, ...] = (0.005, 0.02, 0.04)
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
        "log_unlike": jnp.log(jnp.asarray(settings.unlike)),
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
    """Adds up the photos (p) of each set (b) whose errors moments and sessions share.

    Args:
        parameters: Of the Gaussian step.
        matrix: (b, p, 6, 6).
        vector: (b, p, 6).
        moments: (b, p, m) 1 where a photo counts and is of a moment.
        sessions: (b, m, s) 1 where a moment is of a session.

    Returns:
        Information matrices (b, 6, 6) and vectors (b, 6) about the persons.
    """
    matrix = jnp.einsum("bpm,bpij->bmij", moments, matrix)
    vector = jnp.einsum("bpm,bpi->bmi", moments, vector)
    others = jnp.maximum(moments.sum(1) - 1, 0)
    share = 1 / (1 + others * jax.nn.sigmoid(parameters["alike_logit"]))
    matrix, vector = share[..., None, None] * matrix, share[..., None] * vector
    matrix, vector = _blurred(matrix, vector, root_of(parameters["moment"]))
    matrix = jnp.einsum("bms,bmij->bsij", sessions, matrix)
    vector = jnp.einsum("bms,bmi->bsi", sessions, vector)
    matrix, vector = _blurred(matrix, vector, root_of(parameters["session"]))
    return matrix.sum(1), vector.sum(1)


def _blurred(matrix: jax.Array, vector: jax.Array, root: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Information (..., 6, 6), (..., 6) once an error of covariance root rootᵀ is added to it."""
    seen = matrix @ root
    inner = jnp.eye(_COORDINATES) + root.T @ seen
    right = jnp.concatenate([jnp.swapaxes(seen, -1, -2), (vector @ root)[..., None]], axis=-1)
    taken = seen @ _solved(inner, right)
    return matrix - taken[..., :-1], vector - taken[..., -1]


@jax.custom_vjp
def _solved(matrix: jax.Array, right: jax.Array) -> jax.Array:
    """Solves for symmetric positive definite matrices (..., n, n) and right sides (..., n, k).

    Gauss-Jordan without pivoting, the batch innermost: several times faster on a CPU than a call
    of LAPACK for each. Its derivative is another solution, not that of every step.
    """
    size = matrix.shape[-1]
    table = jnp.concatenate([matrix, right], axis=-1)
    table = jnp.moveaxis(table.reshape(-1, *table.shape[-2:]), 0, -1)
    for place in range(size):
        row = table[place] / table[place, place]
        table = table - table[:, place, None] * row
        table = table.at[place].set(row)
    return jnp.moveaxis(table[:, size:], -1, 0).reshape(right.shape)


def _solved_forward(
    matrix: jax.Array, right: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    solution = _solved(matrix, right)
    return solution, (matrix, solution)


def _solved_backward(
    kept: tuple[jax.Array, jax.Array], change: jax.Array
) -> tuple[jax.Array, jax.Array]:
    matrix, solution = kept
    of_right = _solved(matrix, change)
    return -of_right @ jnp.swapaxes(solution, -1, -2), of_right


_solved.defvjp(_solved_forward, _solved_backward)


def _log_determinant(matrix: jax.Array) -> jax.Array:
    """Of symmetric positive definite matrices."""
    root = jnp.linalg.cholesky(matrix)
    return 2 * jnp.log(jnp.diagonal(root, axis1=-2, axis2=-1)).sum(-1)


def population_of(parameters: Parameters, fixed: Parameters) -> dict[str, jax.Array]:
    """The Gaussian step's numbers, as the weights file holds them (shares as logarithms)."""
    root = root_of(parameters["systematic"])
    spreads = jnp.exp(parameters["log_spreads"])
    growth = jnp.exp(parameters["log_growth"])
    unlike = jnp.exp(2 * parameters["log_unlike"])[:, None, None] * jnp.eye(_COORDINATES)
    return {
        "mean": fixed["mean"],
        "covariances": spreads[:, None, None] ** 2 * fixed["covariance"] + unlike,
        "log_shares": jax.nn.log_softmax(parameters["log_shares"]),
        "response": jnp.eye(_COORDINATES) + parameters["response"],
        "offset": parameters["population_offset"],
        "systematic": growth[:, None, None] ** 2 * (root @ root.T),
    }


def posterior(
    people: dict[str, jax.Array], matrix: jax.Array, vector: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Means (b, k, 6), covariances (b, k, 6, 6), log shares (b, k) of the persons' mixtures.

    Args:
        people: As `population_of` gives them.
        matrix: (b, 6, 6).
        vector: (b, 6).
    """
    response, priors = people["response"], people["covariances"]
    centred = vector - matrix @ (people["mean"] + people["offset"])
    roots = jnp.linalg.cholesky(response @ priors @ response.T + people["systematic"])
    gain = priors @ response.T
    matrix = matrix[:, None]
    right = jnp.concatenate(
        [
            jnp.broadcast_to(centred[:, None, :, None], (len(matrix), *roots.shape[:-1], 1)),
            matrix @ jnp.swapaxes(gain, -1, -2),
        ],
        axis=-1,
    )
    seen = matrix @ roots
    inner = jnp.eye(_COORDINATES) + jnp.swapaxes(roots, -1, -2) @ seen
    kept = right - seen @ _solved(inner, jnp.swapaxes(roots, -1, -2) @ right)
    reach = jnp.swapaxes(roots, -1, -2) @ kept[..., :1]
    pull = jnp.swapaxes(roots, -1, -2) @ right[..., :1]
    fits = 0.5 * ((pull * reach).sum((-1, -2)) - _log_determinant(inner))
    means = people["mean"] + (gain @ kept[..., :1])[..., 0]
    covariances = priors - gain @ kept[..., 1:]
    return means, covariances, jax.nn.log_softmax(fits + people["log_shares"])


def log_ratios(coordinates: jax.Array) -> jax.Array:
    """The bench's log ratios (..., 11) of Helmert coordinates (..., 6)."""
    lengths = jnp.exp(coordinates @ jnp.asarray(HELMERT, jnp.float32))
    return jnp.log(lengths @ _ABOVE.T) - jnp.log(lengths @ _BELOW.T)


def set_losses(
    people: dict[str, jax.Array], matrix: jax.Array, vector: jax.Array, truth: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Of photo sets (b,): mean absolute error of the log ratios, log likelihood a coordinate."""
    means, covariances, log_shares = posterior(people, matrix, vector)
    estimate = (jnp.exp(log_shares)[..., None] * means).sum(1)
    error = jnp.abs(log_ratios(estimate) - log_ratios(truth)).mean(-1)
    apart = (truth[:, None] - means)[..., None]
    covariances = covariances + 1e-6 * jnp.eye(_COORDINATES)
    distance = (apart * _solved(covariances, apart)).sum((-1, -2))
    fits = -0.5 * (distance + _log_determinant(covariances))
    return error, jax.nn.logsumexp(fits + log_shares, axis=-1) / _COORDINATES
