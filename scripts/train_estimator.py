"""Makes the weights of the estimate anew from people whose skeleton is known.

    python scripts/train_estimator.py --data DIR [--data DIR ...] [--out FILE]

Needs the ``train`` extra (jax and optax on the CPU) and some minutes on two cores. The same
data, seed and library versions give the same file.

Some networks learn from everybody. But a network knows the people it has learned from. So bodies
are dealt into folds, and for each fold a network learns from all others and tells what the fold's
photos say: on that the Gaussian step and the intervals are fitted. The ensemble that reads photos
holds the networks of both kinds.

    python scripts/train_estimator.py --data DIR --adapt FILE --pose-model lite --model-sha256 …

gives another pose model weights by a few hundred people's photos, too few to learn from: the
networks of FILE are kept, and what they see is centred and scaled as this model's landmarks ask.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import jax
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from estimator.album import album_of
from estimator.fit import Photos, constants, photos_of, train
from estimator.learning import (
    PoseModel,
    adapted,
    calibrated,
    cells_of,
    fold_of,
    learned_of,
    mean_of,
    population_from,
    recentred,
    residuals_of,
)
from estimator.model import Parameters, Settings
from estimator.people import Body, find_sets, read_set
from estimator.refit import Told, refitted

from avatarrig.body.bones import HELMERT
from avatarrig.body.evidence.learned import (
    WEIGHTS_FOLDER,
    Learned,
    centre_of,
    read_learned,
    write_learned,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FULL_SHA256 = "4eaa5eb7a98365221087693fcc286334cf0858e2eb6e15b506aa4a7ecdcec4ad"
_LARGEST_FILE = 1_000_000


@dataclasses.dataclass(frozen=True)
class School:
    """What all networks have in common."""

    bodies: list[Body]
    photos: Photos
    fixed: Parameters
    settings: Settings
    pose_model: PoseModel

    def network(self, places: Iterable[int], number: int) -> Parameters:
        """Learns from some bodies."""
        return train(self.photos, list(places), self.fixed, self.settings, number)

    def ensemble(self, parts: Sequence[Parameters]) -> Learned:
        """Puts networks together."""
        return learned_of(parts, self.fixed, self.pose_model)

    def told(self, of: dict[int, Parameters]) -> Told:
        """What photos of bodies say by the network that each body is given with."""
        alone = {id(part): self.ensemble([part]) for part in of.values()}
        bodies = [self.bodies[place] for place in of]
        return Told(
            cells=[cells_of(self.bodies[place], alone[id(part)]) for place, part in of.items()],
            truth=np.array([HELMERT @ np.log(body.lengths) for body in bodies], np.float32),
            source=np.array([body.source for body in bodies]),
            spread=np.array([body.spread for body in bodies]),
        )


def main() -> None:
    """Makes the weights, and writes the file."""
    arguments = _arguments()
    jax.config.update("jax_default_prng_impl", "rbg")  # several times faster on a CPU
    steps = {"steps": arguments.steps, "refit_steps": max(1, arguments.steps // 2)}
    settings = Settings(seed=arguments.seed, **steps)
    started = time.monotonic()
    bodies = [body for folder in find_sets(arguments.data) for body in read_set(folder)]
    print(f"{len(bodies)} bodies, {sum(len(body.photos.pose) for body in bodies)} photos")
    photos = photos_of(album_of(bodies))
    fixed = constants(photos, range(len(bodies)))
    pose_model = PoseModel(arguments.pose_model, arguments.model_sha256)
    school = School(bodies, photos, fixed, settings, pose_model)

    if arguments.adapt is None:
        final = _trained(school, arguments)
    else:
        final = _adapted(school, arguments.adapt)
    data = write_learned(final)
    if len(data) > _LARGEST_FILE:
        raise SystemExit(f"{len(data)} bytes are more than {_LARGEST_FILE}: take fewer networks")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_bytes(data)
    print(
        f"{arguments.out}: {len(data)} bytes, interval factors {final.intervals}, "
        f"most misfit {final.most_misfit}, {time.monotonic() - started:.0f} s"
    )


def _adapted(school: School, start: Learned) -> Learned:
    """Takes another pose model's networks, and everything else that few people cannot tell.

    Neither intervals nor the limit of misfit become narrower: how dumps of many photos fare, few
    photos do not show.
    """
    bodies = school.bodies
    learned = adapted(start, school.fixed, school.pose_model)
    told = [cells_of(body, learned) for body in bodies]
    learned = recentred(learned, bodies, told)
    learned = calibrated(learned, residuals_of(learned, bodies, told))
    few, many, growth = np.maximum(learned.intervals, start.intervals).tolist()
    limit, allowance = np.maximum(learned.most_misfit, start.most_misfit).tolist()
    return dataclasses.replace(
        learned, intervals=(few, many, growth), most_misfit=(limit, allowance)
    )


def _trained(school: School, arguments: argparse.Namespace) -> Learned:
    """Trains, and calibrates the intervals by cross-validation."""
    bodies, fixed, settings = school.bodies, school.fixed, school.settings
    started = time.monotonic()
    fold = fold_of(bodies, arguments.folds, arguments.seed)
    parts = []
    for number in range(arguments.folds):
        parts.append(school.network(np.nonzero(fold != number)[0].tolist(), number))
        print(f"fold {number + 1} of {arguments.folds}: {time.monotonic() - started:.0f} s")
    asked = np.nonzero(fold >= 0)[0].tolist()
    people = school.told({place: parts[fold[place]] for place in asked})
    step = refitted(mean_of(parts), fixed, people, settings)
    whole = [
        school.network(range(len(bodies)), arguments.folds + number)
        for number in range(arguments.members)
    ]
    population = population_from(step, fixed)
    centre = centre_of(population.mean, population.offset)
    final = dataclasses.replace(
        school.ensemble([*parts, *whole]), population=population, centre=centre
    )
    final = calibrated(final, residuals_of(final, [bodies[place] for place in asked], people.cells))
    if arguments.folds_out:
        networks = [
            dataclasses.replace(final, network=school.ensemble([one]).network) for one in parts
        ]
        _keep_folds(arguments.folds_out, bodies, fold, networks)
    return final


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
    parser.add_argument("--folds", type=int, default=4, help="networks that miss a fold each")
    parser.add_argument("--members", type=int, default=4, help="networks that learn from everybody")
    parser.add_argument(
        "--folds-out", type=Path, metavar="DIR", help="keep the folds' weights, for the bench"
    )
    parser.add_argument("--steps", type=int, default=Settings.steps)
    parser.add_argument(
        "--adapt",
        type=_weights,
        metavar="FILE",
        help="do not train: take the networks of these weights, of another pose model",
    )
    return parser.parse_args()


def _weights(path: str) -> Learned:
    return read_learned(Path(path).read_bytes(), name=path)


if __name__ == "__main__":
    main()
