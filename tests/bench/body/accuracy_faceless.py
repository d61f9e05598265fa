"""What photos without a face add: the most that comparing clothes could gain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from bench.body.accuracy_methods import cells, guess_from
from bench.body.accuracy_orders import Row, error_of

from avatarrig.body.landmarks import LEFT_EAR, NOSE, RIGHT_EAR
from avatarrig.body.recognition import TINY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.body.accuracy_methods import Person
    from estimator.people import Body
    from numpy.typing import NDArray

    from avatarrig.body.bones import FloatArray
    from avatarrig.body.evidence.learned import Learned

TURNED = 75.0
"""Degrees from the camera beyond which a head shows no face that can be compared."""

SIZES = {"photos as they are": 1.0, "photos four times as large": 4.0}
"""Rendered pictures are 960 pixels wide, those of phones about 4,000."""

_HEAD = slice(0, 11)


def faceless(measured: Sequence[tuple[Person, Learned]], counted: FloatArray) -> dict[str, Row]:
    """Compares estimates of photos that show the face with those that clothes would add to.

    Clothes are taken to be told without a fault: of each session in which the face is seen once,
    all photos count. Somebody whose face is never seen has no estimate either way.

    Args:
        counted: (11,) which ratios count.
    """
    return {name: _gain(measured, counted, size) for name, size in SIZES.items()}


def _gain(measured: Sequence[tuple[Person, Learned]], counted: FloatArray, size: float) -> Row:
    shares: list[float] = []
    more: list[float] = []
    by_face: list[float] = []
    by_clothes: list[float] = []
    by_all: list[float] = []
    for person, learned in measured:
        faced = shows_face(person.body, size)
        if not faced.any():
            continue
        session = person.body.photos.session
        told = np.isin(session, session[faced])
        shares.append(float(faced.mean()))
        more.append(float((told & ~faced).mean()))
        for errors, photos in (
            (by_face, faced),
            (by_clothes, told),
            (by_all, np.ones_like(faced)),
        ):
            guess = guess_from(cells(person, np.nonzero(photos)[0].tolist()), learned)
            errors.append(100 * float(error_of(guess, person)[counted].mean()))
    gain = np.subtract(by_face, by_clothes)
    return {
        "people": float(len(gain)),
        "photos with a face, %": 100 * float(np.mean(shares)),
        "photos by clothes, %": 100 * float(np.mean(more)),
        "error by face": float(np.mean(by_face)),
        "error by face and clothes": float(np.mean(by_clothes)),
        "error of all photos": float(np.mean(by_all)),
        "gain": float(np.mean(gain)),
        "its standard error": float(np.std(gain, ddof=1) / np.sqrt(len(gain))),
    }


def shows_face(body: Body, size: float) -> NDArray[np.bool_]:
    """Of each photo, whether the head is turned to the camera, and large enough to be compared.

    Args:
        size: How many times as large the photos are taken to be.
    """
    photos = body.photos
    ears = (photos.world[:, LEFT_EAR] + photos.world[:, RIGHT_EAR]) / 2
    ahead = photos.world[:, NOSE] - ears
    turned = np.degrees(np.arctan2(np.abs(ahead[:, 0]), -ahead[:, 2]))
    places = photos.pose[:, _HEAD, :2] * (size * photos.size[:, None])
    return np.asarray((turned <= TURNED) & (np.ptp(places, axis=1).max(axis=1) >= TINY))
