"""Whose estimates are how far off: by sex, build, clothes, and from where people are seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from bench.body.accuracy_orders import Row, Score, row_of, score

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.body.accuracy_methods import Person

    from avatarrig.body.evidence.learned import Learned

PHOTOS, FEWEST = 10, 3
"""Of one kind, a person's estimate is made from; people with fewer of a kind do not tell of it."""


def groups(measured: Sequence[tuple[Person, Learned]]) -> dict[str, Row]:
    """Error and coverage of each group that somebody belongs to, and how many people that are.

    Groups of people are estimated from all their photos, kinds of photos from at most `PHOTOS` of
    that kind alone.
    """
    scores: dict[str, list[Score]] = {}
    for person, learned in measured:
        for group, photos in _photos_of(person):
            scores.setdefault(group, []).append(score(person, photos, learned))
    return {
        group: row_of(its) | {"people": float(len(its))} for group, its in sorted(scores.items())
    }


def _photos_of(person: Person) -> Iterator[tuple[str, list[int]]]:
    body = person.body
    for group in (body.group, body.build):
        if group:
            yield group, list(range(len(body.photos.pose)))
    for prefix, kinds in (("seen from the ", body.photos.view), ("legs in ", body.photos.clothes)):
        for kind in np.unique(kinds[kinds != ""]):
            photos = np.nonzero(kinds == kind)[0][:PHOTOS].tolist()
            if len(photos) >= FEWEST:
                yield f"{prefix}{kind}", photos
