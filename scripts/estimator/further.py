"""How long the bones are that no photo tells of, given those that photos tell of.

    python scripts/estimator/further.py DIR

reads ANSUR II (see `estimator.anthropometry`) in DIR, writes
``avatarrig/body/population/further.json`` and prints, for each bone, how far the other half of the
people is from what the first half says: by the mean share of stature alone, and given the seven
bones.

Rows of the table: a bone's mean share of stature, how the logarithm of its length over the
geometric mean of the seven follows the seven's size-free coordinates, and the standard deviation
that is left. Men and women count alike. Where the survey measures no such length, what stands for
it tells how it varies, and another source its mean.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    sys.path.insert(0, str(Path(__file__).parents[1]))

from estimator.anthropometry import analogues, read_survey
from estimator.population import mean_of_people

from avatarrig.body.bones import HELMERT, POOLED_BONES
from avatarrig.body.population.anthropometry import STATURE_OVER_LEG_AND_TORSO

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Measurements = dict[str, NDArray[np.float64]]

TABLE: Final = Path(__file__).parents[2] / "avatarrig" / "body" / "population" / "further.json"
RENDERED: Final = Path(__file__).parents[1] / "training_data"
_HEAD_OVER_STATURE: Final = 0.130
"""Chin to crown (Drillis and Contini 1966): the survey does not measure it. How it varies is that
of tragion to crown."""
_RIDGE: Final = 1e-3
_FOLLOWING: Final = {"spine_lower", "spine_upper"}
"""Bones that the seven tell of. They tell a little of the others where they are known exactly, and
nothing where photos tell them (tests/bench/further.py)."""


def main() -> None:
    """Writes the table, and prints what it is worth."""
    people = list(read_survey(Path(sys.argv[1])).values())
    generator = np.random.default_rng(1)
    halves = [generator.permutation(len(each["stature"])) for each in people]
    parts = [
        [{name: column[half[start::2]] for name, column in each.items()}
         for each, half in zip(people, halves, strict=True)]
        for start in (0, 1)
    ]  # fmt: skip
    table = {}
    for bone in lengths_of(people[0]):
        table[bone] = _fit(people, bone, follows=bone in _FOLLOWING).row
        first = _fit(parts[0], bone)
        told = np.concatenate([_errors(each, bone, first) for each in parts[1]])
        (constant, given), better = told.mean(axis=0), told @ (1, -1)
        spread = better.std() / np.sqrt(len(better))
        print(f"{bone:13} mean share {constant:5.2f} %, given the seven {given:5.2f} %, "
              f"better by {better.mean():.2f} ± {spread:.2f}")  # fmt: skip
    table["clavicle"] = _clavicle()
    TABLE.write_text(json.dumps(table, indent=1) + "\n")


def lengths_of(person: Measurements) -> Measurements:
    """Lengths (people,) that stand for the bones, millimetres."""
    shoulder = person["acromialheight"] - 0.1 * person["acromionradialelength"]
    hip = person["trochanterionheight"]
    waist = person["waistheightomphalion"]
    crown = person["tragiontopofhead"]
    head = _HEAD_OVER_STATURE * (person["stature"] / crown).mean() * crown
    return {
        "hand": person["handlength"],
        "foot": person["footlength"],
        "ankle_height": person["lateralmalleolusheight"],
        "head": head,
        "neck": person["stature"] - shoulder - head,
        "spine_lower": waist - hip,
        "spine_upper": shoulder - waist,
    }


@dataclass(frozen=True)
class _Fit:
    """A row of the table, and where on the survey's own scale it holds."""

    row: dict[str, Any]
    centre: NDArray[np.float64]
    middle: float


def _fit(people: list[Measurements], bone: str, *, follows: bool = True) -> _Fit:
    shares, known, wanted, weights = [], [], [], []
    for person in people:
        seven = np.log(analogues(person))
        length = lengths_of(person)[bone]
        shares.append(np.log(length / person["stature"]).mean())
        known.append(seven @ HELMERT.T)
        wanted.append(np.log(length) - seven.mean(axis=1))
        weights.append(np.full(len(length), 1 / len(length)))
    coordinates, target, weight = map(np.concatenate, (known, wanted, weights))
    weight /= weight.sum()
    centre, middle = weight @ coordinates, float(weight @ target)
    apart, centred = coordinates - centre, target - middle
    covariance = (weight[:, None] * apart).T @ apart
    slope = np.linalg.solve(
        covariance + _RIDGE * np.trace(covariance) / len(HELMERT) * np.eye(len(HELMERT)),
        apart.T @ (weight * centred),
    )
    slope = slope if follows else np.zeros(len(HELMERT))
    deviation = float(np.sqrt(weight @ (centred - apart @ slope) ** 2))
    return _Fit(_row(float(np.exp(np.mean(shares))), slope, deviation), centre, middle)


def _errors(person: Measurements, bone: str, fit: _Fit) -> NDArray[np.float64]:
    """Errors (people, 2) in %: by the mean share, and given the seven."""
    seven = np.log(analogues(person))
    true = np.log(lengths_of(person)[bone]) - seven.mean(axis=1)
    given = fit.middle + (seven @ HELMERT.T - fit.centre) @ fit.row["slope"]
    said = np.stack([np.full(len(true), fit.middle), given], axis=1)
    return np.asarray(100 * np.abs(np.expm1(said - true[:, None])))


def _clavicle() -> dict[str, Any]:
    """Between its joints, which no survey measures: a share of rendered bodies' shoulders."""
    logs = np.array([
        np.log(body["more"]["clavicle"] / body["bones"]["shoulder"])
        for file in sorted(RENDERED.rglob("truth.json"))
        for body in json.loads(file.read_text())["bodies"]
        if "more" in body
    ])  # fmt: skip
    usual = HELMERT.T @ mean_of_people()
    shoulders = usual[POOLED_BONES.index("shoulder")] - np.log(stature_of(usual))
    share = float(np.exp(logs.mean() + shoulders))
    return _row(share, HELMERT[:, POOLED_BONES.index("shoulder")], float(logs.std()))


def stature_of(log_lengths: NDArray[np.float64]) -> float:
    """Stature on the scale of seven log lengths."""
    bones = dict(zip(POOLED_BONES, np.exp(log_lengths), strict=True))
    return STATURE_OVER_LEG_AND_TORSO * float(bones["thigh"] + bones["shank"] + bones["torso"])


def _row(share: float, slope: NDArray[np.float64], deviation: float) -> dict[str, Any]:
    return {
        "share": round(share, 5),
        "slope": np.round(slope, 4).tolist(),
        "deviation": round(deviation, 5),
    }


if __name__ == "__main__":
    main()
