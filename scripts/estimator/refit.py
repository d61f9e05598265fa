"""Fits the Gaussian step anew, on evidence of people whom the networks have not seen.

A network knows the people it has learned from, so what it says of them is better than what it
says of others; a Gaussian step that was trained together with it trusts it too much. Here the
networks stand still.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from estimator.fit import chances
from estimator.model import (
    Parameters,
    Settings,
    population_of,
    root_of,
    set_loss,
    with_shared_errors,
)

from avatarrig.body.evidence.evidence import matrix_of, vector_of
from avatarrig.body.evidence.learned import centre_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from avatarrig.body.bones import FloatArray
    from avatarrig.body.evidence.learned import Learned, Population
    from avatarrig.body.levels import Cell

_STEPS = 400
_SETS = 96
_RATE = 7e-3
_UNKNOWN = 0.06
"""Standard deviation of what a session of real photos errs by more than one of rendered photos,
alike in all coordinates: what no rendered picture tells. Chosen by real people."""
_LIKELIHOOD = 1.0
"""Beside the error of the ratios: three times as much as while learning, where it is the intervals
that matter."""


@dataclass(frozen=True)
class Told:
    """What photos of people say by networks that have not seen these people.

    Attributes:
        cells: Of each body, one for each photo.
        truth: (bodies, 6).
        source: (bodies,) kind of pictures.
        spread: (bodies,) ``natural``, ``broad`` or ``wide``.
    """

    cells: Sequence[Sequence[Cell]]
    truth: NDArray[np.float32]
    source: NDArray[np.str_]
    spread: NDArray[np.str_]


def refitted(learned: Learned, told: Told, settings: Settings) -> Learned:
    """Fits everything in `Learned.population` but whom to expect.

    Args:
        learned: Networks, and where to start from.
        told: By other networks of the same kind, on people these have not seen.
        settings: Those of the training.
    """
    people = learned.population
    fixed = {
        "mean": jnp.asarray(people.mean, jnp.float32),
        "covariance": jnp.asarray(people.covariances[0], jnp.float32),
    }
    parameters = _start(people)
    optimiser = optax.adam(optax.cosine_decay_schedule(_RATE, _STEPS))
    state = optimiser.init(parameters)

    @jax.jit
    def step(parameters: Parameters, state: Any, batch: Any) -> tuple[Parameters, Any]:  # noqa: ANN401 - optax's and a tuple
        gradients = jax.grad(_loss)(parameters, fixed, batch, settings.response_decay)
        updates, state = optimiser.update(gradients, state)
        return optax.apply_updates(parameters, updates), state

    hat = _Hat(told, settings)
    for _ in range(_STEPS):
        parameters, state = step(parameters, state, hat.draw())
    numbers = {
        name: np.asarray(value, np.float64)
        for name, value in population_of(_grown(parameters), fixed).items()
    }
    order = np.argsort(np.trace(numbers["covariances"], axis1=1, axis2=2))
    shares = np.exp(numbers["log_shares"])[order]
    return dataclasses.replace(
        learned,
        population=dataclasses.replace(
            people,
            covariances=numbers["covariances"][order],
            shares=shares / shares.sum(),
            response=numbers["response"],
            offset=numbers["offset"],
            systematic=numbers["systematic"][order],
            moment=_covariance(parameters["moment"]),
            session=_covariance(parameters["session"]) + _UNKNOWN**2 * np.eye(len(people.mean)),
            alike=float(jax.nn.sigmoid(parameters["alike_logit"])),
        ),
        centre=centre_of(people.mean, numbers["offset"]),
    )


def _covariance(parameter: jax.Array) -> FloatArray:
    root = np.asarray(root_of(parameter), np.float64)
    return np.asarray(root @ root.T)


def _start(people: Population) -> Parameters:
    sizes = np.array([np.trace(one) for one in people.covariances])
    start = {
        "response": people.response - np.eye(len(people.mean)),
        "population_offset": people.offset,
        "systematic": _parameter(people.systematic[0]),
        "moment": _parameter(people.moment),
        "session": _parameter(people.session),
        "alike_logit": np.log(people.alike / (1 - people.alike)),
        "log_spreads": np.log(sizes / sizes[0]) / 2,
        "log_shares": np.log(people.shares),
    }
    return {name: jnp.asarray(value, jnp.float32) for name, value in start.items()}


def _grown(parameters: Parameters) -> Parameters:
    """What all photos of a person share is the larger, the more unusual the person is.

    Left to itself, the fit holds photos of ordinary people for worthless, and says of all that
    they are ordinary.
    """
    return parameters | {"log_growth": parameters["log_spreads"] - parameters["log_spreads"].min()}


def _parameter(covariance: FloatArray) -> FloatArray:
    """Undoes `root_of`."""
    root = np.linalg.cholesky(covariance)
    return np.asarray(np.tril(root, -1) + np.diag(np.log(np.diag(root))))


def _loss(parameters: Parameters, fixed: Parameters, batch: Any, decay: float) -> jax.Array:  # noqa: ANN401 - a tuple
    matrix, vector, moments, sessions, truth = batch
    people = population_of(_grown(parameters), fixed)

    def one(*photos: jax.Array) -> jax.Array:
        *told, true = photos
        return set_loss(people, *with_shared_errors(parameters, *told), true, _LIKELIHOOD)

    losses = jax.vmap(one)(matrix, vector, moments, sessions, truth)
    total: jax.Array = losses.mean() + decay * (parameters["response"] ** 2).sum()
    return total


class _Hat:
    """Draws photo sets."""

    def __init__(self, told: Told, settings: Settings) -> None:
        self._told, self._settings = told, settings
        self._matrix = [
            np.array([matrix_of(cell.total.information) for cell in cells], np.float32)
            for cells in told.cells
        ]
        self._vector = [
            np.array([vector_of(cell.total.vector) for cell in cells], np.float32)
            for cells in told.cells
        ]
        self._bodies = np.array([body for body, cells in enumerate(told.cells) if cells])
        self._chances = [
            chances(told, self._bodies, spread, settings) for spread in (1.0, settings.unusual)
        ]
        self._generator = np.random.default_rng(settings.seed)

    def draw(self) -> tuple[NDArray[np.float32], ...]:
        """Matrices, vectors, moments and sessions as in `estimator.fit.Batch`, and the truth."""
        settings, generator, most = self._settings, self._generator, self._settings.photos
        matrix = np.zeros((_SETS, most, 6, 6), np.float32)
        vector = np.zeros((_SETS, most, 6), np.float32)
        moments = np.zeros((_SETS, most, most), np.float32)
        sessions = np.zeros((_SETS, most, most), np.float32)
        fullness = generator.random(_SETS) ** 0.7
        ordinary = settings.natural_share + settings.natural_when_few * (1 - fullness) ** 3
        usual, unusual = (generator.choice(self._bodies, _SETS, p=p) for p in self._chances)
        bodies = np.where(generator.random(_SETS) < ordinary, usual, unusual)
        for place, body in enumerate(bodies):
            cells = self._told.cells[body]
            count = max(1, int(np.ceil(min(len(cells), most) * fullness[place])))
            chosen = generator.choice(len(cells), count, replace=False)
            matrix[place, :count] = self._matrix[body][chosen]
            vector[place, :count] = self._vector[body][chosen]
            of = [(cells[photo].moment, cells[photo].session) for photo in chosen]
            moment = np.unique([each for each, _ in of], return_inverse=True)[1]
            session = np.unique([each for _, each in of], return_inverse=True)[1]
            moments[place, np.arange(count), moment] = 1
            sessions[place, moment, session] = 1
        return matrix, vector, moments, sessions, self._told.truth[bodies]
