"""The estimators that the accuracy bench compares, each from the same photos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from avatarrig.body.bones import (
    BENCH_RATIOS,
    BONE_VECTORS,
    HELMERT,
    POOLED_BONES,
    POOLING,
    FloatArray,
    log_ratio,
)
from avatarrig.body.evidence.evidence import evidence_from_landmarks
from avatarrig.body.evidence.features import observed
from avatarrig.body.evidence.geometry import look_at
from avatarrig.body.levels import Cell, moments_of
from avatarrig.body.likeness import pose_likeness
from avatarrig.body.solver.person import Proportions, solve, solve_moments
from avatarrig.body.sums.evidence_sum import EvidenceSum
from avatarrig.body.sums.moments import Trace, cells_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estimator.people import Body

    from avatarrig.body.evidence.learned import Learned
    from avatarrig.wire import Evidence

_CONFIDENT = 0.35
"""Least visibility of a bone's ends with which the prototype measured it."""

_MEAN_OF_1_0 = (-0.1593, -0.3304, 0.2379, 0.28, 0.0616, -0.454, 0.3641)
"""Log lengths of version 1.0's average person, in the order of `POOLED_BONES`."""


@dataclass(frozen=True)
class Guess:
    """The 11 ratios of the bench: log of the value and, where a method has them, 90 % bounds."""

    log_ratios: FloatArray
    low: FloatArray | None = None
    high: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Person:
    """A body with what was computed of its photos once.

    Attributes:
        body: The body.
        truth: (11,) log ratios.
        deviation: (11,) standard deviations of the truth itself.
        evidence: Of each photo.
        traces: Of each photo: what the product tells its moment by.
        world_lengths: (n, 11) metres.
        prototype_lengths: (n, 11) in shares of width and height.
        plain_lengths: (n, 11) what is computed before the network, on each photo's own scale.
    """

    body: Body
    truth: FloatArray
    deviation: FloatArray
    evidence: tuple[Evidence | None, ...]
    traces: tuple[Trace, ...]
    world_lengths: FloatArray
    prototype_lengths: FloatArray
    plain_lengths: FloatArray


def meet(body: Body, learned: Learned) -> Person:
    """Computes what the methods need of every photo of a body."""
    views = look_at(body.photos.pose, body.photos.world, body.photos.size)
    ends = look_at(body.photos.pose, body.photos.world, np.ones_like(body.photos.size))
    bones = slice(0, len(BONE_VECTORS))
    seen = (views.visibility[:, bones] >= _CONFIDENT) & (views.inside[:, bones] > 0)
    scale = np.exp(ends.frame[:, :1])
    shares = np.linalg.norm(ends.flat[:, bones], axis=2) * scale
    return Person(
        body=body,
        truth=bench_ratios(np.log(body.lengths)),
        deviation=_deviations(body),
        evidence=tuple(
            evidence_from_landmarks(pose, world, int(width), int(height), learned=learned)
            for pose, world, (width, height) in zip(
                body.photos.pose, body.photos.world, body.photos.size, strict=True
            )
        ),
        traces=tuple(
            Trace(pose_likeness(world), (), None if np.isnan(taken) else int(taken))
            for world, taken in zip(body.photos.world, body.photos.taken, strict=True)
        ),
        world_lengths=np.linalg.norm(views.world[:, bones], axis=2),
        prototype_lengths=np.where(seen, shares, np.nan),
        plain_lengths=np.exp(observed(views) - learned.network.offset),
    )


def _deviations(body: Body) -> FloatArray:
    gradients = [log_ratio(np.log(body.lengths), *ratio)[1] for ratio in BENCH_RATIOS.values()]
    return np.array([np.linalg.norm(gradient * body.deviations) for gradient in gradients])


def bench_ratios(log_lengths: FloatArray) -> FloatArray:
    """The 11 log ratios of 7 log lengths."""
    return np.array([log_ratio(log_lengths, *ratio)[0] for ratio in BENCH_RATIOS.values()])


def cells(person: Person, photos: Sequence[int]) -> list[Cell]:
    """The evidence of some photos, by moment as the product tells moments."""
    return cells_of(
        (evidence, person.traces[photo])
        for photo in photos
        if (evidence := person.evidence[photo]) is not None
    )


def day(person: Person, photos: Sequence[int], number: int) -> Cell:
    """Some photos as those of one day, the number of which no other day has."""
    parts = cells(person, photos)
    total = EvidenceSum.total(part.total for part in parts)
    return Cell(total, number, number, moments_of(parts))


def guess_from(cells: Sequence[Cell], learned: Learned) -> Guess:
    """The product's estimate."""
    return _guess(solve_moments(cells, learned))


def trusting(cells: Sequence[Cell], learned: Learned) -> Guess:
    """The estimate that trusts every photo alike, as if each erred by itself."""
    return _guess(solve(EvidenceSum.total(cell.total for cell in cells), learned))


def _guess(person: Proportions) -> Guess:
    intervals = [person.ratio(*ratio) for ratio in BENCH_RATIOS.values()]
    return Guess(
        np.log([interval.middle for interval in intervals]),
        np.log([interval.low for interval in intervals]),
        np.log([interval.high for interval in intervals]),
    )


def population_mean(learned: Learned) -> Guess:
    """Says the same of everybody."""
    return Guess(bench_ratios(HELMERT.T @ learned.population.mean))


def mean_of_1_0() -> Guess:
    """Says what version 1.0 took for the average person."""
    return Guess(bench_ratios(np.array(_MEAN_OF_1_0)))


def geometry_alone(person: Person, photos: Sequence[int]) -> Guess:
    """Median over photos of the lengths before the network, constant offsets subtracted."""
    return _guess_of(np.median(person.plain_lengths[list(photos)], axis=0))


def world_median(person: Person, photos: Sequence[int]) -> Guess:
    """Median over photos of the world landmarks' bone lengths."""
    return _guess_of(np.median(person.world_lengths[list(photos)], axis=0))


def prototype(person: Person, photos: Sequence[int]) -> Guess:
    """The prototype: lengths in shares of width and height, by shoulder width; median."""
    lengths = person.prototype_lengths[list(photos)]
    shoulder = lengths[:, [vector[0] for vector in BONE_VECTORS].index("shoulder")]
    ratios = lengths / np.maximum(shoulder, 1e-3)[:, None]
    columns = [column[np.isfinite(column)] for column in ratios.T]
    return _guess_of(np.array([np.median(c) if c.size else np.nan for c in columns]))


def _guess_of(vectors: FloatArray) -> Guess:
    """Averages left and right, on the logarithm, where both were seen."""
    logs = np.log(np.maximum(vectors, 1e-3))
    known = np.isfinite(logs)
    pooled = np.array(
        [
            logs[known & (POOLING[:, bone] > 0)].mean()
            if (known & (POOLING[:, bone] > 0)).any()
            else 0.0
            for bone in range(len(POOLED_BONES))
        ]
    )
    return Guess(bench_ratios(pooled))
