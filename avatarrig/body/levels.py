"""Photos within moments within sessions: how much they say together.

Photos of a moment repeat a share r of each other's own errors, so n of them say what
n / (1 + (n - 1) r) independent ones do. Beside that they share an error with covariance M, and
moments of a session one with covariance S: sums Λ, η that share an error of covariance C say

    Λ' = Λ (I + C Λ)⁻¹        η' = (I + Λ C)⁻¹ η

which is all that they say where Λ is small, and C⁻¹ however large it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from avatarrig.body.evidence.evidence import COORDINATES, matrix_of, vector_of
from avatarrig.body.sums.evidence_sum import EvidenceSum

IDENTITY: Final = np.eye(COORDINATES)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from avatarrig.body.bones import FloatArray
    from avatarrig.body.evidence.learned import Population


@dataclass(frozen=True)
class Cell:
    """Photos that are summed together.

    Attributes:
        moment: Number of the moment that they were taken in; all cells with it are added up.
        session: Number of the session that the moment is part of.
        moments: How many moments the cell holds, where these are not told apart.
        sessions: How many sessions, likewise.
    """

    total: EvidenceSum
    moment: int
    session: int
    moments: float = 1.0
    sessions: float = 1.0


@dataclass(frozen=True)
class Moments:
    """The moments of one person's photos.

    Attributes:
        photos: (m,) photos of each.
        information: (m, 6, 6) what its photos say together.
        vector: (m, 6) of the same.
        session: (m,) which session each is part of, counted from 0.
        shared: (s, 6, 6) covariance of the error that the moments of each session share.
    """

    photos: FloatArray
    information: FloatArray
    vector: FloatArray
    session: NDArray[np.intp]
    shared: FloatArray

    @classmethod
    def of(cls, cells: Sequence[Cell], population: Population) -> Moments:
        """Adds up photos by moment.

        Args:
            cells: The photos, in any order.
            population: Tells which errors moments and sessions share.
        """
        names = sorted({cell.moment for cell in cells})
        places = {name: place for place, name in enumerate(names)}
        count = len(names)
        information = np.zeros((count, COORDINATES, COORDINATES))
        vector, photos = np.zeros((count, COORDINATES)), np.zeros(count)
        held, several = np.ones(count), np.ones(count)
        sessions = [0] * count
        for cell in cells:
            place = places[cell.moment]
            photos[place] += cell.total.photos
            information[place] += matrix_of(cell.total.information)
            vector[place] += vector_of(cell.total.vector)
            sessions[place] = cell.session
            held[place] = max(held[place], cell.moments)
            several[place] = max(several[place], cell.sessions)
        numbers = {name: number for number, name in enumerate(sorted(set(sessions)))}
        session = np.array([numbers[name] for name in sessions], np.intp)
        first = [sessions.index(name) for name in numbers]
        shared = population.session / several[first, None, None]
        repeated = 1 / (1 + population.alike * np.maximum(photos / held - 1, 0))
        information *= repeated[:, None, None]
        vector *= repeated[:, None]
        error = population.moment / held[:, None, None]
        return cls(photos, *limited(information, vector, error), session, shared)

    def one_by_one(self) -> tuple[FloatArray, FloatArray]:
        """What each moment says by itself: its session's error is in it, too."""
        return limited(self.information, self.vector, self.shared[self.session])

    def together(self, weight: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
        """What all say together: information matrix (6, 6) and vector (6,).

        Args:
            weight: (m,) how far each moment is trusted, 0 to 1; all wholly where it is None.
        """
        weight = np.ones(len(self.photos)) if weight is None else weight
        sessions = len(self.shared)
        information = np.zeros((sessions, COORDINATES, COORDINATES))
        vector = np.zeros((sessions, COORDINATES))
        weighed = weight[:, None, None] * self.information, weight[:, None] * self.vector
        if sessions == len(self.photos):  # a moment each
            information[self.session], vector[self.session] = weighed
        else:
            np.add.at(information, self.session, weighed[0])
            np.add.at(vector, self.session, weighed[1])
        information, vector = limited(information, vector, self.shared)
        return information.sum(axis=0), vector.sum(axis=0)


def moments_of(cells: Iterable[Cell], key: str | None = None) -> float:
    """Returns how many moments photos are of.

    Args:
        key: A key of `avatarrig.body.ratios.RATIO_KEYS`: only photos that show this bone.
    """
    moments: dict[int, float] = {}
    for cell in cells:
        photos = cell.total.photos if key is None else cell.total.showing(key)
        if photos:
            moments[cell.moment] = max(moments.get(cell.moment, 0.0), min(cell.moments, photos))
    return sum(moments.values())


def limited(
    information: FloatArray, vector: FloatArray, error: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Returns what sums say once an error that all in them share is reckoned with.

    Args:
        information: (n, 6, 6).
        vector: (n, 6).
        error: (6, 6) or (n, 6, 6) covariance of the error.
    """
    factor = IDENTITY + information @ error
    both = np.linalg.solve(factor, np.concatenate([information, vector[..., None]], axis=2))
    limit = both[..., :COORDINATES]
    return (limit + np.swapaxes(limit, -1, -2)) / 2, both[..., COORDINATES]
