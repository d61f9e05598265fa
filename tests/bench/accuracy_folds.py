"""Estimates of bodies by weights that were learned from other bodies."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import accuracy_methods as methods
import jax
import numpy as np
from estimator.fit import prepare
from estimator.learning import PoseModel, Residuals, calibrated, fold_of, learn, residuals_of
from estimator.model import Settings
from estimator.people import Body, find_sets, read_set

if TYPE_CHECKING:
    from pathlib import Path

    from avatarrig.skeleton.learned import Learned

FOLDS = 4


def learn_without(bodies: list[Body], extra: list[Path]) -> list[tuple[methods.Person, Learned]]:
    """Learns once for each fold of bodies, from the other folds.

    Intervals, too, are calibrated on bodies of other folds.

    Args:
        bodies: Whom to measure; each spread is dealt evenly into the folds.
        extra: Folders with sets to learn from as well.
    """
    jax.config.update("jax_default_prng_impl", "rbg")
    more = [body for folder in find_sets(extra) for body in read_set(folder)] if extra else []
    everybody = [*bodies, *more]
    photos, settings = prepare(everybody), Settings()
    fold = np.concatenate([fold_of(bodies, FOLDS, seed=0), np.full(len(more), -1)])
    learned, residuals = [], []
    for number in range(FOLDS):
        kept, left_out = (np.nonzero(chosen)[0] for chosen in (fold != number, fold == number))
        learned.append(learn(photos, kept.tolist(), settings, PoseModel("full", "")))
        residuals.append(residuals_of(learned[-1], bodies, left_out.tolist()))
    honest = [
        dataclasses.replace(
            one, intervals=calibrated(Residuals.joined(residuals[:n] + residuals[n + 1 :]))
        )
        for n, one in enumerate(learned)
    ]
    return [
        (methods.meet(body, honest[number]), honest[number])
        for body, number in zip(bodies, fold[: len(bodies)], strict=True)
    ]
