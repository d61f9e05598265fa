"""What does it change, and save, that the sharpest photos of a moment alone are detected?

    python tests/bench/sharpest.py --data DIR [--data DIR] [--most 1,2,3,5] [--burst 500]

DIR holds ``truth.json`` and the pictures of people whose bones are known. Every picture goes
through the detector; then the sharpest of each moment alone count. Of all ratios it tells how far
the middle moves, in shares of the width of the 90 % interval that all pictures give, what becomes
of that width, and how far the middle is from the truth. The second table makes a burst of one
photo, and tells the CPU of detecting it as a whole and of its sharpest alone. The exit code tells
whether every number keeps every ratio within a tenth of its interval's width.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.moments import LEARNED, observe, tallied

from avatarrig.body.bones import BENCH_RATIOS
from avatarrig.body.solver.person import Interval, solve_moments
from avatarrig.detectors.detector import Detector
from avatarrig.detectors.fetching.models import locate_models
from avatarrig.detectors.options import DetectorOptions
from avatarrig.photos.capture import read_capture_time
from avatarrig.wire import Observation, PhotoReference
from producers.looking import Looking
from producers.moments import Moments, Shot
from producers.publish import described
from producers.references import Dataset

LIMIT: Final = 0.1
SHIFT: Final = 24

Ratios = dict[str, Interval]


class Person:
    """Pictures of somebody in their order, what was seen in them, and the bones there are.

    Attributes:
        observed: Picture to what was seen.
        shots: Picture to what takes part in moments.
    """

    def __init__(self, truth: Mapping[str, float]) -> None:
        self.truth = truth
        self.observed: dict[str, Observation | None] = {}
        self.shots: dict[str, Shot | None] = {}

    def ratios(self, files: Sequence[str]) -> Ratios:
        """Estimates from some of the pictures."""
        seen = [one for file in files if (one := self.observed[file]) is not None]
        proportions = solve_moments(tallied(seen).cells(), LEARNED)
        return {name: proportions.ratio(*ratio) for name, ratio in BENCH_RATIOS.items()}

    def sharpest(self, most: int) -> list[str]:
        """Pictures that are detected where so many of each moment are."""
        sorted_out = Moments(most).sorted_out(self.shots.items())
        return [file for file, original in sorted_out if original is None]

    def error(self, ratios: Ratios) -> list[float]:
        """How far each ratio's middle is from the truth, in %."""
        return [
            100 * abs(ratio.middle * self._length(below) / self._length(above) - 1)
            for ratio, (above, below) in zip(ratios.values(), BENCH_RATIOS.values(), strict=True)
        ]

    def _length(self, bones: Sequence[str]) -> float:
        return sum(self.truth[bone] for bone in bones)


def main() -> int:
    """Prints both tables; returns 0 where the limit holds for every number."""
    given = _arguments()
    options = DetectorOptions()
    holds = True
    with Detector(options, locate_models(options, given.models)) as detector:
        for folder in given.data:
            people = _people(folder, detector)
            for most in given.most:
                told = compared(people, most)
                holds &= told["moved at most"] < LIMIT
                print(folder.name, most, {key: round(value, 3) for key, value in told.items()})
        if given.burst:
            for name, seconds in burst(given.data[0], given.burst, detector).items():
                print(f"burst of {given.burst}, {name}: {seconds:.1f} s of CPU")
    return 0 if holds else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, action="append", required=True, metavar="DIR")
    parser.add_argument("--models", type=Path)
    parser.add_argument(
        "--most",
        type=lambda text: [int(part) for part in text.split(",")],
        default=[1, 2, 3, 5],
        help="photos of each moment that are detected",
    )
    parser.add_argument("--burst", type=int, default=500, help="photos of the burst; 0 makes none")
    return parser.parse_args()


def _people(folder: Path, detector: Detector) -> list[Person]:
    people = []
    with Looking() as looks:
        for body in json.loads((folder / "truth.json").read_text())["bodies"]:
            person = Person(body["bones"])
            for image in body["images"]:
                file = image["file"]
                if not (folder / file).is_file():
                    continue
                data = (folder / file).read_bytes()
                taken_at = read_capture_time(data)
                look = looks(data)
                person.observed[file] = observe(detector, data, file, taken_at)
                person.shots[file] = None if look is None else Shot(file, "", look, taken_at)
            if person.shots:
                people.append(person)
    return people


def compared(people: Sequence[Person], most: int) -> dict[str, float]:
    """Compares estimates of the sharpest pictures with those of all."""
    told = defaultdict(list)
    for person in people:
        files, chosen = list(person.shots), person.sharpest(most)
        everything, sharpest = person.ratios(files), person.ratios(chosen)
        told["detected"].append(len(chosen) / len(files))
        told["error of all"] += person.error(everything)
        told["error"] += person.error(sharpest)
        for name, before in everything.items():
            after, width = sharpest[name], math.log(before.high / before.low)
            told["moved"].append(abs(math.log(after.middle / before.middle)) / width)
            told["width"].append(math.log(after.high / after.low) / width)
    means = {key: float(np.mean(values)) for key, values in told.items()}
    return means | {"moved at most": max(told["moved"])}


def burst(folder: Path, count: int, detector: Detector) -> dict[str, float]:
    """Detects a burst as a whole, and its sharpest alone: seconds of CPU, its children's too."""
    picture = next(file for file in sorted(folder.glob("*/*.jpg")))
    spent = {}
    with tempfile.TemporaryDirectory() as made:
        for number, frame in enumerate(frames(np.asarray(cv2.imread(str(picture))), count)):
            (Path(made) / f"{number:05}.jpg").write_bytes(frame)
        for name, most in (("all", None), ("the 3 sharpest", 3)):
            dataset = Dataset(name="burst", sharpest_of_moment=most)
            before = _cpu()
            records = list(described(Path(made), dataset))
            detected = [record for record in records if isinstance(record, PhotoReference)]
            found = _cpu()
            for record in detected:
                detector.detect((Path(made) / record.path).read_bytes())
            spent[f"{name} ({len(detected)} detected): finding"] = found - before
            spent[f"{name}: detecting"] = _cpu() - found
    return spent


def frames(picture: NDArray[Any], count: int) -> Iterator[bytes]:
    """Makes what a hand-held camera makes of one moment: shifted, noisy, compressed anew."""
    random = np.random.default_rng(2)
    height, width = picture.shape[:2]
    for left, top in random.integers(0, SHIFT, (count, 2)):
        frame = picture[top : height - SHIFT + top, left : width - SHIFT + left]
        noisy = np.clip(frame + random.normal(0, 3, frame.shape), 0, 255).astype(np.uint8)
        quality = int(random.integers(80, 95))
        yield cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def _cpu() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(kind)[:2]) for kind in kinds)


if __name__ == "__main__":
    sys.exit(main())
