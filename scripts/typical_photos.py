"""Makes anew what photos of each kind say on average, which advice on the next photo rests on.

    python scripts/typical_photos.py --data DIR [--data DIR ...] [--out FILE]

To be run after the weights were made anew, on data that they were learned from.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import msgspec
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from estimator.people import find_sets, read_set

from avatarrig.body import advice
from avatarrig.body.advice import Kind, TypicalKind, kind_of
from avatarrig.body.evidence.evidence import evidence_from_landmarks, matrix_of
from avatarrig.body.evidence.learned import load_learned

LEAST_PHOTOS = 40
"""Fewer photos of a kind say too little of it."""


def main() -> None:
    """Averages the evidence of all photos of each kind."""
    arguments = _arguments()
    learned = load_learned(arguments.pose_model)
    found: dict[Kind, list[np.ndarray]] = defaultdict(list)
    for folder in find_sets(arguments.data):
        for body in read_set(folder):
            for pose, world, size in zip(
                body.photos.pose, body.photos.world, body.photos.size, strict=True
            ):
                kind = kind_of(pose, world)
                width, height = (int(side) for side in size)
                evidence = evidence_from_landmarks(pose, world, width, height, learned=learned)
                if kind is not None and evidence is not None:
                    found[kind].append(matrix_of(evidence.information))
    kinds = [
        TypicalKind(
            kind,
            len(matrices),
            tuple(round(float(value), 3) for value in np.mean(matrices, 0)[np.triu_indices(6)]),
        )
        for kind, matrices in sorted(found.items(), key=_place)
        if len(matrices) >= LEAST_PHOTOS
    ]
    text = msgspec.json.format(msgspec.json.encode(kinds), indent=1)
    arguments.out.write_bytes(text + b"\n")
    for one in kinds:
        straight = "straight" if one.kind.straight else ""
        print(f"{one.kind.framing:<20} {one.kind.view:<6} {straight:<9} {one.photos:>6} photos")


def _place(item: tuple[Kind, object]) -> tuple[str, str, bool]:
    kind, _ = item
    return kind.framing, kind.view, kind.straight


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, action="append", required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, default=Path(advice.__file__).parent / "typical.json")
    parser.add_argument("--pose-model", default="full")
    return parser.parse_args()


if __name__ == "__main__":
    main()
