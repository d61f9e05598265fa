"""Evidence as one photo may give it, made without landmarks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from avatarrig.body.bones import BONE_VECTORS, HELMERT, POOLING, FloatArray
from avatarrig.body.evidence.evidence import evidence_of_lengths
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.evidence.network import LOG_PRECISION_RANGE
from avatarrig.wire import Evidence

BONES = len(BONE_VECTORS)
LEARNED = load_learned("full")


def any_evidence(seed: int, ratios: Mapping[str, int] | None = None) -> Evidence:
    """Evidence of bone lengths that need not be anybody's, seen well or badly."""
    random = np.random.default_rng(seed)
    precision = np.exp(random.uniform(*LOG_PRECISION_RANGE, BONES))
    return evidence(random.normal(0, 0.3, BONES), precision, ratios)


def one_sided(side: int, ratios: Mapping[str, int] | None = None) -> Evidence:
    """Evidence that errs to the same sides as bits say."""
    population = LEARNED.population
    signs = [1, *(1 if side >> bit & 1 else -1 for bit in range(len(population.mean) - 1))]
    person = population.mean + population.offset + 0.2 * np.array(signs)
    return evidence(POOLING @ HELMERT.T @ person, np.full(BONES, 100.0), ratios)


def evidence(
    lengths: FloatArray, precision: FloatArray, ratios: Mapping[str, int] | None = None
) -> Evidence:
    """Evidence of log bone lengths (11,) known with these inverse variances (11,)."""
    return evidence_of_lengths(lengths[None], precision[None], dict(ratios or {}), learned=LEARNED)
