"""What a tape tells, and how far off the bones are that no photo tells of.

    python tests/bench/further.py --data DIR [--json FILE]

DIR holds sets of people (see accuracy.py) whose ``truth.json`` has further lengths. One table tells
the error of the 11 ratios with what a tape measured to 1 %, by the number of photos; the other that
of further bones over the geometric mean of the seven, against the population's mean. Joints of a
body model are not a survey's points: the mean difference over all bodies is taken out, and shown.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))  # the sets' reader lives there

from bench.body import accuracy_methods as methods
from estimator.people import find_sets, read_set

from avatarrig.body.bones import BENCH_RATIOS, POOLED_BONES, FloatArray
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.population.further import further_bones
from avatarrig.body.solver.person import Proportions, solve_moments
from avatarrig.body.tape.evidence import NOTHING, Tape
from avatarrig.wire.estimate import Measured

if TYPE_CHECKING:
    from avatarrig.body.evidence.learned import Learned

COUNTS: Final = (3, 10, 30)
TAPES: Final[dict[str, tuple[str, ...]]] = {
    "photos alone": (),
    "height": ("height",),
    "height, forearm": ("height", "lower_arm"),
    "height, thigh": ("height", "upper_leg"),
    "height, forearm, upper arm, thigh, shank": (
        *("height", "lower_arm", "upper_arm", "upper_leg", "lower_leg"),
    ),
}
POOLED: Final = {
    "lower_arm": "farm",
    "upper_arm": "uarm",
    "upper_leg": "thigh",
    "lower_leg": "shank",
}
TRUTHS: Final = {
    "hand": "hand",
    "foot": "foot",
    "ankle_height": "ankle",
    "head": "head_height",
    "clavicle": "clavicle",
}
"""Those whose truth is about the same length."""
TAPE_ERROR: Final = 0.01
_SEED = 7


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    learned = load_learned("full")
    people = _people(arguments.data, learned)
    result: dict[str, Any] = {}
    for spread in sorted({person.body.spread for person, _ in people}):
        some = [pair for pair in people if pair[0].body.spread == spread]
        result[spread] = {"bodies": len(some), "tape": tape(some, learned)}
    result["further"] = further(people, learned)
    _show(result)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


def _people(folders: list[Path], learned: Learned) -> list[tuple[methods.Person, dict[str, float]]]:
    people = []
    for folder in find_sets(folders):
        entries = json.loads((folder / "truth.json").read_text())["bodies"]
        more = {f"{folder.name}/{entry['id']}": entry.get("more") for entry in entries}
        people += [
            (methods.meet(body, learned), more[body.name])
            for body in read_set(folder)
            if more[body.name] and len(body.photos.pose)
        ]
    return people


def tape(
    people: list[tuple[methods.Person, dict[str, float]]], learned: Learned
) -> dict[str, dict[str, Any]]:
    """Error in %, and share of truths in 90 % intervals, by tape and number of photos."""
    random = np.random.default_rng(_SEED)
    drawn = [
        {count: sorted(random.permutation(len(person.evidence))[:count].tolist())
         for count in COUNTS}
        for person, _ in people
    ]  # fmt: skip
    slips = random.normal(0, TAPE_ERROR, (len(people), len(POOLED) + 1))
    found: dict[str, dict[str, Any]] = {}
    for name, keys in TAPES.items():
        errors: dict[int, list[float]] = {count: [] for count in COUNTS}
        inside: dict[int, list[float]] = {count: [] for count in COUNTS}
        for (person, more), photos, slip in zip(people, drawn, slips, strict=True):
            measured = _tape(person, more, keys, slip)
            for count in COUNTS:
                solved = solve_moments(methods.cells(person, photos[count]), learned, measured)
                error, within = _compared(solved, person)
                errors[count].append(error)
                inside[count].append(within)
        found[name] = {
            str(count): {
                "error": float(np.mean(errors[count])),
                "standard_error": float(np.std(errors[count]) / np.sqrt(len(people))),
                "coverage": 100 * float(np.mean(inside[count])),
            }
            for count in COUNTS
        }
    return found


def _tape(
    person: methods.Person, more: dict[str, float], keys: tuple[str, ...], slip: FloatArray
) -> Tape:
    lengths = dict(zip(POOLED_BONES, person.body.lengths, strict=True))
    measured = {}
    for key, error in zip(POOLED, slip[1:], strict=True):
        value = float(lengths[POOLED[key]] * np.exp(error))
        if key in keys:
            measured[key] = Measured(value=value, error=TAPE_ERROR * value)
    return Tape.of(measured, more["stature"] if "height" in keys else None)


def _compared(solved: Proportions, person: methods.Person) -> tuple[float, float]:
    ratios = [solved.ratio(*ratio) for ratio in BENCH_RATIOS.values()]
    apart = [np.log(ratio.middle) - true for ratio, true in zip(ratios, person.truth, strict=True)]
    within = [
        ratio.low <= np.exp(true) <= ratio.high
        for ratio, true in zip(ratios, person.truth, strict=True)
    ]
    return 100 * float(np.abs(np.expm1(apart)).mean()), float(np.mean(within))


def further(
    people: list[tuple[methods.Person, dict[str, float]]], learned: Learned
) -> dict[str, Any]:
    """Errors in % of further bones: of the population's mean, and given the seven of photos."""
    nobody = further_bones(solve_moments([], learned), learned, NOTHING, {})
    average = solve_moments([], learned)
    told: dict[str, list[tuple[float, float, float, float]]] = {key: [] for key in TRUTHS}
    for person, more in people:
        solved = solve_moments(methods.cells(person, range(len(person.evidence))), learned)
        bones = further_bones(solved, learned, NOTHING, {})
        lengths = np.log(person.body.lengths)
        size, shoulder = float(lengths.mean()), float(lengths[POOLED_BONES.index("shoulder")])
        for key, name in TRUTHS.items():
            true = np.log(more[name]) - size
            said, usual = (
                np.log(each[key].value) + float(who.log_lengths[POOLED_BONES.index("shoulder")])
                for each, who in ((bones, solved), (nobody, average))
            )
            low, high = np.log(bones[key].interval)
            ratio = np.log(more[name]) - shoulder
            told[key].append((usual - true, said - true, (low + high) / 2 - ratio, high - low))
    result = {}
    for key, rows in told.items():
        usual, said, apart, width = np.array(rows).T
        offset = float(np.median(said))
        errors = [100 * np.abs(np.expm1(each - np.median(each))) for each in (usual, said)]
        better = errors[0] - errors[1]
        result[key] = {
            "population mean": float(errors[0].mean()),
            "given the seven": float(errors[1].mean()),
            "better by": float(better.mean()),
            "standard_error": float(better.std() / np.sqrt(len(better))),
            "difference of definition": 100 * float(np.expm1(offset)),
            "coverage": 100 * float(np.mean(np.abs(apart - np.median(apart)) <= width / 2)),
        }
    return result


def _show(result: dict[str, Any]) -> None:
    console = Console()
    for spread, measured in result.items():
        if spread == "further":
            continue
        table = Table(title=f"{spread}: error of 11 ratios, % ({measured['bodies']} bodies)")
        table.add_column("known")
        for count in COUNTS:
            table.add_column(f"{count} photos", justify="right")
        for name, row in measured["tape"].items():
            table.add_row(
                name,
                *(
                    f"{row[str(count)]['error']:.2f} ± {row[str(count)]['standard_error']:.2f} "
                    f"({row[str(count)]['coverage']:.0f})"
                    for count in COUNTS
                ),
            )
        console.print(table)
    rows = result["further"]
    table = Table(title="further bones, %")
    columns = list(next(iter(rows.values())))
    for column in ("bone", *columns):
        table.add_column(column, justify="left" if column == "bone" else "right")
    for key, row in rows.items():
        table.add_row(key, *(f"{row[column]:.2f}" for column in columns))
    console.print(table)


if __name__ == "__main__":
    main()
