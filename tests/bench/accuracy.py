"""How far off the estimate is, on people whose skeleton is known.

    python tests/bench/accuracy.py --data DIR [--from-pictures] [--cross-validate] [--json FILE]

DIR holds sets of people (``truth.json``, landmarks; see scripts/estimator/people.py). One table
compares the product with the prototype's method, the world landmarks' median and the population
mean; others tell error by number of photos, and what photos of somebody else do.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))  # the sets' reader lives there

import accuracy_methods as methods
from estimator.people import find_sets, read_set

from avatarrig.body.bones import BENCH_RATIOS, FloatArray
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.odd_days import odd_days
from avatarrig.body.person import solve_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from avatarrig.body.evidence.learned import Learned
    from avatarrig.body.sums.grouped_sums import GroupedSums

PHOTO_COUNTS = (1, 3, 5, 10, 20, 30)
DRAWS = 8
WRONG_SHARE = 0.10
DAY, STRANGE_DAY = 3, 15
"""Photos of the person on each day, and of somebody else on one day more."""
_SEED = 5

Result = dict[str, Any]
Measured = list[tuple[methods.Person, "Learned"]]


def main() -> None:
    """Prints the tables."""
    arguments = _arguments()
    bodies = [body for folder in find_sets(arguments.data) for body in read_set(folder)]
    if arguments.from_pictures:
        from accuracy_pictures import look_again  # noqa: PLC0415 - opens MediaPipe

        bodies = look_again(arguments.data)
    if arguments.cross_validate:
        from accuracy_folds import learned_from_others  # noqa: PLC0415 - trains, in minutes

        everybody = [*arguments.data, *arguments.extra]
        measured = learned_from_others(bodies, everybody, arguments.folds)
    else:
        learned = load_learned(arguments.pose_model)
        measured = [(methods.meet(body, learned), learned) for body in bodies]
    result = {
        spread: measure([pair for pair in measured if pair[0].body.spread == spread])
        for spread in sorted({body.spread for body in bodies})
    }
    show(result)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


def measure(measured: Measured) -> Result:
    """Measures everything on the bodies of one spread."""
    truth = np.array([person.truth for person, _ in measured])
    everything = [range(len(person.evidence)) for person, _ in measured]
    ours = [
        methods.guess_from(methods.groups_of(person, photos, learned), learned)
        for (person, learned), photos in zip(measured, everything, strict=True)
    ]
    low, high = np.array([guess.low for guess in ours]), np.array([guess.high for guess in ours])
    tables = {
        "avatarrig": [guess.log_ratios for guess in ours],
        "prototype's method": [
            methods.prototype(person, photos).log_ratios
            for (person, _), photos in zip(measured, everything, strict=True)
        ],
        "world median": [
            methods.world_median(person, photos).log_ratios
            for (person, _), photos in zip(measured, everything, strict=True)
        ],
        "population mean": [methods.population_mean(learned).log_ratios for _, learned in measured],
    }
    return {
        "bodies": len(measured),
        "error": {name: _percent(np.array(guess), truth) for name, guess in tables.items()},
        "coverage": _by_ratio(100 * ((low <= truth) & (truth <= high)).mean(axis=0)),
        "by_photos": {str(count): by_photos(measured, count) for count in PHOTO_COUNTS},
        "wrong_person": wrong_person(measured),
        "strange_day": strange_day(measured),
    }


def by_photos(measured: Measured, count: int) -> dict[str, float]:
    """Mean error and coverage, in %, with random draws of a number of photos."""
    generator = np.random.default_rng(_SEED)
    errors, means, inside = [], [], []
    for person, learned in measured:
        most = len(person.evidence)
        for _ in range(1 if count >= most else DRAWS):
            photos = generator.choice(most, min(count, most), replace=False)
            groups = methods.groups_of(person, photos.tolist(), learned)
            guess = methods.guess_from(groups, learned)
            errors.append(np.abs(np.expm1(guess.log_ratios - person.truth)))
            inside.append((guess.low <= person.truth) & (person.truth <= guess.high))
        middle = methods.population_mean(learned).log_ratios
        means.append(np.abs(np.expm1(middle - person.truth)))
    return {
        "error": 100 * float(np.mean(errors)),
        "coverage": 100 * float(np.mean(inside)),
        "population_mean": 100 * float(np.mean(means)),
    }


def wrong_person(measured: Measured, share: float = WRONG_SHARE) -> dict[str, float]:
    """How far the ratios move, in %, when some of the photos show somebody else.

    Beside it, how far as many more photos of the person's own move them: what chance does.
    """
    moved, plainly, by_own, flagged, clean_flagged = [], [], [], 0, 0
    for place, (person, learned) in enumerate(measured):
        alike = [other for other, theirs in measured if theirs.version == learned.version]
        intruder = alike[(alike.index(person) + 1) % len(alike)]
        count = max(1, round(share * len(person.evidence)))
        generator = np.random.default_rng([_SEED, place])
        guests = generator.choice(len(intruder.evidence), count, replace=False).tolist()
        shuffled = generator.permutation(len(person.evidence)).tolist()
        own, kept = shuffled[:count], shuffled[count:]
        fair = methods.groups_of(person, kept, learned)
        mixed = fair + methods.groups_of(intruder, guests, learned)
        everything = methods.groups_of(person, range(len(person.evidence)), learned)
        moved.append(_moved(methods.guess_from, fair, mixed, learned))
        plainly.append(_moved(methods.trusting, fair, mixed, learned))
        more = fair + methods.groups_of(person, own, learned)
        by_own.append(_moved(methods.guess_from, fair, more, learned))
        flagged += not solve_groups(mixed.parts(), learned).consistent
        clean_flagged += not solve_groups(everything.parts(), learned).consistent
    return {
        "mean": 100 * float(np.mean(moved)),
        "worst_body": 100 * float(np.max(moved)),
        "bodies_under_1": float(np.mean(np.array(moved) < 0.01)),
        "mean by own photos": 100 * float(np.mean(by_own)),
        "worst by own photos": 100 * float(np.max(by_own)),
        "mean if all were trusted": 100 * float(np.mean(plainly)),
        "worst if all were trusted": 100 * float(np.max(plainly)),
        "flagged": flagged / len(measured),
        "clean_flagged": clean_flagged / len(measured),
    }


def strange_day(measured: Measured) -> dict[str, float]:
    """Share of people of whom a day is held for somebody else's: it is, and it is not."""
    noticed, wrongly = [], []
    for place, (person, learned) in enumerate(measured):
        alike = [other for other, theirs in measured if theirs.version == learned.version]
        intruder = alike[(alike.index(person) + 1) % len(alike)]
        own = np.random.default_rng([_SEED, place]).permutation(len(person.evidence))
        days = {
            f"own {first}": methods.sum_of(person, own[first : first + DAY].tolist())
            for first in range(0, len(own), DAY)
        }
        strange = {
            "strange": methods.sum_of(intruder, range(min(STRANGE_DAY, len(intruder.evidence))))
        }
        noticed.append("strange" in odd_days(days | strange, learned))
        wrongly.append(bool(odd_days(days, learned)))
    return {"noticed": float(np.mean(noticed)), "wrongly": float(np.mean(wrongly))}


def _moved(
    method: Callable[[GroupedSums, Learned], methods.Guess],
    fair: GroupedSums,
    mixed: GroupedSums,
    learned: Learned,
) -> float:
    apart = method(mixed, learned).log_ratios - method(fair, learned).log_ratios
    return float(np.abs(np.expm1(apart)).mean())


def _percent(guesses: FloatArray, truth: FloatArray) -> dict[str, float]:
    return _by_ratio(100 * np.abs(np.expm1(guesses - truth)).mean(axis=0))


def _by_ratio(values: FloatArray) -> dict[str, float]:
    named = {name: float(value) for name, value in zip(BENCH_RATIOS, values, strict=True)}
    return {"all": float(np.mean(values)), **named}


def show(result: Result) -> None:
    """Prints what was measured."""
    console = Console(width=170)
    rows = [
        (spread, name, [f"{error:.2f}" for error in errors.values()])
        for spread, measured in result.items()
        for name, errors in [
            *measured["error"].items(),
            ("avatarrig, 90 % intervals contain", measured["coverage"]),
        ]
    ]
    columns = ("bodies", "mean error, %", "all", *BENCH_RATIOS)
    _print(console, columns, ([spread, name, *values] for spread, name, values in rows))
    _print(
        console,
        ("bodies", "by photos", *map(str, PHOTO_COUNTS)),
        (
            [f"{spread} ({measured['bodies']})", label]
            + [f"{measured['by_photos'][str(count)][key]:.2f}" for count in PHOTO_COUNTS]
            for spread, measured in result.items()
            for label, key in (
                ("error, %", "error"),
                ("population mean, %", "population_mean"),
                ("intervals contain, %", "coverage"),
            )
        ),
    )
    _print(
        console,
        ("bodies", "a tenth shows somebody else", *next(iter(result.values()))["wrong_person"]),
        (
            [spread, "ratios move by, %; share flagged"]
            + [f"{value:.2f}" for value in measured["wrong_person"].values()]
            for spread, measured in result.items()
        ),
    )
    _print(
        console,
        ("bodies", f"{STRANGE_DAY} photos of somebody else on one day", "noticed", "wrongly"),
        (
            [spread, f"share of people, with days of {DAY} photos of their own"]
            + [f"{value:.2f}" for value in measured["strange_day"].values()]
            for spread, measured in result.items()
        ),
    )


def _print(console: Console, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, action="append", required=True, metavar="DIR")
    parser.add_argument("--pose-model", default="full", help="variant of the pose landmarker")
    parser.add_argument(
        "--from-pictures", action="store_true", help="detect again, with the product's detector"
    )
    parser.add_argument(
        "--cross-validate",
        action="store_true",
        help="learn on other bodies of the data than those that are measured",
    )
    parser.add_argument(
        "--folds",
        type=Path,
        metavar="DIR",
        help="with --cross-validate: weights that train_estimator.py --folds-out has put there",
    )
    parser.add_argument(
        "--extra",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="with --cross-validate: sets to learn from, but not to measure on",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
