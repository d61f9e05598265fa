"""How far to trust each moment's photos: some may show somebody else.

A photo shows the subject or, with odds that are known beforehand, anybody: its weight is the
probability that it shows the subject, given the estimate from all photos so weighed. One photo
tells little about who is in it, so nothing is thrown out; but photos far from the subject lose
their pull, as in other redescending estimators (Hampel et al., Robust Statistics, 1986).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from avatarrig.body.evidence.evidence import COORDINATES
from avatarrig.body.levels import IDENTITY

if TYPE_CHECKING:
    from collections.abc import Callable

    from avatarrig.body.bones import FloatArray
    from avatarrig.body.evidence.learned import Population
    from avatarrig.body.levels import Moments

STRANGERS: Final = 0.1
"""Share of moments that may show anybody, before looking. When a tenth of the photos shows
somebody else, the estimate moves a quarter less than if all were trusted. With 0.3 it would move
two fifths less, but ten copies of one photo could tip it over."""

_ROUNDS: Final = 8
"""The weights change by less than 0.001 after these."""


@dataclass(frozen=True)
class Weighed:
    """Evidence added up with doubt.

    Attributes:
        information: (6, 6).
        vector: (6,).
        trusted: Share of the photos that is counted.
    """

    information: FloatArray
    vector: FloatArray
    trusted: float


def expected(population: Population, person: FloatArray) -> FloatArray:
    """What photos of a person (6,) say on average."""
    apart = population.response @ (person - population.mean)
    return np.asarray(apart + population.mean + population.offset)


def weigh(
    moments: Moments,
    population: Population,
    person_of: Callable[[FloatArray, FloatArray], FloatArray],
) -> Weighed:
    """Adds up moments, each as far as it is to be trusted.

    Args:
        moments: The photos; all of a moment are taken to show the same person.
        population: Whom a stranger is drawn from.
        person_of: The estimate (6,) from an information matrix and vector.
    """
    if not len(moments.photos):
        return Weighed(np.zeros((COORDINATES, COORDINATES)), np.zeros(COORDINATES), 1.0)
    centre = population.centre
    one, vector = moments.one_by_one()
    pull = vector - one @ centre
    stranger = _log_likelihood_of_anybody(one, pull, population)
    weight = np.ones(len(one))
    for _ in range(_ROUNDS):
        person = person_of(*moments.together(weight))
        apart = expected(population, person) - centre
        subject = pull @ apart - 0.5 * np.einsum("i,gij,j->g", apart, one, apart)
        odds = (
            STRANGERS
            / (1 - STRANGERS)
            * np.exp(np.minimum(np.maximum(stranger - subject, -50), 50))
        )
        before, weight = weight, 1 / (1 + odds)
        if (weight == before).all():  # then no further round changes them
            break
    information, vector = moments.together(weight)
    trusted = float(weight @ moments.photos / moments.photos.sum())
    return Weighed(information, vector, trusted)


def _log_likelihood_of_anybody(
    one: FloatArray, pull: FloatArray, population: Population
) -> FloatArray:
    """How well anybody explains a photo (g,), over how well the average person does."""
    spread = population.spread[-1]
    factor = IDENTITY + one @ spread
    explained = np.linalg.solve(factor, pull[..., None])[..., 0]
    fit = np.einsum("gi,ij,gj->g", pull, spread, explained)
    return np.asarray(0.5 * (fit - np.linalg.slogdet(factor)[1]))
