"""Whether intervals contain the truth with hundreds and thousands of photos.

    python tests/bench/many_photos.py --data DIR [--people N] [--json FILE]

Nobody has thousands of photos of a person whose skeleton is known. So people, sessions, moments and
photos are drawn from the errors that were learned for each: the information of every photo is that
of a real one of DIR (a set of people, see accuracy.py), and what it says is what a drawn person's
photo would, quantised as evidence is. They go through the product's table of moments, which tells
90 moments apart and sums the others. So this shows what that table, its sessions and the solver do
to the intervals of very many photos; whether the errors are those of real photos it cannot show.

A session holds 1 to 12 moments, minutes apart, a moment 1 to 5 photos; one photo in ten does not
say when it was taken.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))  # the sets' reader lives there

from bench.body import accuracy_methods as methods
from estimator.people import find_sets, read_set

from avatarrig.body.bones import HELMERT, FloatArray
from avatarrig.body.evidence.evidence import FIXED_POINT, matrix_of
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.sums.evidence_sum import row_of
from avatarrig.body.sums.moments import MomentSums, Trace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from avatarrig.body.evidence.learned import Learned, Population
    from avatarrig.body.levels import Cell
    from avatarrig.wire import Evidence

COUNTS: Final = (10, 30, 100, 300, 1000, 3000)
_KINDS: Final = ("ordinary", "unusual")
_FIRST: Final = 1_600_000_000
_DAY: Final = 86_400
_SEED: Final = 11


@dataclass(frozen=True)
class Photo:
    """A drawn photo: its evidence, when it was taken, what it looks like."""

    evidence: Evidence
    trace: Trace


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--people", type=int, default=24, help="of each kind")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    learned = load_learned("full")
    seen = [
        Photo(evidence, trace)
        for folder in find_sets(arguments.data)
        for body in read_set(folder)
        for person in [methods.meet(body, learned)]
        for evidence, trace in zip(person.evidence, person.traces, strict=True)
        if evidence is not None
    ]
    result = {
        kind: rows(learned, seen, component=place * -1, people=arguments.people)
        for place, kind in enumerate(_KINDS)
    }
    _show(result)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


def rows(
    learned: Learned, seen: Sequence[Photo], *, component: int, people: int
) -> dict[str, dict[str, float]]:
    """By number of photos: error and width in %, how often intervals contain the truth in %."""
    found: dict[int, list[tuple[float, float, float]]] = {count: [] for count in COUNTS}
    for number in range(people):
        generator = np.random.default_rng([_SEED, abs(component), number])
        truth, photos = _drawn(learned.population, seen, component, generator)
        sums = MomentSums()
        for taken, photo in enumerate(photos, 1):
            sums.add((row_of(photo.evidence), photo.trace))
            if taken in found:
                days = len(_days(photos[:taken]))
                cells = sums.cells(photo.evidence.learned, days)
                found[taken].append(_scored(cells, learned, truth))
    return {
        str(count): dict(zip(("error", "coverage", "width"), np.mean(scores, axis=0), strict=True))
        for count, scores in found.items()
    }


def _days(photos: Sequence[Photo]) -> set[int]:
    times = (photo.trace.taken_at for photo in photos)
    return {time // _DAY for time in times if time is not None}


def _scored(
    cells: Sequence[Cell], learned: Learned, truth: FloatArray
) -> tuple[float, float, float]:
    guess = methods.guess_from(cells, learned)
    assert guess.low is not None
    assert guess.high is not None
    right = methods.bench_ratios(HELMERT.T @ truth)
    inside = (guess.low <= right) & (right <= guess.high)
    error = np.abs(np.expm1(guess.log_ratios - right))
    width = guess.high - guess.low
    return 100 * float(error.mean()), 100 * float(inside.mean()), 100 * float(width.mean())


def _drawn(
    people: Population, seen: Sequence[Photo], component: int, generator: np.random.Generator
) -> tuple[FloatArray, list[Photo]]:
    """A person (6,) and so many photos of theirs as are asked for at most."""
    normal = generator.multivariate_normal
    zero = np.zeros(len(people.mean))
    truth = normal(people.mean, people.covariances[component])
    said = people.centre + people.response @ (truth - people.mean)
    said = said + normal(zero, people.systematic[component])
    photos: list[Photo] = []
    clock = float(_FIRST)
    while len(photos) < COUNTS[-1]:
        clock += generator.uniform(1, 30) * _DAY
        session = said + normal(zero, people.session)
        for _ in range(int(generator.integers(1, 13))):
            clock += generator.uniform(60, 900)
            moment = session + normal(zero, people.moment)
            photos += _moment(people, seen, moment, clock, generator)
    return truth, photos[: COUNTS[-1]]


def _moment(
    people: Population,
    seen: Sequence[Photo],
    said: FloatArray,
    clock: float,
    generator: np.random.Generator,
) -> Iterator[Photo]:
    """Photos of one moment, which look alike and repeat a share of each other's errors."""
    pattern = seen[int(generator.integers(len(seen)))]
    common = generator.standard_normal(len(said))
    for place in range(int(generator.integers(1, 6))):
        own = generator.standard_normal(len(said))
        error = np.sqrt(people.alike) * common + np.sqrt(1 - people.alike) * own
        taken_at = None if generator.random() < 0.1 else int(clock) + place
        yield Photo(_said(pattern.evidence, said, error), Trace(pattern.trace.pose, (), taken_at))


def _said(pattern: Evidence, said: FloatArray, error: FloatArray) -> Evidence:
    """What a photo with the information of another one says."""
    information = matrix_of(pattern.information)
    values, axes = np.linalg.eigh(information)
    vector = information @ said + axes @ (np.sqrt(np.maximum(values, 0)) * error)
    whole = np.rint(vector * FIXED_POINT).astype(int)
    return msgspec.structs.replace(pattern, vector=tuple(whole.tolist()))


def _show(result: dict[str, Any]) -> None:
    table = Table("photos", *(f"{kind}: error, contained, width" for kind in result))
    for count in map(str, COUNTS):
        table.add_row(
            count,
            *(
                f"{row['error']:.1f} %  {row['coverage']:.0f} %  {row['width']:.0f} %"
                for row in (kind[count] for kind in result.values())
            ),
        )
    Console().print(table)


if __name__ == "__main__":
    main()
