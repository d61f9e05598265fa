"""How far off the estimate is, on people whose skeleton is known.

    python tests/bench/accuracy.py --data DIR [--from-pictures] [--cross-validate]
        [--json FILE]

DIR holds sets of people (``truth.json``, landmarks; see scripts/estimator/people.py). One table
compares the product with the prototype's method, plain geometry, the world landmarks' median and
the population's mean; others tell error, coverage and width by the number of photos and of moments,
for photos at random, in the order of a dump and as messengers send them, each real person's error,
that of groups of people and kinds of photos, what photos of somebody else do, and what photos
without a face add.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))  # the sets' reader lives there

from bench.body import accuracy_methods as methods
from bench.body import accuracy_orders as orders
from bench.body.accuracy_faceless import faceless
from bench.body.accuracy_groups import groups
from estimator.people import find_sets, read_set

from avatarrig.body.bones import BENCH_RATIOS, HELMERT, FloatArray
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.solver.odd_days import odd_days
from avatarrig.body.solver.person import solve_moments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from avatarrig.body.evidence.learned import Learned
    from avatarrig.body.levels import Cell

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
        from bench.body.accuracy_pictures import look_again  # opens MediaPipe

        bodies = look_again(arguments.data, arguments.pose_model)
    if arguments.cross_validate:
        from bench.body.accuracy_folds import learned_from_others  # trains, in minutes

        everybody = [*arguments.data, *arguments.extra]
        measured = learned_from_others(bodies, everybody, arguments.folds)
    else:
        learned = load_learned(arguments.pose_model)
        if arguments.average_of:
            learned = _expecting(arguments.average_of, learned)
        measured = [(methods.meet(body, learned), learned) for body in bodies]
    result = {
        spread: measure([pair for pair in measured if pair[0].body.spread == spread])
        for spread in sorted({body.spread for body in bodies})
    }
    show(result)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


def _expecting(folders: list[Path], learned: Learned) -> Learned:
    """Takes other people's mean for the average person; photos of anybody say what they said."""
    people = [body for folder in find_sets(folders) for body in read_set(folder)]
    mean = np.mean([HELMERT @ np.log(body.lengths) for body in people], axis=0)
    population = learned.population
    shift = mean - population.mean
    offset = population.offset - shift + population.response @ shift
    return replace(learned, population=replace(population, mean=mean, offset=offset))


def measure(measured: Measured) -> Result:
    """Measures everything on the bodies of one spread."""
    truth = np.array([person.truth for person, _ in measured])
    counted = orders.counted_ratios(measured[0][0].body)
    everything = [range(len(person.evidence)) for person, _ in measured]
    ours = [
        methods.guess_from(methods.cells(person, photos), learned)
        for (person, learned), photos in zip(measured, everything, strict=True)
    ]
    bounds = [orders.widened(guess, person) for guess, (person, _) in zip(ours, measured)]  # noqa: B905
    inside = [
        (low <= person.truth) & (person.truth <= high)
        for (low, high), (person, _) in zip(bounds, measured, strict=True)
    ]
    from_photos = {
        "prototype's method": methods.prototype,
        "geometry alone": methods.geometry_alone,
        "world median": methods.world_median,
    }
    tables = {"avatarrig": [guess.log_ratios for guess in ours]} | {
        name: [
            method(person, photos).log_ratios
            for (person, _), photos in zip(measured, everything, strict=True)
        ]
        for name, method in from_photos.items()
    } | {
        "population mean": [methods.population_mean(learned).log_ratios for _, learned in measured],
        "population mean of 1.0": [methods.mean_of_1_0().log_ratios for _ in measured],
    }  # fmt: skip
    by_order = orders.tables(measured)
    return {
        "bodies": len(measured),
        "error": {
            name: _by_ratio(_percent(np.array(guess), truth), counted)
            for name, guess in tables.items()
        },
        "standard_error": _standard_error(np.array(tables["avatarrig"]), truth, counted),
        "slope": _slope(measured, np.array(tables["avatarrig"]), truth, counted),
        "coverage": _by_ratio(100 * np.mean(inside, axis=0), counted),
        "by_photos": by_order["random photos"],
        "by_order": by_order,
        "groups": groups(measured),
        "faceless": faceless(measured, counted) if len(measured) > 1 else {},
        "people": people(measured) if measured[0][0].body.spread.startswith("real") else {},
        "wrong_person": wrong_person(measured) if len(measured) > 1 else {},
        "strange_day": strange_day(measured) if len(measured) > 1 else {},
    }


def people(measured: Measured) -> dict[str, dict[str, orders.Row]]:
    """The same as `orders.tables`, of random photos, for each person by themselves."""
    return {
        person.body.name: orders.tables([(person, learned)])["random photos"]
        for person, learned in measured
    }


def _standard_error(guesses: FloatArray, truth: FloatArray, counted: FloatArray) -> float:
    """Of the mean error, in %: bodies are what varies."""
    errors = 100 * np.abs(np.expm1(guesses - truth))[:, counted].mean(axis=1)
    return float(errors.std(ddof=1) / np.sqrt(len(errors))) if len(errors) > 1 else float("nan")


def _slope(
    measured: Measured, guesses: FloatArray, truth: FloatArray, counted: FloatArray
) -> float:
    """Of the estimate on the truth, both from the mean: 0 says the same of everybody."""
    mean = np.array([methods.population_mean(learned).log_ratios for _, learned in measured])
    said, true = (guesses - mean)[:, counted].ravel(), (truth - mean)[:, counted].ravel()
    return float(np.polyfit(true, said, 1)[0]) if len(true) > 1 else float("nan")


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
        fair = methods.cells(person, kept)
        mixed = fair + methods.cells(intruder, guests)
        everything = methods.cells(person, range(len(person.evidence)))
        moved.append(_moved(methods.guess_from, fair, mixed, learned))
        plainly.append(_moved(methods.trusting, fair, mixed, learned))
        more = fair + methods.cells(person, own)
        by_own.append(_moved(methods.guess_from, fair, more, learned))
        flagged += not solve_moments(mixed, learned).consistent
        clean_flagged += not solve_moments(everything, learned).consistent
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
            f"own {first}": methods.day(person, own[first : first + DAY].tolist(), first)
            for first in range(0, len(own), DAY)
        }
        strange = {
            "strange": methods.day(intruder, range(min(STRANGE_DAY, len(intruder.evidence))), -1)
        }
        noticed.append("strange" in odd_days(days | strange, learned))
        wrongly.append(bool(odd_days(days, learned)))
    return {"noticed": float(np.mean(noticed)), "wrongly": float(np.mean(wrongly))}


def _moved(
    method: Callable[[list[Cell], Learned], methods.Guess],
    fair: list[Cell],
    mixed: list[Cell],
    learned: Learned,
) -> float:
    apart = method(mixed, learned).log_ratios - method(fair, learned).log_ratios
    return float(np.abs(np.expm1(apart)).mean())


def _percent(guesses: FloatArray, truth: FloatArray) -> FloatArray:
    return np.asarray(100 * np.abs(np.expm1(guesses - truth)).mean(axis=0))


def _by_ratio(values: FloatArray, counted: FloatArray) -> dict[str, float]:
    """Of each ratio; ``all`` is the mean of those that the truth defines as the product does."""
    named = {name: float(value) for name, value in zip(BENCH_RATIOS, values, strict=True)}
    return {"all": float(np.mean(values[counted])), **named}


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
    for spread, measured in result.items():
        label = f"{spread} ({measured['bodies']}), slope {measured['slope']:.2f}"
        _show_counts(console, label, measured["by_order"])
        for person, table in measured["people"].items():
            _show_counts(console, person, {"random photos": table})
        if measured["groups"]:
            _show_groups(console, label, measured["groups"])
        if measured["faceless"]:
            _show_faceless(console, label, measured["faceless"])
    result = {spread: measured for spread, measured in result.items() if measured["wrong_person"]}
    if not result:
        return
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


def _show_counts(console: Console, label: str, by_order: dict[str, dict[str, orders.Row]]) -> None:
    for order, table in by_order.items():
        rows = [
            (name, *(f"{row[key]:.2f}" for row in table.values()))
            for name, key in (
                ("error, %", "error"),
                ("population mean, %", "population_mean"),
                ("90 % intervals contain, %", "coverage"),
                ("intervals' width, %", "width"),
            )
        ]
        _print(console, (f"{label}: {order}", *table), rows)


def _show_groups(console: Console, label: str, by_group: dict[str, orders.Row]) -> None:
    columns = ("people", "error", "population_mean", "coverage")
    rows = [(group, *(f"{row[name]:.2f}" for name in columns)) for group, row in by_group.items()]
    _print(console, (f"{label}: by group", *columns), rows)


def _show_faceless(console: Console, label: str, by_size: dict[str, orders.Row]) -> None:
    columns = next(iter(by_size.values()))
    rows = [(size, *(f"{value:.2f}" for value in row.values())) for size, row in by_size.items()]
    _print(console, (f"{label}: without a face", *columns), rows)


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
    parser.add_argument(
        "--average-of",
        type=Path,
        action="append",
        metavar="DIR",
        help="take the mean of these sets' people for the average person",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
