"""Whether the photos that are advised narrow the widest interval more than others would.

For each body, from a few photos on: five more as they are advised, one by one, against five more
at random, out of the body's own photos. Told is the widest 90 % interval afterwards, over its
value, and the ratio of the two; means over starts and bodies with standard errors.

A dump holds few photos such as advice asks for: of 720 times a new one was there 242 times. With
--asked, bodies have photos besides that were taken as `ASKED` says; they are taken whenever that is
the advice:

    python tests/bench/advice.py --data scripts/training_data/wild --asked tests/data/asked_photos

With --foresight also what no advice can beat by much: each time the photo is taken that narrows the
widest interval most, once it is known what it says.

    python tests/bench/advice.py --data DIR [--starts 20] [--first 3] [--foresight]
        [--asked DIR] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from estimator.people import find_sets, read_set

from avatarrig.body.advice import Framing, Kind, View, kind_of, ranked
from avatarrig.body.bones import POOLED_BONES
from avatarrig.body.evidence.evidence import evidence_from_landmarks
from avatarrig.body.evidence.learned import Learned, load_learned
from avatarrig.body.levels import Cell
from avatarrig.body.solver.person import solve_moments, weighed
from avatarrig.body.sums.evidence_sum import EvidenceSum

if TYPE_CHECKING:
    from estimator.people import Body

MORE = 5
ASKED = Kind(Framing.FULL, View.FRONT, straight=True)


@dataclass(frozen=True)
class Photos:
    """A body's photos: what each says, and its kind."""

    cells: tuple[Cell, ...]
    kinds: tuple[Kind | None, ...]


def photos_of(body: Body, learned: Learned) -> Photos:
    """Makes evidence of a body's photos."""
    cells, kinds = [], []
    for number, (pose, world, size) in enumerate(
        zip(body.photos.pose, body.photos.world, body.photos.size, strict=True)
    ):
        width, height = (int(side) for side in size)
        evidence = evidence_from_landmarks(pose, world, width, height, learned=learned)
        if evidence is not None and not body.photos.copy[number]:
            total = EvidenceSum()
            total.add(evidence)
            cells.append(
                Cell(total, int(body.photos.moment[number]), int(body.photos.session[number]))
            )
            kinds.append(kind_of(pose, world))
    return Photos(tuple(cells), tuple(kinds))


def widest(cells: Sequence[Cell], learned: Learned) -> float:
    """The widest interval of a bone to the shoulder width, half of it over its value."""
    solved = solve_moments(cells, learned)
    reaches = []
    for bone in POOLED_BONES:
        if bone != "shoulder":
            ratio = solved.ratio((bone,), ("shoulder",))
            reaches.append((ratio.high - ratio.low) / 2 / ratio.middle)
    return max(reaches)


def advised(
    photos: Photos,
    start: list[int],
    learned: Learned,
    random: np.random.Generator,
    asked: Sequence[Cell] = (),
) -> float:
    """Takes photos as they are advised: of the kind that would tell most of those there are.

    Of that kind one of another session is taken, where the body has such.

    Args:
        asked: Photos that were taken as `ASKED` says, each in a session of its own.
    """
    taken, new = list(start), list[Cell]()
    for _ in range(MORE):
        cells = [*(photos.cells[place] for place in taken), *new]
        kinds = ranked(weighed(cells, learned), learned)
        if kinds[0] == ASKED and len(new) < len(asked):
            new.append(asked[len(new)])
        else:
            taken.append(_of_best_kind(photos, taken, kinds, random))
    return widest([*(photos.cells[place] for place in taken), *new], learned)


def _of_best_kind(
    photos: Photos, taken: Sequence[int], kinds: Sequence[Kind], random: np.random.Generator
) -> int:
    left = [place for place in range(len(photos.cells)) if place not in taken]
    known = {photos.cells[place].session for place in taken}
    best: dict[Kind | None, int] = {kind: rank for rank, kind in enumerate(kinds)}
    new = [place for place in left if photos.cells[place].session not in known] or left
    ranks = [best.get(photos.kinds[place], len(best)) for place in new]
    return int(random.choice([p for p, rank in zip(new, ranks, strict=True) if rank == min(ranks)]))


def foreseen(photos: Photos, start: list[int], learned: Learned) -> float:
    """Takes the photos that turn out to narrow it most, one by one, of other sessions first."""
    taken = list(start)
    for _ in range(MORE):
        left = [place for place in range(len(photos.cells)) if place not in taken]
        known = {photos.cells[place].session for place in taken}
        new = [place for place in left if photos.cells[place].session not in known] or left
        reaches = [widest([photos.cells[each] for each in (*taken, one)], learned) for one in new]
        taken.append(new[int(np.argmin(reaches))])
    return widest([photos.cells[place] for place in taken], learned)


def at_random(
    photos: Photos, start: list[int], learned: Learned, random: np.random.Generator
) -> float:
    """Takes any photos."""
    left = [place for place in range(len(photos.cells)) if place not in start]
    taken = [*start, *random.choice(left, MORE, replace=False).tolist()]
    return widest([photos.cells[place] for place in taken], learned)


def main() -> None:
    """Compares, prints a line a body, writes the JSON."""
    given = _arguments()
    learned = load_learned()
    ratios: list[float] = []
    limits: list[float] = []
    rows: list[Any] = []
    as_asked = {
        body.name.partition("/")[2]: _apart(photos_of(body, learned).cells)
        for folder in (find_sets([given.asked]) if given.asked else [])
        for body in read_set(folder)
    }
    fewest = given.first + (MORE if given.asked else 2 * MORE)
    for folder in find_sets(given.data):
        for body in read_set(folder):
            asked = as_asked.get(body.name, [])
            if given.asked and not asked:
                continue
            photos = photos_of(body, learned)
            if len(photos.cells) < fewest:
                continue
            random = np.random.default_rng([given.seed, len(rows)])
            pairs, best = [], []
            for _ in range(given.starts):
                start = random.choice(len(photos.cells), given.first, replace=False).tolist()
                pairs.append(
                    (
                        widest([photos.cells[place] for place in start], learned),
                        advised(photos, start, learned, random, asked),
                        at_random(photos, start, learned, random),
                    )
                )
                if given.foresight:
                    best.append(foreseen(photos, start, learned))
            before, with_advice, without = np.mean(pairs, axis=0)
            ratios.append(with_advice / without)
            limits += [np.mean(best) / without] if best else []
            rows.append(
                {"body": body.name, "before": before, "advised": with_advice, "random": without}
            )
            print(
                f"{body.name:<24} {before:.3f} -> {with_advice:.3f} advised, {without:.3f} random"
            )
    mean, error = np.mean(ratios), np.std(ratios) / len(ratios) ** 0.5
    print(f"{len(ratios)} bodies: advised / random {mean:.3f} ± {error:.3f}")
    if limits:
        spread = np.std(limits) / len(limits) ** 0.5
        print(f"with foresight / random {np.mean(limits):.3f} ± {spread:.3f}")
    if given.json:
        given.json.write_text(json.dumps({"ratio": mean, "error": error, "bodies": rows}, indent=1))


def _apart(cells: Sequence[Cell]) -> list[Cell]:
    """Moments and sessions that are none of the body's other photos'."""
    return [
        replace(cell, moment=-1 - number, session=-1 - number) for number, cell in enumerate(cells)
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, action="append", required=True, metavar="DIR")
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument(
        "--foresight", action="store_true", help="also take the photos that turn out best"
    )
    parser.add_argument("--asked", type=Path, metavar="DIR", help="photos taken as asked for")
    parser.add_argument("--first", type=int, default=3, help="photos to begin with")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
