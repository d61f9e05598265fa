"""From bodies to a weights file: learn, and make the intervals honest by cross-validation."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import jax
import numpy as np
from estimator.model import NETWORK_LAYERS, Parameters, population_of, root_of

from avatarrig.body.bones import BENCH_RATIOS, HELMERT, log_ratio
from avatarrig.body.evidence.evidence import evidence_from_landmarks, matrix_of, vector_of
from avatarrig.body.evidence.learned import (
    Learned,
    Population,
    centre_of,
    read_learned,
    write_learned,
)
from avatarrig.body.evidence.network import Network
from avatarrig.body.levels import Cell
from avatarrig.body.solver.person import misfit, solve_moments, unusual
from avatarrig.body.sums.evidence_sum import EvidenceSum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estimator.people import Body
    from numpy.typing import NDArray

    from avatarrig.body.bones import FloatArray

ALWAYS_LEARNED = ("rendered",)
COVERAGE = 0.9
_REACH = 1.6449
"""Standard deviations on each side of a Gaussian's middle 90 %."""

_CALIBRATION_COUNTS = (1, 5, 10, 30)
_NEARLY = 1.25
"""A person with 24 usable photos tells how it is with 30; one with 12 does not."""

_TOO_NARROW = 4.0
"""How much worse intervals are that contain too little than those that contain too much: dumps of
120 photos, which hardly any body here has, were contained 84 and 75 % where both counted alike."""

_FACTORS = np.stack(
    np.meshgrid(np.linspace(0.8, 1.4, 13), np.linspace(0.5, 1.3, 17), np.linspace(0, 0.8, 17)), -1
).reshape(-1, 3)
"""`Learned.intervals` to choose from. A lower second number would make intervals too narrow for
those unusual people whose photos make them look ordinary."""


@dataclasses.dataclass(frozen=True)
class PoseModel:
    """Which landmarks the weights are for."""

    name: str
    sha256: str


def learned_of(parts: Sequence[Parameters], fixed: Parameters, pose_model: PoseModel) -> Learned:
    """Puts networks together as an ensemble, with the mean of their Gaussian steps.

    Args:
        parts: Networks, and the Gaussian steps that were trained with them.
        fixed: The constants of the training.
        pose_model: Goes into the file.

    Returns:
        What was learned, as a program that loads the file sees it, not yet `calibrated`.
    """
    population = population_from(mean_of(parts), fixed)
    learned = Learned(
        version="",
        pose_model=pose_model.name,
        model_sha256=pose_model.sha256,
        network=Network(
            centre=np.asarray(fixed["centre"], np.float64),
            spread=np.asarray(fixed["spread"], np.float64),
            offset=np.asarray(fixed["offset"], np.float64),
            layers={
                name: np.stack([np.asarray(part[name], np.float64) for part in parts])
                for name in NETWORK_LAYERS
            },
            usual=np.asarray(fixed["usual"], np.float64),
            tolerance=float(np.exp(np.mean([part["log_tolerance"] for part in parts]))),
        ),
        population=population,
        centre=centre_of(population.mean, population.offset),
        intervals=(1.0, 1.0, 0.0),
        most_misfit=(np.inf, 0.0),
    )
    return read_learned(write_learned(learned), name="the new weights")


def adapted(learned: Learned, fixed: Parameters, pose_model: PoseModel) -> Learned:
    """Has the networks of one pose model read the landmarks of another one.

    Models differ in where they place a joint on average and in how sure they are; how landmarks err
    with pose and view is much alike.

    Args:
        learned: Of the pose model that the networks have learned from.
        fixed: The constants of the other one's photos.
        pose_model: That one.

    Returns:
        Weights, not yet `calibrated`.
    """
    network = dataclasses.replace(
        learned.network,
        centre=np.asarray(fixed["centre"], np.float64),
        spread=np.asarray(fixed["spread"], np.float64),
        offset=np.asarray(fixed["offset"], np.float64),
    )
    other = dataclasses.replace(
        learned, pose_model=pose_model.name, model_sha256=pose_model.sha256, network=network
    )
    return read_learned(write_learned(other), name="the new weights")


def recentred(learned: Learned, bodies: Sequence[Body], told: Sequence[Sequence[Cell]]) -> Learned:
    """Has photos of these bodies say on average what is true.

    Args:
        learned: Weights whose networks told of the bodies' photos.
        bodies: Whom.
        told: Of each body.
    """
    people = learned.population
    information, vector = np.zeros((len(people.mean),) * 2), np.zeros(len(people.mean))
    for body, cells in zip(bodies, told, strict=True):
        total = EvidenceSum.total(cell.total for cell in cells)
        seen = matrix_of(total.information)
        right = people.mean + people.response @ (HELMERT @ np.log(body.lengths) - people.mean)
        information += seen
        vector += vector_of(total.vector) - seen @ right
    offset = np.asarray(np.linalg.solve(information, vector), np.float64)
    population = dataclasses.replace(people, offset=offset)
    centre = centre_of(people.mean, offset)
    other = dataclasses.replace(learned, population=population, centre=centre)
    return read_learned(write_learned(other), name="the new weights")


def mean_of(parts: Sequence[Parameters]) -> Parameters:
    """The mean of everything but the networks."""
    return {
        name: np.mean([np.asarray(part[name]) for part in parts], axis=0)
        for name in parts[0]
        if name not in NETWORK_LAYERS
    }


def population_from(parameters: Parameters, fixed: Parameters) -> Population:
    """The Gaussian step as the weights file holds it."""
    numbers = {
        name: np.asarray(value, np.float64)
        for name, value in population_of(parameters, fixed).items()
    }
    order = np.argsort(np.trace(numbers["covariances"], axis1=1, axis2=2))
    shares = np.exp(numbers["log_shares"])[order]
    return Population(
        mean=numbers["mean"],
        covariances=numbers["covariances"][order],
        shares=shares / shares.sum(),
        response=numbers["response"],
        offset=numbers["offset"],
        systematic=numbers["systematic"][order],
        moment=_covariance(parameters["moment"]),
        session=_covariance(parameters["session"]),
        alike=float(jax.nn.sigmoid(parameters["alike_logit"])),
    )


def _covariance(parameter: jax.Array) -> FloatArray:
    root = np.asarray(root_of(parameter), np.float64)
    return np.asarray(root @ root.T)


def fold_of(bodies: Sequence[Body], folds: int, seed: int) -> NDArray[np.int64]:
    """Deals bodies into folds, natural, broad and wide ones of each source evenly.

    Those of `ALWAYS_LEARNED` are in none (-1): they are many, and unlike people's own pictures.
    """
    dealt = np.full(len(bodies), -1)
    generator = np.random.default_rng(seed)
    kinds = np.array([f"{body.source} {body.spread}" for body in bodies])
    for kind in sorted(set(kinds)):
        if kind.split()[0] not in ALWAYS_LEARNED:
            places = np.nonzero(kinds == kind)[0]
            dealt[generator.permutation(places)] = np.arange(len(places)) % folds
    return dealt


@dataclasses.dataclass(frozen=True)
class Residuals:
    """Errors of estimates of bodies that were not learned from.

    Attributes:
        standard: (m, 11) absolute errors of log ratios over their claimed standard deviations.
        unusual: (m,) how unusual the estimated persons are.
        misfit: (m,) of the photos to the estimates.
        photos: (m,) of how many moments these were.
        asked: (m,) how many photos there should have been; there were nearly so many.
        share: (m,) of the photos in the estimate; the rest is the prior's.
        spread: (m,) ``natural``, ``broad`` or ``wide``.
    """

    standard: np.ndarray
    unusual: np.ndarray
    misfit: np.ndarray
    photos: np.ndarray
    asked: np.ndarray
    share: np.ndarray
    spread: np.ndarray


def residuals_of(
    learned: Learned, bodies: Sequence[Body], told: Sequence[Sequence[Cell]]
) -> Residuals:
    """Compares estimates from some and from all photos with the truth.

    Args:
        learned: The Gaussian step that estimates.
        bodies: Whom.
        told: Of each body, by networks that have not seen it.
    """
    standard, distance, fits, counts, asked, shares, spreads = [], [], [], [], [], [], []
    for place, (body, usable) in enumerate(zip(bodies, told, strict=True)):
        if not usable:
            continue
        made_by = dataclasses.replace(learned, version=str(usable[0].total.learned))
        order = np.random.default_rng(place).permutation(len(usable))
        for count in _CALIBRATION_COUNTS:
            if count > _NEARLY * len(usable):
                continue
            cells = [usable[photo] for photo in order[:count]]
            person = solve_moments(cells, made_by)
            errors = []
            for ratio in BENCH_RATIOS.values():
                middle, gradient = log_ratio(person.log_lengths, *ratio)
                deviation = np.sqrt(gradient @ person.covariance @ gradient)
                truth, _ = log_ratio(np.log(body.lengths), *ratio)
                errors.append(abs(middle - truth) / deviation)
            standard.append(errors)
            estimate = HELMERT @ person.log_lengths
            distance.append(unusual(learned.population, estimate))
            total = EvidenceSum.total(cell.total for cell in cells)
            fits.append(misfit(learned.population, total, estimate))
            counts.append(max(person.moments, 1))
            asked.append(count)
            shares.append(1 - np.mean(list(person.prior_share.values())))
            spreads.append(body.spread)
    return Residuals(*map(np.array, (standard, distance, fits, counts, asked, shares, spreads)))


def cells_of(body: Body, learned: Learned) -> list[Cell]:
    """The evidence of those of a body's photos that say anything, with what is known of them."""
    cells = []
    for place, (width, height) in enumerate(body.photos.size):
        evidence = evidence_from_landmarks(
            body.photos.pose[place],
            body.photos.world[place],
            int(width),
            int(height),
            learned=learned,
        )
        if evidence is not None:
            total = EvidenceSum()
            total.add(evidence)
            cells.append(
                Cell(total, int(body.photos.moment[place]), int(body.photos.session[place]))
            )
    return cells


def calibrated(learned: Learned, residuals: Residuals) -> Learned:
    """Makes intervals and the limit of misfit honest on bodies that were not learned from."""
    return dataclasses.replace(
        learned, intervals=_interval_factors(residuals), most_misfit=_most_misfit(residuals)
    )


def _most_misfit(residuals: Residuals) -> tuple[float, float]:
    """Misfit that 99 of 100 persons stay below: what is theirs, and what one photo adds."""
    few, many = (residuals.asked == pick(residuals.asked) for pick in (np.min, np.max))
    squares = [np.quantile(residuals.misfit[chosen], 0.99) ** 2 for chosen in (few, many)]
    parts = [np.mean(1 / residuals.photos[chosen]) for chosen in (few, many)]
    allowance = max(0.0, (squares[0] - squares[1]) / (parts[0] - parts[1]))
    limit = max(0.0, squares[1] - allowance * parts[1])
    return round(float(np.sqrt(limit)), 4), round(float(np.sqrt(allowance)), 4)


def _interval_factors(residuals: Residuals) -> tuple[float, float, float]:
    """Finds the factor on standard deviations that covers 90 % of ordinary and unusual people.

    Of all choices, the one whose coverage comes closest to 90 % for natural, broad and wide
    bodies and for few and many photos alike, by the mean square of the differences, those below
    weighing more. One photo hardly tells unusual people from ordinary ones, so there the former
    are covered less.
    """
    errors = residuals.standard / _REACH
    prior, photos = 1 - residuals.share, residuals.share
    groups = [
        np.nonzero((residuals.spread == kind) & (residuals.asked == count))[0]
        for kind, count in sorted(set(zip(residuals.spread, residuals.asked, strict=True)))
    ]
    best, found = np.inf, (1.0, 1.0, 0.0)
    for few, many, growth in _FACTORS:
        factor = few * prior + (many + growth * residuals.unusual) * photos
        inside = (errors < factor[:, None]).mean(axis=1)
        apart = np.array([inside[group].mean() - COVERAGE for group in groups])
        loss = float(np.mean(np.where(apart < 0, _TOO_NARROW, 1.0) * apart**2))
        if loss < best:
            best, found = loss, (few, many, growth)
    few, many, growth = (round(float(factor), 4) for factor in found)
    return few, many, growth
