"""Makes the weights of the estimate anew from people whose skeleton is known.

    python scripts/train_estimator.py --data DIR [--data DIR ...] [--out FILE]

Needs the ``train`` extra (jax and optax on the CPU) and some minutes on two cores. The same
data, seed and library versions give the same file.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import jax
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from estimator.album import album_of
from estimator.fit import photos_of
from estimator.learning import (
    PoseModel,
    calibrated,
    cells_of,
    fold_of,
    learn,
    residuals_of,
)
from estimator.model import Settings
from estimator.people import Body, find_sets, read_set
from estimator.refit import Told, refitted

from avatarrig.body.bones import HELMERT
from avatarrig.body.evidence.learned import WEIGHTS_FOLDER, Learned, write_learned

if TYPE_CHECKING:
    from avatarrig.body.levels import Cell

FULL_SHA256 = "4eaa5eb7a98365221087693fcc286334cf0858e2eb6e15b506aa4a7ecdcec4ad"
_LARGEST_FILE = 1_000_000
_AT_ONCE = 2
"""Trainings side by side: one keeps little more than one core busy."""


def main() -> None:
    """Trains, calibrates the intervals by cross-validation, writes the file."""
    arguments = _arguments()
    settings = Settings(seed=arguments.seed, steps=arguments.steps, members=arguments.members)
    pose_model = PoseModel(arguments.pose_model, arguments.model_sha256)
    started = time.monotonic()
    bodies = [body for folder in find_sets(arguments.data) for body in read_set(folder)]
    print(f"{len(bodies)} bodies, {sum(len(body.pose) for body in bodies)} photos")

    fold = fold_of(bodies, arguments.folds, arguments.seed)
    left_out = [np.nonzero(fold == number)[0].tolist() for number in range(arguments.folds)]
    learned: list[Learned] = []
    told: list[list[Cell]] = [[] for _ in bodies]
    with ProcessPoolExecutor(_AT_ONCE, mp_context=get_context("spawn")) as processes:
        lessons = [
            processes.submit(_learn_without, bodies, places, settings, pose_model)
            for places in (*left_out, [])
        ]
        for number, lesson in enumerate(lessons[:-1]):
            one, cells = lesson.result()
            learned.append(one)
            for place, its in zip(left_out[number], cells, strict=True):
                told[place] = its
            print(f"fold {number + 1} of {arguments.folds}: {time.monotonic() - started:.0f} s")
        everybody, _ = lessons[-1].result()
    asked = np.nonzero(fold >= 0)[0].tolist()
    people = _told(bodies, told, asked)
    step = refitted(everybody, people, settings)
    residuals = residuals_of(step, [bodies[place] for place in asked], people.cells)
    final = calibrated(step, residuals)
    if arguments.folds_out:
        parts = [dataclasses.replace(final, network=one.network) for one in learned]
        _keep_folds(arguments.folds_out, bodies, fold, parts)
    data = write_learned(final)
    if len(data) > _LARGEST_FILE:
        raise SystemExit(f"{len(data)} bytes are more than {_LARGEST_FILE}: take fewer members")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_bytes(data)
    print(
        f"{arguments.out}: {len(data)} bytes, interval factors {final.intervals}, "
        f"most misfit {final.most_misfit}, {time.monotonic() - started:.0f} s"
    )


def _learn_without(
    bodies: list[Body], left_out: list[int], settings: Settings, pose_model: PoseModel
) -> tuple[Learned, list[list[Cell]]]:
    """Learns from all bodies but some, in a process of its own; tells what it says of those."""
    jax.config.update("jax_default_prng_impl", "rbg")  # several times faster on a CPU
    kept = sorted(set(range(len(bodies))) - set(left_out))
    learned = learn(photos_of(album_of(bodies)), kept, settings, pose_model)
    return learned, [cells_of(bodies[place], learned) for place in left_out]


def _told(bodies: list[Body], told: list[list[Cell]], asked: list[int]) -> Told:
    return Told(
        cells=[told[place] for place in asked],
        truth=np.array([HELMERT @ np.log(bodies[place].lengths) for place in asked], np.float32),
        source=np.array([bodies[place].source for place in asked]),
        spread=np.array([bodies[place].spread for place in asked]),
    )


def _keep_folds(folder: Path, bodies: list[Body], fold: np.ndarray, learned: list[Learned]) -> None:
    """Writes the weights of each fold, and who was left out of which."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(learned):
        (folder / f"fold{number}.npz").write_bytes(write_learned(one))
    left_out = {
        body.name: int(number) for body, number in zip(bodies, fold, strict=True) if number >= 0
    }
    (folder / "folds.json").write_text(json.dumps(left_out, indent=1) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, action="append", required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, default=WEIGHTS_FOLDER / "full.npz", metavar="FILE")
    parser.add_argument("--pose-model", default="full")
    parser.add_argument(
        "--model-sha256", default=FULL_SHA256, help="of the pose model that saw the landmarks"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folds", type=int, default=3, help="for the intervals' calibration")
    parser.add_argument(
        "--folds-out", type=Path, metavar="DIR", help="keep the folds' weights, for the bench"
    )
    parser.add_argument("--members", type=int, default=Settings.members, help="of the ensemble")
    parser.add_argument("--steps", type=int, default=Settings.steps)
    return parser.parse_args()


if __name__ == "__main__":
    main()
