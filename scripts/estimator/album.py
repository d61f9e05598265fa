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
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Album:
    """All usable photos of some people.

    Attributes:
        sides: The p photos as they are, and mirrored.
        owner: (p,) whose photo it is.
        moment: (p,) a number that photos of one moment of one person share.
        session: (p,) the same for sessions.
        truth: (bodies, 6) Helmert coordinates.
        spread: (bodies,) ``natural``, ``broad`` or ``wide``.
        source: (bodies,) which kind of pictures: the folder that the body's set lies in.
    """

    sides: tuple[Views, Views]
    owner: NDArray[np.int64]
    moment: NDArray[np.int64]
    session: NDArray[np.int64]
    truth: FloatArray
    spread: NDArray[np.str_]
    source: NDArray[np.str_]


def album_of(bodies: Sequence[Body]) -> Album:
    """Looks at every photo."""
    plain, turned, owner, moment, session = [], [], [], [], []
    for place, body in enumerate(bodies):
        views = look_at(body.photos.pose, body.photos.world, body.photos.size)
        other = look_at(*mirrored(body.photos.pose, body.photos.world), body.photos.size)
        usable = views.usable & other.usable
        plain.append(_chosen(views, usable))
        turned.append(_chosen(other, usable))
        owner.append(np.full(int(usable.sum()), place))
        moment.append(body.photos.moment[usable])
        session.append(body.photos.session[usable])
    return Album(
        sides=(_joined(plain), _joined(turned)),
        owner=np.concatenate(owner),
        moment=np.concatenate(moment),
        session=np.concatenate(session),
        truth=np.array([HELMERT @ np.log(body.lengths) for body in bodies]),
        spread=np.array([body.spread for body in bodies]),
        source=np.array([body.source for body in bodies]),
    )


def _chosen(views: Views, rows: NDArray[np.bool_]) -> Views:
    return Views(**{f.name: getattr(views, f.name)[rows] for f in dataclasses.fields(Views)})


def _joined(parts: Sequence[Views]) -> Views:
    return Views(
        **{
            f.name: np.concatenate([getattr(part, f.name) for part in parts])
            for f in dataclasses.fields(Views)
        }
    )
