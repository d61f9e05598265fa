"""All photos of the people to learn from, by vector: as they are, and mirrored."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from avatarrig.body.bones import HELMERT, FloatArray
from avatarrig.body.evidence.geometry import Views, look_at, mirrored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estimator.people import Body


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


def _chosen(views: Views, rows: np.ndarray) -> Views:
    return Views(**{f.name: getattr(views, f.name)[rows] for f in dataclasses.fields(Views)})


def _joined(parts: Sequence[Views]) -> Views:
    return Views(
        **{
            f.name: np.concatenate([getattr(part, f.name) for part in parts])
            for f in dataclasses.fields(Views)
        }
    )
