"""Days whose photos do not fit the others: somebody else is in them, or the person has grown.

One photo hardly tells who is in it, but the photos of a day, added up, do. Two explanations of
them are weighed against each other: they show the person of all other photos, or they show
anybody (a Bayes factor, as in Kass & Raftery 1995). What photos of a day share is reckoned with.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from avatarrig.body.levels import IDENTITY, Cell, Moments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from avatarrig.body.bones import FloatArray
    from avatarrig.body.evidence.learned import Learned

_ODDS: Final = 1 / 99
"""That a day shows somebody else, before looking. Of rendered people with ten days of three
photos, 4 in 1000 have a day that is wrongly held for somebody else's."""

_PEOPLE: Final = 1
"""Component of the population that people are compared by: between ordinary and unusual."""


def odd_days(days: Mapping[str, Cell], learned: Learned) -> tuple[str, ...]:
    """Names the days whose photos rather show somebody else than the person of all others.

    Args:
        days: Day (or month, or year) to its photos.
        learned: The weights that made it.

    Returns:
        Their names, in order; none where there is but one day.
    """
    if len(days) <= 1:
        return ()
    names = sorted(days)
    population = learned.population
    centre = population.centre
    information, vector = Moments.of([days[name] for name in names], population).one_by_one()
    pull = vector - information @ centre
    people = population.spread[_PEOPLE]
    others = information.sum(axis=0) - information
    known = people @ np.linalg.inv(IDENTITY + others @ people)
    person = np.einsum("dij,dj->di", known, pull.sum(axis=0) - pull)
    nobody = np.zeros_like(person)
    somebody_else = _log_likelihood(information, pull, nobody, np.broadcast_to(people, known.shape))
    factor = somebody_else - _log_likelihood(information, pull, person, known)
    odd = factor + math.log(_ODDS) > 0
    return tuple(name for name, is_odd in zip(names, odd, strict=True) if is_odd)


def _log_likelihood(
    information: FloatArray, pull: FloatArray, middle: FloatArray, spread: FloatArray
) -> FloatArray:
    """How well people (d, 6) ± (d, 6, 6) explain the days (d,), over how well the average does."""
    rest = pull - np.einsum("dij,dj->di", information, middle)
    factor = IDENTITY + information @ spread
    explained = np.linalg.solve(factor, rest[..., None])[..., 0]
    fit = np.einsum("di,dij,dj->d", rest, spread, explained)
    along = np.einsum("di,di->d", middle, pull + rest)
    return np.asarray(0.5 * (along + fit - np.linalg.slogdet(factor)[1]))
