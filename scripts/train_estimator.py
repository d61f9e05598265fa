"""Makes the weights of the estimate anew from people whose skeleton is known.

    python scripts/train_estimator.py --data DIR [--data DIR ...] [--out FILE]

Needs the ``train`` extra (jax and optax on the CPU) and some minutes on two cores. The same
data, seed and library versions give the same file.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import jax
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from estimator.fit import prepare
from estimator.learning import PoseModel, Residuals, calibrated, fold_of, learn, residuals_of
from estimator.model import Settings
from estimator.people import find_sets, read_set

from avatarrig.skeleton.learned import WEIGHTS_FOLDER, write_learned

FULL_SHA256 = "4eaa5eb7a98365221087693fcc286334cf0858e2eb6e15b506aa4a7ecdcec4ad"
_LARGEST_FILE = 500_000


def main() -> None:
    """Trains, calibrates the intervals by cross-validation, writes the file."""
    arguments = _arguments()
    jax.config.update("jax_default_prng_impl", "rbg")  # several times faster on a CPU
    settings = Settings(seed=arguments.seed, steps=arguments.steps, members=arguments.members)
    pose_model = PoseModel(arguments.pose_model, arguments.model_sha256)
    started = time.monotonic()
    bodies = [body for folder in find_sets(arguments.data) for body in read_set(folder)]
    photos = prepare(bodies)
    print(f"{len(bodies)} bodies, {len(photos.features)} photos")

    fold = fold_of(bodies, arguments.folds, arguments.seed)
    parts = []
    for number in range(arguments.folds):
        kept = np.nonzero(fold != number)[0].tolist()
        left_out = np.nonzero(fold == number)[0].tolist()
        learned = learn(photos, kept, settings, pose_model)
        parts.append(residuals_of(learned, bodies, left_out))
        print(f"fold {number + 1} of {arguments.folds}: {time.monotonic() - started:.0f} s")
    intervals = calibrated(Residuals.joined(parts))
    learned = learn(photos, range(len(bodies)), settings, pose_model, intervals)
    data = write_learned(learned)
    if len(data) > _LARGEST_FILE:
        raise SystemExit(f"{len(data)} bytes are more than {_LARGEST_FILE}: take fewer members")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_bytes(data)
    print(
        f"{arguments.out}: {learned.version}, {len(data)} bytes, interval factors {intervals}, "
        f"{time.monotonic() - started:.0f} s"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, action="append", required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, default=WEIGHTS_FOLDER / "full.npz", metavar="FILE")
    parser.add_argument("--pose-model", default="full")
    parser.add_argument(
        "--model-sha256", default=FULL_SHA256, help="of the pose model that saw the landmarks"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folds", type=int, default=4, help="for the intervals' calibration")
    parser.add_argument("--members", type=int, default=Settings.members, help="of the ensemble")
    parser.add_argument("--steps", type=int, default=Settings.steps)
    return parser.parse_args()


if __name__ == "__main__":
    main()
