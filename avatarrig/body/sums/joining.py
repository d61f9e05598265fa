"""Which sums of photos are of one moment, and which moments of one session.

Everything follows from the set of what is kept, so no order of photos can change it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from avatarrig.body.likeness import LOOK_LENGTH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avatarrig.body.bones import FloatArray

SECONDS: Final = 8
"""Photos that were taken within the same so many seconds, by their clocks, have the same key."""

LONGEST_MOMENT: Final = 2 * SECONDS
"""Seconds that the frames of one moment may span; a longer film is several."""

_SESSION_GAP: Final = 2 * 3600
_LONGEST_SESSION: Final = 24 * 3600
TYPICAL_SESSION: Final = 3
"""Moments that a session is taken to have where no photo says when it was taken: as many as in
dumps that do say."""

_LOOK_WEIGHT: Final = 3.0
_NEAR: Final = 10.0
"""Mean square by which pose and look of photos of one moment may differ: of rendered photos as
people have them, looked at without any time, over 90 % of the pairs of copies and under 2 % of
all others are joined."""

_NEAR_POSE: Final = 1.0
"""The same for the pose alone."""

_NEAR_THOUGH_LATER: Final = 4.0
"""As `_NEAR`, for photos whose clocks say that they were not taken in one moment."""


@dataclass(frozen=True, eq=False)
class Kept:
    """What is known of photos that are summed together.

    Attributes:
        taken_at: Their mean time, Unix seconds; None where they do not say.
        pose: (8,) mean of their `pose_likeness`.
        look: (16,) mean of their `look_likeness`; None where it is not known of all.
        photos: How many they are.
    """

    taken_at: int | None
    pose: FloatArray
    look: FloatArray | None
    photos: int


def group(kept: Sequence[Kept]) -> list[tuple[int, int]]:
    """Puts sums together to moments, and these to sessions.

    Photos of one moment were taken within seconds of each other. A photo that does not say when
    belongs to the moment that it looks most like, if it looks like any; else it is a moment of
    the session that it looks most like. Where no photo says when, nothing tells sessions apart:
    there are as many as is usual.

    Args:
        kept: The sums, in any order.

    Returns:
        Number of the moment and of the session for each; numbers differ where these do.
    """
    if not kept:
        return []
    order = sorted(range(len(kept)), key=lambda place: _rank(kept[place]))
    ones = [kept[place] for place in order]
    apart = _apart(ones)
    moments = _look_alikes(ones, _bursts(ones), apart)
    sessions = _sessions(ones, moments, apart)
    labels = dict(zip(order, zip(moments, sessions, strict=True), strict=True))
    return [labels[place] for place in range(len(kept))]


def _rank(one: Kept) -> tuple[float, int, list[float], list[float]]:
    """Those with a time come first, in its order; of the others, those of most photos."""
    time = math.inf if one.taken_at is None else one.taken_at
    look = [] if one.look is None else one.look.tolist()
    return time, -one.photos, one.pose.tolist(), look


def _bursts(ones: Sequence[Kept]) -> list[int]:
    """Place of the first one of each one's moment, by time alone."""
    first = list(range(len(ones)))
    for place in range(1, len(ones)):
        earlier, now = ones[place - 1].taken_at, ones[place].taken_at
        begun = ones[first[place - 1]].taken_at
        if earlier is None or now is None or begun is None:
            break
        if now - earlier <= SECONDS and now - begun <= LONGEST_MOMENT:
            first[place] = first[place - 1]
    return first


def _look_alikes(ones: Sequence[Kept], first: list[int], apart: FloatArray) -> list[int]:
    """Joins what looks alike to the moments by time.

    One without a time joins the nearest that has one, or that stands for a moment without: so
    films do not become one moment by small steps.
    """
    moments = first.copy()
    for place, one in enumerate(ones):
        stands = [ones[at].taken_at is not None or moments[at] == at for at in range(place)]
        distance = np.where(stands, apart[place, :place], np.inf)
        if not place or distance.min() >= 1:
            continue
        own, nearest = moments[place], moments[int(distance.argmin())]
        if one.taken_at is None:
            moments[place] = nearest
        else:
            moments = [nearest if other == own else other for other in moments]
    return moments


def _apart(ones: Sequence[Kept]) -> FloatArray:
    """How far apart all look (n, n); below 1 for what may be of one moment."""
    pose = np.array([one.pose for one in ones])
    seen = np.array([one.look is not None for one in ones])
    unseen = np.zeros(LOOK_LENGTH)
    look = np.array([unseen if one.look is None else one.look for one in ones])
    timed = np.array([one.taken_at is not None for one in ones])
    poses, both = _squares(pose), np.outer(seen, seen)
    together = poses + _LOOK_WEIGHT * _squares(look)
    limits = np.where(np.outer(timed, timed), _NEAR_THOUGH_LATER, _NEAR)
    alone = np.where(np.outer(timed, timed), np.inf, poses / _NEAR_POSE)
    return np.nan_to_num(np.where(both, together / limits, alone), nan=np.inf, posinf=np.inf)


def _squares(values: FloatArray) -> FloatArray:
    """Mean squared differences (n, n) of rows (n, d)."""
    return np.asarray(((values[:, None] - values[None]) ** 2).mean(axis=2))


def _sessions(ones: Sequence[Kept], moments: Sequence[int], apart: FloatArray) -> list[int]:
    """Number of each one's session: by time, or that of the nearest one with a time."""
    begun: dict[int, int] = {}
    for one, moment in zip(ones, moments, strict=True):
        if one.taken_at is not None:
            begun.setdefault(moment, one.taken_at)
    session_of: dict[int, int] = {}
    number, first, last = 0, -math.inf, -math.inf
    for moment, taken_at in sorted(begun.items(), key=lambda item: item[1]):
        if taken_at - last > _SESSION_GAP or taken_at - first > _LONGEST_SESSION:
            number, first = number + 1, taken_at
        last = taken_at
        session_of[moment] = number
    if not session_of:
        alike = sorted(set(moments), key=lambda place: ones[place].pose.tolist())
        numbers = {moment: rank // TYPICAL_SESSION for rank, moment in enumerate(alike)}
        return [numbers[moment] for moment in moments]
    timed = [place for place, one in enumerate(ones) if one.taken_at is not None]
    nearest = {place: timed[int(apart[place, timed].argmin())] for place in range(len(ones))}
    return [
        session_of[moment if moment in session_of else moments[nearest[moment]]]
        for moment in moments
    ]
