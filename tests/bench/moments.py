"""Are copies and bursts found, and do they leave the estimate where it is?

    python tests/bench/moments.py --data DIR [--bodies 4] [--copies 9,99] [--json FILE]

DIR holds dumps of rendered people with pictures: ``truth.json``, or ``*/body.json``. Every
picture goes through the detector and the reader of capture times; what the truth says of bursts,
copies and sessions only scores. The second table makes near-copies of single photos of ten
moments and tells by how much of its interval's half-width the worst ratio moves, and by how
much of itself a width changes at most. The exit code tells whether every limit holds.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from avatarrig.body.bones import BENCH_RATIOS
from avatarrig.body.evidence.evidence import evidence_from_landmarks
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.solver.person import Proportions, solve_moments
from avatarrig.body.sums.tally import Tally
from avatarrig.detectors.detector import Detector
from avatarrig.detectors.fetching.models import locate_models
from avatarrig.detectors.options import DetectorOptions
from avatarrig.photos.capture import read_capture_time
from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.wire import Observation, PackedArray

TEN: Final = 10
LIMITS: Final = {"copies": 0.90, "bursts": 0.90, "others": 0.02, "moved": 1 / 3, "width": 0.2}
_KINDS: Final = ("copies", "bursts", "others")
_MANY: Final = 50
_FOUND_AT: Final = 2e9

Image = dict[str, Any]
Pixels = NDArray[np.uint8]
LEARNED: Final = load_learned("full")


def main() -> int:
    """Prints both tables; returns 0 where every limit holds."""
    given = _arguments()
    dumps = dict(itertools.islice(_dumps(given.data), given.bodies))
    options = DetectorOptions()
    with Detector(options, locate_models(options, given.models)) as detector:
        seen = {name: _observed(detector, images) for name, images in dumps.items()}
        joined = {
            "as the files are": _joined(dumps, seen, times=True),
            "without any time": _joined(dumps, seen, times=False),
        }
        for name, shares in joined.items():
            print(name, {key: round(value, 4) for key, value in shares.items()})
        moved = {}
        for name, copies in itertools.product(list(dumps)[: given.moved], given.copies):
            for kind, worst in _moved(detector, dumps[name], seen[name], copies).items():
                moved[f"{name}, {copies} copies {kind}"] = worst
    for name, worst in moved.items():
        print(name, {key: round(value, 3) for key, value in worst.items()})
    if given.json:
        given.json.write_text(json.dumps({"joined": joined, "moved": moved}, indent=2))
    shares = joined["as the files are"]
    holds = (
        min(shares["copies"], shares["bursts"]) >= LIMITS["copies"]
        and shares["others"] <= LIMITS["others"]
        and all(worst["moved"] < LIMITS["moved"] for worst in moved.values())
        and all(worst["width"] < LIMITS["width"] for worst in moved.values())
    )
    print("every limit holds" if holds else "a limit is broken")
    return 0 if holds else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--models", type=Path)
    parser.add_argument("--bodies", type=int, default=4)
    parser.add_argument(
        "--copies", type=lambda text: [int(part) for part in text.split(",")], default=[9, 99]
    )
    parser.add_argument("--moved", type=int, default=2, help="bodies whose photos are copied")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _dumps(folder: Path) -> Iterator[tuple[str, list[Image]]]:
    """Name of a body to what the truth says of its pictures, with the path of each."""
    truth = folder / "truth.json"
    if truth.is_file():
        bodies = json.loads(truth.read_text())["bodies"]
    else:
        bodies = (json.loads(file.read_text()) for file in sorted(folder.glob("*/body.json")))
    for body in bodies:
        yield body["id"], [image | {"path": folder / image["file"]} for image in body["images"]]


def _observed(detector: Detector, images: list[Image]) -> dict[str, Observation]:
    """File to its observation, for those that count."""
    seen = {}
    for image in images:
        data = image["path"].read_bytes()
        one = observe(detector, data, image["file"], read_capture_time(data))
        if one is not None and tallied([one]).used:
            seen[image["file"]] = one
    return seen


def observe(
    detector: Detector, data: bytes, name: str, captured_at: float | None
) -> Observation | None:
    """Detects a picture; None where nobody is found."""
    try:
        found = detector.detect(data)
    except PhotoRefusedError:
        return None
    if found.pose is None or found.world is None:
        return None
    return Observation(
        image_id=name,
        dataset="bench",
        path=name,
        subject="bench",
        content_hash="",
        found_at=_FOUND_AT,
        observed_at=_FOUND_AT,
        captured_at=captured_at,
        fingerprint=detector.fingerprint,
        width=found.width,
        height=found.height,
        people=found.people,
        ambiguous=found.ambiguous,
        pose=PackedArray.pack(found.pose),
        world=PackedArray.pack(found.world),
        meta=dict(found.meta),
        look=found.look,
        evidence=evidence_from_landmarks(
            found.pose, found.world, found.width, found.height, learned=LEARNED
        ),
    )


def _joined(
    dumps: dict[str, list[Image]], seen: dict[str, dict[str, Observation]], *, times: bool
) -> dict[str, float]:
    """Shares of pairs that are joined: with a copy, of a burst, all others."""
    pairs: dict[str, list[bool]] = defaultdict(list)
    told = true = 0
    for name, images in dumps.items():
        changes: dict[str, Any] = {} if times else {"captured_at": None}
        photos = {file: msgspec.structs.replace(one, **changes) for file, one in seen[name].items()}
        tally = tallied(photos.values())
        moment = {file: tally.moment_of(one) for file, one in photos.items()}
        truth = _true_moments(images)
        copies = {image["file"] for image in images if image["copy_of"]}
        for one, other in itertools.combinations(photos, 2):
            alike = "copies" if copies & {one, other} else "bursts"
            kind = alike if truth[one] == truth[other] else "others"
            pairs[kind].append(moment[one] == moment[other] is not None)
        told += tally.moments
        true += len({truth[file] for file in photos})
    shares = {kind: sum(pairs[kind]) / max(len(pairs[kind]), 1) for kind in _KINDS}
    return shares | {"moments told": told, "moments": true}


def _true_moments(images: list[Image]) -> dict[str, Any]:
    by_file = {image["file"]: image for image in images}

    def original(image: Image) -> Image:
        return original(by_file[image["copy_of"]]) if image["copy_of"] else image

    firsts = {file: original(image) for file, image in by_file.items()}
    return {
        file: image["file"] if image["burst"] is None else f"burst {image['burst']}"
        for file, image in firsts.items()
    }


def _moved(
    detector: Detector, images: list[Image], seen: dict[str, Observation], count: int
) -> dict[str, dict[str, float]]:
    """Gives one photo of ten moments copies, one photo after the other; the worst of all ratios."""
    truth = _true_moments(images)
    firsts = {truth[file]: file for file in reversed(seen)}
    ten = list(firsts.values())[::-1][:TEN]
    paths = {image["file"]: image["path"] for image in images}
    before = solve_moments(tallied(seen[file] for file in ten).cells(), LEARNED)
    worst = {kind: {"moved": 0.0, "width": 0.0} for kind in ("with their time", "without a time")}
    for file in ten[:: 1 if count < _MANY else 5]:
        picture = np.asarray(cv2.imread(str(paths[file])), np.uint8)
        copies = [
            one
            for number, data in enumerate(near_copies(picture, count))
            if (one := observe(detector, data, f"{file}-{number}", seen[file].captured_at))
        ]
        untimed = [msgspec.structs.replace(one, captured_at=None) for one in copies]
        for kind, more in zip(worst, (copies, untimed), strict=True):
            cells = tallied([*(seen[file] for file in ten), *more]).cells()
            moved = _apart(before, solve_moments(cells, LEARNED))
            worst[kind] = {key: max(worst[kind][key], moved[key]) for key in moved}
    return worst


def _apart(before: Proportions, after: Proportions) -> dict[str, float]:
    moved, wider = [], []
    for ratio in BENCH_RATIOS.values():
        old, new = before.ratio(*ratio), after.ratio(*ratio)
        width = math.log(old.high / old.low)
        moved.append(abs(math.log(new.middle / old.middle)) / (width / 2))
        wider.append(abs(math.log(new.high / new.low) / width - 1))
    return {"moved": max(moved), "width": max(wider)}


def near_copies(picture: Pixels, count: int) -> Iterator[bytes]:
    """Makes JPEG files of a picture as messengers and editors do: each differs from the others."""
    random = np.random.default_rng(3)
    for number in range(count):
        height, width = picture.shape[:2]
        copy = picture
        if number % 2:
            left, top, right, bottom = random.uniform(0, 0.075, 4)
            copy = copy[
                int(top * height) : int((1 - bottom) * height),
                int(left * width) : int((1 - right) * width),
            ]
        if number % 3 == 0:
            copy = copy[:, ::-1]
        if number % 4 == 1:
            copy = np.clip(copy * random.uniform(0.8, 1.2, 3) + random.uniform(-15, 15), 0, 255)
        scale = random.uniform(0.6, 1.0)
        small = cv2.resize(
            copy.astype(np.uint8), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
        )
        quality = int(random.integers(40, 95))
        yield cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def tallied(photos: Iterable[Observation]) -> Tally:
    """Counts photos."""
    tally = Tally.empty()
    for photo in photos:
        tally.add(photo)
    return tally


if __name__ == "__main__":
    sys.exit(main())
