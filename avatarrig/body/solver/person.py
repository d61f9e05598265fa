"""The Gaussian step: from summed evidence to a person's proportions, with honest intervals.

With z the size-free log lengths that the photos' sum speaks of and x the person's own,
z = G (x - m) + m + c + e and cov e = Λ⁻¹ + R. With T = G S Gᵀ + R and η' = η - Λ (m + c):

    mean  m + S Gᵀ (I + Λ T)⁻¹ η'        covariance  S - S Gᵀ (I + Λ T)⁻¹ Λ G S

which needs no inverse of Λ, so photos that show half a body are enough. People are a mixture
over S and R; each component is weighed by how well it predicts the sums.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from avatarrig.body.bones import BONE_VECTORS, HELMERT, POOLED_BONES, FloatArray, log_ratio
from avatarrig.body.evidence.evidence import matrix_of, scatter_of, vector_of
from avatarrig.body.levels import IDENTITY, Cell, Moments, moments_of
from avatarrig.body.refused import LearnedRefusedError
from avatarrig.body.solver.doubt import Weighed, expected, weigh
from avatarrig.body.sums.evidence_sum import EvidenceSum
from avatarrig.body.tape.evidence import NOTHING, Tape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avatarrig.body.evidence.learned import Learned, Population

MOST_UNUSUAL = 2.0
"""Whoever is more unusual is as uncertain as this. Of those whom the intervals were made honest
on, nobody is estimated as more unusual than 1.6."""


@dataclass(frozen=True)
class Interval:
    """A ratio of lengths with the bounds that contain it with the asked-for probability."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Proportions:
    """What is known about one person's proportions.

    Attributes:
        log_lengths: (7,) means of the natural log lengths in the order of `POOLED_BONES`, summing
            to 0: only differences mean something.
        covariance: (7, 7) of the log lengths, calibrated, the systematic error included.
        prior_share: By bone, 1 where everything comes from the population (no photos) down to
            0 where nothing does.
        photos: How many photos it rests on.
        moments: How many moments these were taken in, roughly where they are very many.
        trusted: Share of the photos that is counted; the rest may show somebody else.
        consistent: Whether the photos agree on one person.
        odd_measures: Measured lengths that do not fit what all else says.
        learned: Version of the weights.
    """

    log_lengths: FloatArray
    covariance: FloatArray
    prior_share: dict[str, float]
    photos: int
    moments: float
    trusted: float
    consistent: bool
    learned: str
    odd_measures: tuple[str, ...] = ()

    def ratio(
        self, above: tuple[str, ...], below: tuple[str, ...], coverage: float = 0.9
    ) -> Interval:
        """Returns a ratio of added bone lengths with its interval.

        Args:
            above: Pooled bones in the numerator.
            below: Pooled bones in the denominator.
            coverage: Probability that the interval contains the truth, between 0 and 1.
        """
        middle, gradient = log_ratio(self.log_lengths, above, below)
        deviation = math.sqrt(max(float(gradient @ self.covariance @ gradient), 0.0))
        reach = _deviations(coverage) * deviation
        return Interval(
            low=float(np.exp(middle - reach)),
            middle=float(np.exp(middle)),
            high=float(np.exp(middle + reach)),
        )


@functools.lru_cache(maxsize=8)
def _deviations(coverage: float) -> float:
    """Standard deviations from the middle to either end of an interval."""
    return NormalDist().inv_cdf((1 + coverage) / 2)


def solve(total: EvidenceSum, learned: Learned) -> Proportions:
    """Estimates a person's proportions from summed evidence, as if each photo erred by itself.

    Args:
        total: The photos; none gives the population's mean and spread.

    Raises:
        LearnedRefusedError: The evidence was made by other weights.
    """
    plain = Weighed(matrix_of(total.information), vector_of(total.vector), 1.0)
    return _proportions(total, total.photos, plain, learned, NOTHING)


def solve_moments(cells: Sequence[Cell], learned: Learned, tape: Tape = NOTHING) -> Proportions:
    """Estimates a person's proportions: photos within moments within sessions.

    What seems to show somebody else is trusted less.

    Args:
        cells: The photos, see `avatarrig.body.sums.moments`.
        tape: Lengths of the person that were measured.

    Raises:
        LearnedRefusedError: The evidence was made by other weights.
    """
    return solve_weighed(cells, weighed(cells, learned, tape), learned, tape)


def solve_weighed(
    cells: Sequence[Cell], added_up: Weighed, learned: Learned, tape: Tape = NOTHING
) -> Proportions:
    """The same of photos that were added up by `weighed`."""
    total = EvidenceSum.total(cell.total for cell in cells)
    return _proportions(total, moments_of(cells), added_up, learned, tape)


def imagine(
    there: Weighed, added: FloatArray, learned: Learned, tape: Tape = NOTHING
) -> FloatArray:
    """Tells how well proportions would be known with photos that are only imagined.

    These say what the estimate says already, so that they narrow it and do not move it.

    Args:
        there: The photos that there are, added up.
        added: (n, 6, 6): the information that photos would bring, one estimate each.
        tape: Lengths of the person that were measured.

    Returns:
        (n, 7, 7) covariances, as `Proportions.covariance` is.
    """
    says = expected(learned.population, _mean(learned.population, there.information, there.vector))
    means, covariances, priors = _posteriors(
        learned.population, there.information + added, there.vector + added @ says
    )
    calibrated, _ = _calibrated(means, covariances, priors, learned)
    left = [tape.given(*one)[1] for one in zip(means, calibrated, strict=True)]
    return np.asarray(HELMERT.T @ np.array(left) @ HELMERT)


def weighed(cells: Sequence[Cell], learned: Learned, tape: Tape = NOTHING) -> Weighed:
    """Adds up photos, each moment as far as it is to be trusted; arguments as `solve_moments`'."""

    def person_of(information: FloatArray, vector: FloatArray) -> FloatArray:
        if not tape.tells_ratios:
            return _mean(learned.population, information, vector)
        mean, covariance, _ = posterior(learned.population, information, vector)
        return tape.given(mean, covariance)[0]

    return weigh(Moments.of(cells, learned.population), learned.population, person_of)


def _proportions(
    total: EvidenceSum, moments: float, added_up: Weighed, learned: Learned, tape: Tape
) -> Proportions:
    if total.learned not in (None, learned.version):
        raise LearnedRefusedError(
            f"the evidence was made by {total.learned!r}, these weights are {learned.version!r}: "
            "evaluate the photos again from their landmarks"
        )
    mean, covariance, prior = posterior(learned.population, added_up.information, added_up.vector)
    limit, allowance = learned.most_misfit
    most = math.hypot(limit, allowance / math.sqrt(max(moments, 1)))
    calibrated, some = _calibrated(mean[None], covariance[None], prior[None], learned)
    covariance = calibrated[0]
    measured, rest = tape.given(mean, covariance)
    shares = some[0] * _shares(rest, covariance)
    return Proportions(
        log_lengths=HELMERT.T @ measured,
        covariance=HELMERT.T @ rest @ HELMERT,
        prior_share=dict(zip(POOLED_BONES, shares.tolist(), strict=True)),
        photos=total.photos,
        moments=moments,
        trusted=added_up.trusted,
        consistent=misfit(learned.population, total, mean) <= most,
        learned=learned.version,
        odd_measures=tape.contradictions(mean, covariance),
    )


def _calibrated(
    means: FloatArray, covariances: FloatArray, priors: FloatArray, learned: Learned
) -> tuple[FloatArray, FloatArray]:
    """Covariances (n, 6, 6) as wide as is right, and the population's share by bone (n, 7)."""
    shares = _shares(covariances, priors)
    few, many, growth = learned.intervals
    by_photos = many + growth * np.minimum(unusual(learned.population, means), MOST_UNUSUAL)
    of_people = shares.mean(axis=-1)
    factor = few * of_people + by_photos * (1 - of_people)
    return covariances * factor[:, None, None] ** 2, shares


def _shares(covariance: FloatArray, given: FloatArray) -> FloatArray:
    """What is left, by bone (…, 7), of the variance that there was: 0..1."""
    left, all_of_it = (np.sum(HELMERT * (each @ HELMERT), axis=-2) for each in (covariance, given))
    return np.asarray(np.clip(left / all_of_it, 0, 1))


def misfit(population: Population, total: EvidenceSum, person: FloatArray) -> float:
    """How badly the photos fit a person (6,): about 1 where all is as the network expects.

    The mean over photos and bones of the squared deviations of what each photo says from what
    it should say, in the photo's own standard deviations. It comes from the sums alone:
    scatter - 2 z·η + zᵀ Λ z.
    """
    if not total.photos:
        return 0.0
    says = expected(population, person)
    matrix, vector = matrix_of(total.information), vector_of(total.vector)
    square = scatter_of(total.information) - 2 * says @ vector + says @ matrix @ says
    return float(square) / (total.photos * (len(BONE_VECTORS) - 1))


def unusual(population: Population, person: FloatArray) -> FloatArray:
    """How far persons (…, 6) are from the mean, in standard deviations of ordinary people.

    The root mean square over the 6 coordinates, so 1 for an ordinary person.
    """
    apart = person - population.mean
    distance = np.sum(apart * np.linalg.solve(population.covariances[0], apart.T).T, axis=-1)
    return np.asarray(np.sqrt(np.maximum(distance, 0.0) / apart.shape[-1]))


def posterior(
    population: Population, information: FloatArray, vector: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean (6,) and covariance (6, 6) of a person, and the prior covariance the evidence met.

    Args:
        population: Whom to expect, and how sums relate to people.
        information: Λ (6, 6), positive semi-definite.
        vector: η (6,).
    """
    means, covariances, priors = _posteriors(population, information[None], vector[None])
    return means[0], covariances[0], priors[0]


def _mean(population: Population, information: FloatArray, vector: FloatArray) -> FloatArray:
    """Mean (6,) of a person, as in `posterior`."""
    mixture = _mixture(population, information[None], vector[None])
    return np.asarray((population.mean + mixture.shift)[0])


def _posteriors(
    population: Population, information: FloatArray, vector: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The same of several sums at once: (n, 6, 6) and (n, 6)."""
    mixture, expecting = _mixture(population, information, vector), population.covariances
    shares, shift = mixture.shares, mixture.shift
    covariances = expecting - mixture.gain @ information[:, None] @ population.response @ expecting
    apart = mixture.means - shift[:, None]
    within = np.einsum("nk,nkij->nij", shares, covariances)
    covariance = within + np.einsum("nk,nki,nkj->nij", shares, apart, apart)
    prior = np.einsum("nk,kij->nij", shares, expecting)
    return population.mean + shift, (covariance + np.swapaxes(covariance, -1, -2)) / 2, prior


class _Mixture(NamedTuple):
    """What each component of the population makes of n sums.

    Attributes:
        means: (n, k, 6) from the population's mean.
        gain: (n, k, 6, 6).
        shares: (n, k) how likely each component is.
        shift: (n, 6) the mean of all, from the population's.
    """

    means: FloatArray
    gain: FloatArray
    shares: FloatArray
    shift: FloatArray


def _mixture(population: Population, information: FloatArray, vector: FloatArray) -> _Mixture:
    centred = (vector - information @ population.centre)[:, None, :, None]
    spread = population.spread
    factor = IDENTITY + information[:, None] @ spread
    inverse = np.linalg.inv(factor)
    gain = population.regression @ inverse
    means = (gain @ centred)[..., 0]
    fits = (np.swapaxes(centred, -1, -2) @ spread @ inverse @ centred)[..., 0, 0]
    logits = 0.5 * (fits - np.linalg.slogdet(factor)[1]) + population.log_shares
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return _Mixture(means, gain, shares, np.einsum("nk,nki->ni", shares, means))
