"""Error, coverage and width by number of photos and of moments, in the orders photos come in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from bench.body import accuracy_methods as methods

from avatarrig.body.bones import BENCH_RATIOS, FloatArray

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from estimator.people import Body

    from avatarrig.body.evidence.learned import Learned

    Picks = Callable[[methods.Person, int], Iterator[list[int]]]
    """Photos to estimate from, one list for each draw, given how many are asked for."""

Row = dict[str, float]
PHOTO_COUNTS = (1, 3, 5, 10, 20, 30, 60, 100, 300)
MOMENT_COUNTS = (1, 3, 10, 30)
DRAWS = 8
_TIMES = 5
REAL_DRAWS = 50
"""A real person's photos are few and alike, so what is drawn matters more."""
_SEED = 5
_REACH = 1.6449
_OTHER_DEFINITION = ("farm/uarm", "shank/thigh", "arm/leg")
"""Ratios that do not depend on how trunk, shoulders and hips are defined."""


@dataclass(frozen=True)
class Score:
    """Of one estimate: (11,) relative errors, whether intervals contain the truth, their widths.

    Ratios that the truth defines otherwise are nan. Widths are relative, from end to end.
    """

    errors: FloatArray
    inside: FloatArray
    widths: FloatArray
    means: FloatArray


def score(person: methods.Person, photos: Sequence[int], learned: Learned) -> Score:
    """Compares the product's estimate from some photos with the truth."""
    guess = methods.guess_from(methods.cells(person, photos), learned)
    counted = counted_ratios(person.body)
    low, high = widened(guess, person)
    return Score(
        np.where(counted, error_of(guess, person), np.nan),
        np.where(counted, (low <= person.truth) & (person.truth <= high), np.nan),
        np.where(counted, _width(guess), np.nan),
        np.where(counted, error_of(methods.population_mean(learned), person), np.nan),
    )


def error_of(guess: methods.Guess, person: methods.Person) -> FloatArray:
    """Relative errors (11,)."""
    return np.asarray(np.abs(np.expm1(guess.log_ratios - person.truth)))


def counted_ratios(body: Body) -> FloatArray:
    """Which of the ratios (11,) the body's truth defines as the product does."""
    other = body.spread == "real_opensim"
    return np.array([not other or name in _OTHER_DEFINITION for name in BENCH_RATIOS])


def _ends(guess: methods.Guess) -> tuple[FloatArray, FloatArray]:
    assert guess.low is not None
    assert guess.high is not None
    return guess.low, guess.high


def _width(guess: methods.Guess) -> FloatArray:
    low, high = _ends(guess)
    return high - low


def widened(guess: methods.Guess, person: methods.Person) -> tuple[FloatArray, FloatArray]:
    """Ends of the 90 % intervals, with the truth's own error added."""
    ends = _ends(guess)
    low, high = guess.log_ratios - ends[0], ends[1] - guess.log_ratios
    own = _REACH * person.deviation
    return guess.log_ratios - np.hypot(low, own), guess.log_ratios + np.hypot(high, own)


def tables(measured: Sequence[tuple[methods.Person, Learned]]) -> dict[str, dict[str, Row]]:
    """By order, then by number of photos (or moments) as far as half the bodies have them."""
    orders = {
        "random photos": (PHOTO_COUNTS, _random),
        "in the dump's order": (PHOTO_COUNTS, _in_order(_as_listed)),
        "in messenger order": (PHOTO_COUNTS, _in_order(_as_messengers_send)),
        "four in five are copies": (PHOTO_COUNTS[2:], _mostly_copies),
        "by moments": (MOMENT_COUNTS, _moments),
    }
    return {
        name: {
            str(count): row_of([
                score(person, photos, learned)
                for person, learned in measured
                for photos in picks(person, count)
            ])
            for count in counts
            if _enough(measured, count, moments=picks is _moments)
        }
        for name, (counts, picks) in orders.items()
    }  # fmt: skip


def row_of(scores: Sequence[Score]) -> Row:
    """Means over scores, in %."""
    return {
        "error": 100 * float(np.nanmean([each.errors for each in scores])),
        "population_mean": 100 * float(np.nanmean([each.means for each in scores])),
        "coverage": 100 * float(np.nanmean([each.inside for each in scores])),
        "width": 100 * float(np.nanmean([each.widths for each in scores])),
    }


def _enough(
    measured: Sequence[tuple[methods.Person, Learned]], count: int, *, moments: bool
) -> bool:
    """Somebody missed by the detector in a tenth of the photos does not shorten the table."""
    have = [
        len(set(person.body.photos.moment.tolist())) if moments else 1.2 * len(person.evidence)
        for person, _ in measured
    ]
    return float(np.median(have)) >= count


def _draws(person: methods.Person) -> int:
    return REAL_DRAWS if person.body.spread.startswith("real") else DRAWS


def _random(person: methods.Person, count: int) -> Iterator[list[int]]:
    most = len(person.evidence)
    generator = np.random.default_rng(_SEED)
    for _ in range(1 if count >= most else _draws(person)):
        yield generator.choice(most, min(count, most), replace=False).tolist()


def _mostly_copies(person: methods.Person, count: int) -> Iterator[list[int]]:
    """Each photo five times, with the time and the look that it has."""
    for photos in _random(person, count // _TIMES):
        yield photos * _TIMES


def _moments(person: methods.Person, count: int) -> Iterator[list[int]]:
    """All photos of some moments."""
    moments = np.unique(person.body.photos.moment)
    generator = np.random.default_rng(_SEED)
    for _ in range(1 if count >= len(moments) else _draws(person)):
        chosen = generator.choice(moments, min(count, len(moments)), replace=False)
        yield np.nonzero(np.isin(person.body.photos.moment, chosen))[0].tolist()


def _in_order(order: Callable[[Body], list[int]]) -> Picks:
    def first(person: methods.Person, count: int) -> Iterator[list[int]]:
        yield order(person.body)[:count]

    return first


def _as_listed(body: Body) -> list[int]:
    return list(range(len(body.photos.pose)))


def _as_messengers_send(body: Body) -> list[int]:
    """Copies before originals, sessions interleaved."""
    waiting: dict[int, list[int]] = {}
    for photo in sorted(
        range(len(body.photos.pose)), key=lambda photo: (not body.photos.copy[photo], photo)
    ):
        waiting.setdefault(int(body.photos.session[photo]), []).append(photo)
    turns = [(turn, photo) for queue in waiting.values() for turn, photo in enumerate(queue)]
    return [photo for _, photo in sorted(turns, key=lambda each: each[0])]
