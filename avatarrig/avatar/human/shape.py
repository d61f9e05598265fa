"""MakeHuman's sliders, set so that the joints are as far apart as an estimate says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from avatarrig.avatar.gltf.accessors import Floats
from avatarrig.avatar.human.source import HumanFiles

SLIDERS: Final = {
    "shoulder_width": ("measure", "torso", "measure-shoulder-dist"),
    "hip_width": ("hip", "hip", "hip-scale-horiz"),
    "torso_length": ("torso", "torso", "torso-scale-vert"),
    "upper_arm": ("measure", "arms", "measure-upperarm-length"),
    "lower_arm": ("measure", "arms", "measure-lowerarm-length"),
    "upper_leg": ("measure", "legs", "measure-upperleg-height"),
    "lower_leg": ("measure", "legs", "measure-lowerleg-height"),
}
"""For each length MakeHuman's group of the slider, the folder of its targets, and its name."""

_SEGMENTS: Final = {
    "upper_arm": ("upperarm", "lowerarm"),
    "lower_arm": ("lowerarm", "hand"),
    "upper_leg": ("thigh", "calf"),
    "lower_leg": ("calf", "foot"),
}
_GENDERS, _ETHNICITIES = ("female", "male"), ("african", "asian", "caucasian")
_ROUNDS: Final = 12
_STEP: Final = 0.05
_DAMPING: Final = 1e-3


class Human(msgspec.Struct, frozen=True, kw_only=True):
    """The human body in some shape, in decimetres, y up.

    Attributes:
        points: All vertices of the base mesh, helpers and joints' cubes among them: (n, 3).
        sliders: What MakeHuman's sliders are set to, -1 to 1, by length.
    """

    points: Floats
    sliders: dict[str, float]


def joint(files: HumanFiles, points: Floats, bone: str) -> Floats:
    """Where a bone of the rig begins: (3,)."""
    head = files.rig[bone]["head"]
    if head["strategy"] == "CUBE":
        first, last = files.groups[head["cube_name"]][0]
        centre: Floats = points[first : last + 1].mean(axis=0)
    else:
        centre = points[head["vertex_indices"]].mean(axis=0)
    return centre


def lengths(files: HumanFiles, points: Floats) -> dict[str, float]:
    """Joint distances, sides alike, in decimetres."""
    names = sorted(
        {f"{name}_{side}" for pair in _SEGMENTS.values() for name in pair for side in "lr"}
    )
    place = {name: joint(files, points, name) for name in names}
    middle = {name: (place[f"{name}_l"] + place[f"{name}_r"]) / 2 for name in ("upperarm", "thigh")}
    found = {
        "shoulder_width": _apart(place["upperarm_l"], place["upperarm_r"]),
        "hip_width": _apart(place["thigh_l"], place["thigh_r"]),
        "torso_length": _apart(middle["upperarm"], middle["thigh"]),
    }
    for key, (start, end) in _SEGMENTS.items():
        found[key] = _apart(place[f"{start}_l"], place[f"{end}_l"])
    return found


def shape(files: HumanFiles, wanted: Mapping[str, float]) -> Human:
    """Sets the sliders for an estimate.

    They are bounded, as in MakeHuman; what they cannot reach is left over.

    Args:
        wanted: Lengths in one unit, by the estimate's keys.
    """
    points = _average(files)
    targets = {key: _targets(files, key, len(points)) for key in SLIDERS}
    ratios = {key: _both(wanted, key) / wanted["shoulder_width"] for key in SLIDERS}
    values = np.zeros(len(SLIDERS))
    for _ in range(_ROUNDS):
        error = _error(files, _moved(points, targets, values), ratios)
        columns = []
        for index in range(len(values)):
            step = -_STEP if values[index] > 1 - _STEP else _STEP
            tried = values.copy()
            tried[index] += step
            columns.append((_error(files, _moved(points, targets, tried), ratios) - error) / step)
        slopes = np.stack(columns, axis=1)
        normal = slopes.T @ slopes + _DAMPING * np.eye(len(values))
        values = np.clip(values - np.linalg.solve(normal, slopes.T @ error), -1, 1)
    settings = dict(zip(SLIDERS, (round(float(value), 4) for value in values), strict=True))
    return Human(points=_moved(points, targets, values), sliders=settings)


def to_mhm(human: Human, name: str) -> str:
    """Writes the sliders as a file that MakeHuman and MPFB load.

    Modifiers and groups are those of MakeHuman's data/modifiers, the lines those of its human.py.
    """
    lines = ["version v1.2.0", f"name {name}", "camera 0.0 0.0 0.0 0.0 0.0 1.0"]
    macros = {"Gender": 0.5, "Age": 0.5, "Muscle": 0.5, "Weight": 0.5, "Height": 0.5}
    macros |= {"African": 1 / 3, "Asian": 1 / 3, "Caucasian": 1 / 3, "BodyProportions": 0.5}
    for key, value in macros.items():
        lines.append(f"modifier macrodetails{_folder(key)}/{key} {value:.6f}")
    for key, value in human.sliders.items():
        group, _, target = SLIDERS[key]
        lines.append(f"modifier {group}/{target}-decr|incr {value:.6f}")
    return "\n".join([*lines, "skeleton game_engine.mhskel", ""])


def _folder(macro: str) -> str:
    """Some of MakeHuman's macro sliders are in groups of their own."""
    groups = {"Muscle": "-universal", "Weight": "-universal", "Height": "-height"}
    return {**groups, "BodyProportions": "-proportions"}.get(macro, "")


def _average(files: HumanFiles) -> Floats:
    """Half woman, half man, of all ethnicities alike, young, of average muscle and weight."""
    rows = (line[2:] for line in files.base().splitlines() if line.startswith("v "))
    points = np.fromstring(" ".join(rows), sep=" ").reshape(-1, 3)
    count = len(points)
    for gender in _GENDERS:
        macro = f"macrodetails/universal-{gender}-young-averagemuscle-averageweight"
        points += files.target(macro, count) / len(_GENDERS)
        for ethnicity in _ETHNICITIES:
            part = files.target(f"macrodetails/{ethnicity}-{gender}-young", count)
            points += part / len(_GENDERS) / len(_ETHNICITIES)
    return points


def _targets(files: HumanFiles, key: str, count: int) -> tuple[Floats, Floats]:
    """Shifts of a slider at its least and at its most."""
    _, folder, name = SLIDERS[key]
    less, more = (files.target(f"{folder}/{name}-{end}", count) for end in ("decr", "incr"))
    return less, more


def _moved(points: Floats, targets: Mapping[str, tuple[Floats, Floats]], values: Floats) -> Floats:
    moved = points.copy()
    for (less, more), value in zip(targets.values(), values, strict=True):
        moved += abs(value) * (more if value > 0 else less)
    return moved


def _error(files: HumanFiles, points: Floats, ratios: Mapping[str, float]) -> Floats:
    own = lengths(files, points)
    rest = [key for key in SLIDERS if key != "shoulder_width"]
    return np.array([np.log(own[key] / own["shoulder_width"] / ratios[key]) for key in rest])


def _both(wanted: Mapping[str, float], key: str) -> float:
    if key in wanted:
        return wanted[key]
    return (wanted[f"{key}_L"] + wanted[f"{key}_R"]) / 2


def _apart(one: Floats, other: Floats) -> float:
    return float(np.linalg.norm(one - other))
