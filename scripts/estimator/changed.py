"""Photos of people who are changed a little: so that training does not learn people by heart.

Landmarks follow a person's true proportions only in part (a fifth to a third of a deviation) and
mix bones up (a longer upper arm also lengthens the forearm). How they follow is fitted over
all training bodies, vector by vector; a copy of a body is then given other proportions, and the
vectors of its photos move as they would have. Everything else about the photos stays.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from avatarrig.skeleton.bones import HELMERT, FloatArray
from avatarrig.skeleton.geometry import VECTOR_ENDS, Views, lengths, look_at, mirrored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estimator.people import Body

_LEAST_COSINE = 0.3
_LEAST_LENGTH = 1e-3
_FURTHEST = 0.6
"""Log lengths further than this from the median are misplaced landmarks, and are cut there."""

_RIDGE = 3e-4
"""Share of the mean variance of people that keeps the fit from following noise."""


@dataclass(frozen=True)
class Album:
    """All usable photos of some people.

    Attributes:
        sides: The photos as they are, and mirrored.
        owner: (p,) whose photo it is.
        truth: (bodies, 6) Helmert coordinates.
        spread: (bodies,) ``natural``, ``broad`` or ``wide``.
    """

    sides: tuple[Views, Views]
    owner: np.ndarray
    truth: FloatArray
    spread: np.ndarray


def album_of(bodies: Sequence[Body]) -> Album:
    """Looks at every photo."""
    plain, turned, owner = [], [], []
    for place, body in enumerate(bodies):
        views = look_at(body.pose, body.world, body.size)
        other = look_at(*mirrored(body.pose, body.world), body.size)
        usable = views.usable & other.usable
        plain.append(_chosen(views, usable))
        turned.append(_chosen(other, usable))
        owner.append(np.full(int(usable.sum()), place))
    return Album(
        sides=(_joined(plain), _joined(turned)),
        owner=np.concatenate(owner),
        truth=np.array([HELMERT @ np.log(body.lengths) for body in bodies]),
        spread=np.array([body.spread for body in bodies]),
    )


def part_of(album: Album, bodies: Sequence[int]) -> Album:
    """Keeps some of the people, in the given order."""
    places = [np.nonzero(album.owner == body)[0] for body in bodies]
    rows = np.concatenate(places)
    return Album(
        sides=(_chosen(album.sides[0], rows), _chosen(album.sides[1], rows)),
        owner=np.repeat(np.arange(len(bodies)), [len(place) for place in places]),
        truth=album.truth[list(bodies)],
        spread=album.spread[list(bodies)],
    )


def with_changed(album: Album, copies: int, most: float, seed: int) -> Album:
    """Adds copies of everybody with other proportions.

    A copy keeps a part of the person's deviation from the mean of its spread and gets a random
    one for the rest, so that copies are as unusual as those they were made from.

    Args:
        album: Whom to copy.
        copies: How many of each.
        most: Largest share, as a standard deviation, of the random part; 0 to 1.
        seed: Of the random parts.
    """
    flat, world = _responses(album)
    albums = [album]
    for number in range(copies):
        change = _changes(album, most, np.random.default_rng([seed, number]))
        logs = change[album.owner]
        sides = tuple(_moved(side, logs @ flat.T, logs @ world.T) for side in album.sides)
        owner = album.owner + (number + 1) * len(album.truth)
        albums.append(Album((sides[0], sides[1]), owner, album.truth + change, album.spread))
    return Album(
        sides=(_joined([a.sides[0] for a in albums]), _joined([a.sides[1] for a in albums])),
        owner=np.concatenate([a.owner for a in albums]),
        truth=np.concatenate([a.truth for a in albums]),
        spread=np.concatenate([a.spread for a in albums]),
    )


def _changes(album: Album, most: float, generator: np.random.Generator) -> FloatArray:
    change = np.zeros_like(album.truth)
    for spread in sorted(set(album.spread)):
        places = np.nonzero(album.spread == spread)[0]
        apart = album.truth[places] - album.truth[places].mean(axis=0)
        covariance = np.cov(apart.T)
        factor = np.linalg.cholesky(0.9 * covariance + 0.1 * np.diag(np.diag(covariance)))
        share = most * np.sqrt(generator.random((len(places), 1)))
        fresh = generator.normal(size=apart.shape) @ factor.T
        change[places] = (np.sqrt(1 - share**2) - 1) * apart + share * fresh
    return change


def _responses(album: Album) -> tuple[FloatArray, FloatArray]:
    """How log lengths of the vectors (24) follow Helmert coordinates (6), in pictures and in space.

    Fitted over both sides, so that left and right respond alike.
    """
    apart = np.tile(album.truth[album.owner], (2, 1))
    cosine = np.concatenate([np.maximum(side.cosine, _LEAST_COSINE) for side in album.sides])
    flat = np.concatenate([np.maximum(side.flat_length, _LEAST_LENGTH) for side in album.sides])
    space = np.concatenate([np.maximum(side.world_length, _LEAST_LENGTH) for side in album.sides])
    weight = np.concatenate([side.visibility**2 * (0.05 + side.inside) for side in album.sides])
    columns = range(len(VECTOR_ENDS))
    return (
        np.array(
            [
                _slopes(np.log(flat[:, v] / cosine[:, v]), apart, weight[:, v] * cosine[:, v] ** 2)
                for v in columns
            ]
        ),
        np.array([_slopes(np.log(space[:, v]), apart, weight[:, v]) for v in columns]),
    )


def _slopes(logs: FloatArray, apart: FloatArray, weight: FloatArray) -> FloatArray:
    middle = np.median(logs)
    logs = np.clip(logs, middle - _FURTHEST, middle + _FURTHEST)
    apart = apart - weight @ apart / weight.sum()
    weighted = apart * weight[:, None]
    square = weighted.T @ apart
    square += np.eye(len(square)) * _RIDGE * np.trace(square) / len(square)
    return np.asarray(np.linalg.solve(square, weighted.T @ (logs - weight @ logs / weight.sum())))


def _moved(views: Views, flat: FloatArray, world: FloatArray) -> Views:
    """Views whose vectors are longer by log factors (p, 24)."""
    vectors = views.flat * np.exp(flat)[..., None]
    space = views.world * np.exp(world)[..., None]
    world_length = lengths(space)
    return dataclasses.replace(
        views,
        flat=vectors,
        world=space,
        flat_length=lengths(vectors),
        world_length=world_length,
        cosine=lengths(space[..., :2]) / world_length,
    )


def _chosen(views: Views, rows: np.ndarray) -> Views:
    return Views(**{f.name: getattr(views, f.name)[rows] for f in dataclasses.fields(Views)})


def _joined(parts: Sequence[Views]) -> Views:
    return Views(
        **{
            f.name: np.concatenate([getattr(part, f.name) for part in parts])
            for f in dataclasses.fields(Views)
        }
    )
