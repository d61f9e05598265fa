"""How people's proportions vary, from a survey of measured people; a table small enough to keep.

    python scripts/estimator/anthropometry.py DIR

reads ``ANSUR_II_MALE_Public.csv`` and ``ANSUR_II_FEMALE_Public.csv`` (US Army Anthropometric
Survey 2012; Gordon et al., Natick/TR-15/007; a work of the US Government, in the public domain) in
DIR, writes the table ``anthropometry.json`` beside this file, and prints how far a prior fitted on
one half of the people is from the best constant of the other half.

A survey measures between points on the skin and bone, not between joint centres. Lengths between
points that move with the joint centres stand for the bones (`analogues`); they tell how lengths
vary together. Their means are not used but for legs against trunk, see `estimator.population`.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from avatarrig.body.bones import BENCH_RATIOS, POOLED_BONES, log_ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Measurements = dict[str, NDArray[np.float64]]

TABLE: Final = Path(__file__).with_suffix(".json")
_SEXES: Final = {"men": "MALE", "women": "FEMALE"}

_SHARED: Final = {
    "uarm": ("acromionradialelength", "acromialheight", "shoulderelbowlength"),
    "farm": (
        "radialestylionlength", "forearmhandlength", "forearmcenterofgriplength",
        "sleeveoutseam", "sleevelengthspinewrist", "wristheight",
    ),
    "thigh": ("trochanterionheight", "lateralfemoralepicondyleheight"),
    "shank": ("lateralfemoralepicondyleheight", "lateralmalleolusheight"),
    "shoulder": ("biacromialbreadth",),
    "hip": ("bicristalbreadth",),
    "torso": ("acromialheight", "acromionradialelength", "trochanterionheight"),
}  # fmt: skip
"""Measurements that share a measured point, and so its error, with the length of a bone."""


def main() -> None:
    """Writes the table."""
    people = read_survey(Path(sys.argv[1]))
    table = {"source": "US Army Anthropometric Survey 2012 (ANSUR II), public domain",
             "bones": list(POOLED_BONES)} | {
        sex: _moments(measurements) for sex, measurements in people.items()
    }  # fmt: skip
    TABLE.write_text(json.dumps(table, indent=1) + "\n")
    _compare_halves([np.log(analogues(measurements)) for measurements in people.values()])


def read_survey(folder: Path) -> dict[str, Measurements]:
    """Reads both files of the survey."""
    return {sex: _read(folder / f"ANSUR_II_{name}_Public.csv") for sex, name in _SEXES.items()}


def _read(path: Path) -> Measurements:
    """Columns of numbers, millimetres (weight: 100 g), by name."""
    with path.open(encoding="latin-1", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name.islower() and name != "subjectid"]
    return {name: np.array([float(row[name]) for row in rows]) for name in names}


def analogues(measurements: Measurements) -> NDArray[np.float64]:
    """Lengths (people, 7) that stand for the bones, in the order of `POOLED_BONES`.

    The shoulder's centre lies a tenth of the way from the acromion to the elbow (de Leva 1996).
    """
    upper = measurements["acromionradialelength"]
    hip, knee, ankle = (
        measurements[f"{name}height"]
        for name in ("trochanterion", "lateralfemoralepicondyle", "lateralmalleolus")
    )
    lengths = {
        "uarm": 0.9 * upper,
        "farm": measurements["radialestylionlength"],
        "thigh": hip - knee,
        "shank": knee - ankle,
        "shoulder": measurements["biacromialbreadth"],
        "hip": measurements["bicristalbreadth"],
        "torso": measurements["acromialheight"] - 0.1 * upper - hip,
    }
    return np.stack([lengths[bone] for bone in POOLED_BONES], axis=1)


def _foretold(measurements: Measurements) -> NDArray[np.float64]:
    """Log lengths (people, 7) as the person's other measurements foretell them.

    What no other measurement knows of is the error of measuring, or the person's own: the truth
    lies between these and the lengths as measured.
    """
    logs = np.log(analogues(measurements))
    for column, bone in enumerate(POOLED_BONES):
        others = [name for name in measurements if name not in _SHARED[bone]]
        known = np.log(np.stack([measurements[name] for name in others], axis=1))
        known = np.column_stack([np.ones(len(known)), known - known.mean(axis=0)])
        logs[:, column] = known @ np.linalg.lstsq(known, logs[:, column], rcond=None)[0]
    return logs


def _moments(measurements: Measurements) -> dict[str, Any]:
    measured, foretold = np.log(analogues(measurements)), _foretold(measurements)
    return {
        "people": len(measured),
        "mean": np.round(measured.mean(axis=0), 5).tolist(),
        "covariance_measured": np.round(np.cov(measured.T), 7).tolist(),
        "covariance_foretold": np.round(np.cov(foretold.T), 7).tolist(),
    }


def _compare_halves(people: list[NDArray[np.float64]]) -> None:
    """Mean errors of the 11 ratios, men and women alike, by the mean of either half."""
    generator = np.random.default_rng(1)
    halves = [np.array_split(each[generator.permutation(len(each))], 2) for each in people]
    learned, other = (
        [np.array([[log_ratio(row, *ratio)[0] for ratio in BENCH_RATIOS.values()]
                   for row in half[place]]) for half in halves]
        for place in (0, 1)
    )  # fmt: skip

    def error(constant: NDArray[np.float64]) -> float:
        return float(np.mean([100 * np.abs(np.expm1(constant - each)).mean() for each in other]))

    for name, half in (("the first half", learned), ("the second half", other)):
        mean = np.mean([each.mean(axis=0) for each in half], axis=0)
        print(f"the second half's error by the mean of {name}: {error(mean):.2f} %")


if __name__ == "__main__":
    main()
