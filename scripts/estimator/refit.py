"""Fits the Gaussian step anew, on evidence of people whom the networks have not seen.

A network knows the people it has learned from, so what it says of them is better than what it
says of others; a Gaussian step that was trained together with it trusts it too much. Here the
networks stand still.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from estimator.fit import ERROR_SHARE, chances, drawn_bodies, occasions
from estimator.model import (
    Parameters,
    Settings,
    population_of,
    set_losses,
    with_shared_errors,
)

from avatarrig.body.evidence.evidence import matrix_of, vector_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from avatarrig.body.levels import Cell

_SETS = 96
_RATE = 7e-3
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


def refitted(start: Parameters, fixed: Parameters, told: Told, settings: Settings) -> Parameters:
    """Fits everything in the Gaussian step but whom to expect.

    Args:
        start: Where to start from: the Gaussian step that was trained with the networks.
        fixed: The constants of the training.
        told: By networks of the same kind, on people these have not seen.
        settings: Those of the training.
    """
    parameters = {name: jnp.asarray(value, jnp.float32) for name, value in start.items()}
    state = _optimiser(settings).init(parameters)
    hat = _Hat(told, settings)
    for _ in range(settings.refit_steps):
        parameters, state = _step(settings, (parameters, state), fixed, hat.draw())
    return _grown(parameters)


def _optimiser(settings: Settings) -> optax.GradientTransformation:
    return optax.adam(optax.cosine_decay_schedule(_RATE, settings.refit_steps))


@functools.partial(jax.jit, static_argnums=0)
def _step(
    settings: Settings,
    learner: tuple[Any, Any],
    fixed: Parameters,
    batch: tuple[jax.Array, ...],
) -> tuple[Any, Any]:
    parameters, state = learner
    gradients = jax.grad(_loss)(parameters, fixed, batch, settings.response_decay)
    updates, state = _optimiser(settings).update(gradients, state)
    return optax.apply_updates(parameters, updates), state


def _grown(parameters: Parameters) -> Parameters:
    """What all photos of a person share is the larger, the more unusual the person is.

    Left to itself, the fit holds photos of ordinary people for worthless, and says of all that
    they are ordinary.
    """
    return parameters | {"log_growth": parameters["log_spreads"] - parameters["log_spreads"].min()}


def _loss(
    parameters: Parameters, fixed: Parameters, batch: tuple[jax.Array, ...], decay: float
) -> jax.Array:
    matrix, vector, moments, sessions, truth = batch
    people = population_of(_grown(parameters), fixed)
    told = with_shared_errors(parameters, matrix, vector, moments, sessions)
    errors, likely = set_losses(people, *told, truth)
    losses = ERROR_SHARE * errors - _LIKELIHOOD * likely
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
        settings, generator, most = self._settings, self._generator, self._settings.refit_photos
        matrix = np.zeros((_SETS, most, 6, 6), np.float32)
        vector = np.zeros((_SETS, most, 6), np.float32)
        moments = np.zeros((_SETS, most, most), np.float32)
        sessions = np.zeros_like(moments)
        bodies, fullness = drawn_bodies(self._bodies, self._chances, _SETS, settings, generator)
        for place, body in enumerate(bodies):
            cells = self._told.cells[body]
            count = max(1, int(np.ceil(min(len(cells), most) * fullness[place])))
            chosen = generator.permutation(len(cells))[:count]
            matrix[place, :count] = self._matrix[body][chosen]
            vector[place, :count] = self._vector[body][chosen]
            moment = np.array([cells[photo].moment for photo in chosen])
            session = np.array([cells[photo].session for photo in chosen])
            occasions(moment, session, moments[place], sessions[place])
        return matrix, vector, moments, sessions, self._told.truth[bodies]
