"""Speed and sharpness of the detector.

Naive chain, detector and raw inference take turns on each photo, so that a busy machine slows
all of them; CPU time is compared, not wall time. Medians over the rounds, then sums over the
photos: a ratio of sums is the ratio of what a whole folder costs.

    python tests/bench/detector.py --photos DIR --people DIR --json FILE
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.detectors.detector_chains import InferenceLog, NaiveChain, RawInference
from bench.detectors.detector_people import measure_people, measure_photos
from bench.detectors.detector_processes import measure_replicas, measure_start

from avatarrig.detectors.detector import Detector
from avatarrig.detectors.fetching.models import PROJECT_FOLDER, ModelFiles, locate_models
from avatarrig.detectors.options import DetectorOptions
from avatarrig.detectors.runtime import mp
from avatarrig.photos.formats import PHOTO_SUFFIXES

DEFINITIONS = {
    "naive": NaiveChain.DEFINITION,
    "detector": "everything from a file's bytes to a detection, second looks included",
    "raw": "the inferences that the detector makes for the photo, by LiteRT with one thread",
    "12 MP": "each photo enlarged to 12 million pixels with grain, JPEG of quality 90",
    "CPU-ms": "of the whole process; the chains take turns; medians over the rounds",
}
TARGETS = {"naive/detector, web": 2.4, "naive/detector, 12 MP": 8.0, "raw/detector, web": 0.75}
LARGE_PIXELS = 12_000_000
GRAIN = 2.0


def main() -> None:
    """Runs what was asked for, prints tables, writes the JSON."""
    given = _arguments()
    options = DetectorOptions()
    models = locate_models(options, given.models)
    photos = _web_photos(given.photos)
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        results["speed"] = _speed(photos, options, models, given.rounds)
        results["start"] = measure_start(given.models)
        print("start", {key: round(value, 2) for key, value in results["start"].items()})
        for name, data in photos.items():
            (Path(folder) / name).write_bytes(data)
        if given.seconds:
            results["replicas"] = measure_replicas(given.models, Path(folder), given.seconds)
            print("replicas", {k: round(v, 2) for k, v in results["replicas"].items()})
    results["real_photos"] = measure_photos(photos, options, models)
    _print_photos(results["real_photos"])
    if given.people:
        results["people"] = measure_people(given.people, options, models, given.pictures)
        _print_people(results["people"])
    if given.json:
        given.json.write_text(json.dumps(results, indent=2) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, help="real photos; the tests' own without it")
    parser.add_argument("--people", type=Path, help="rendered people with truth.json")
    parser.add_argument("--pictures", type=int, default=60, help="how many of the people")
    parser.add_argument("--models", type=Path, default=PROJECT_FOLDER)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=20.0, help="for the replicas; 0 skips")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _web_photos(folder: Path | None) -> dict[str, bytes]:
    """Reads the photos as they are: half a million to three million pixels."""
    if folder is None:
        from support.real_photos import fetch_real_photos  # only where it is needed

        folder = fetch_real_photos()
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.suffix in PHOTO_SUFFIXES
    }


def _enlarged(data: bytes) -> bytes:
    """Gives a photo 12 million pixels, with the grain that a camera would add."""
    picture = _bgr(data)
    scale = (LARGE_PIXELS / (picture.shape[0] * picture.shape[1])) ** 0.5
    large = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(0).normal(0.0, GRAIN, large.shape)
    return _jpeg(np.clip(large + grain, 0, 255).astype(np.uint8))


def _jpeg(picture: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def _speed(
    photos: dict[str, bytes], options: DetectorOptions, models: ModelFiles, rounds: int
) -> dict[str, Any]:
    naive, detector, raw = NaiveChain(models), Detector(options, models), RawInference(models)
    counting = Detector(options, models)
    log = InferenceLog(counting, options, models)
    costs: dict[str, list[dict[str, Any]]] = {"web": [], "12 MP": []}
    for name, web in photos.items():
        people = detector.detect(web).people
        for size, data in (("web", web), ("12 MP", _enlarged(web))):
            counts = log.of(counting, data)
            image = _decoded(data)
            runs: dict[str, Callable[[], object]] = {
                "naive": partial(naive.detect, data),
                "third_pass": partial(naive.pass_again, image),
                "detector": partial(detector.detect, data),
                "raw": partial(raw.run, counts),
            }
            costs[size].append({"photo": name, "people": people, **_interleaved(runs, rounds)})
    for chain in (naive, detector, counting):
        chain.close()
    summary = {
        f"{size}, {group}": _summary([cost for cost in rows if wanted(cost["people"])])
        for size, rows in costs.items()
        for group, wanted in (("one person", _one), ("all", _any))
    }
    _print_speed(summary)
    return {"definitions": DEFINITIONS, "targets": TARGETS, "photos": costs, "summary": summary}


def _decoded(data: bytes) -> mp.Image:
    return mp.Image(mp.ImageFormat.SRGB, cv2.cvtColor(_bgr(data), cv2.COLOR_BGR2RGB))


def _bgr(data: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture


def _one(people: int) -> bool:
    return people == 1


def _any(people: int) -> bool:
    return people >= 0


def _interleaved(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            begun = time.process_time()
            run()
            times[name].append((time.process_time() - begun) * 1e3)
    return {name: statistics.median(values) for name, values in times.items()}


def _summary(rows: list[dict[str, Any]]) -> dict[str, float]:
    naive, third, detector, raw = (
        sum(row[name] for row in rows) / max(len(rows), 1)
        for name in ("naive", "third_pass", "detector", "raw")
    )
    return {
        "photos": len(rows),
        "naive_ms": naive,
        "naive_three_passes_ms": naive + third,
        "detector_ms": detector,
        "raw_ms": raw,
        "naive/detector": naive / detector,
        "naive_three_passes/detector": (naive + third) / detector,
        "raw/detector": raw / detector,
    }


def _print_speed(summary: dict[str, dict[str, float]]) -> None:
    for name, meaning in DEFINITIONS.items():
        print(f"{name}: {meaning}")
    heads = ("photos", "naive", "3 passes", "detector", "raw", "naive/det.", "3 p./det.")
    print(f"{'CPU-ms per image':20}" + "".join(f"{head:>11}" for head in (*heads, "raw/det.")))
    for name, row in summary.items():
        times = (row[f"{key}_ms"] for key in ("naive", "naive_three_passes", "detector", "raw"))
        ratios = (row["naive/detector"], row["naive_three_passes/detector"], row["raw/detector"])
        print(f"{name:20}{row['photos']:11}", end="")
        print("".join(f"{value:11.1f}" for value in times), end="")
        print("".join(f"{value:11.2f}" for value in ratios))
    print("to reach:", ", ".join(f"{name} {value}" for name, value in TARGETS.items()))


def _print_people(rows: list[dict[str, Any]]) -> None:
    print(f"{'rendered people':24}{'scale':>8}{'found':>9}{'PCK@0.1':>9}")
    for row in rows:
        print(f"{row['detector']:24}{row['scale']:8.2f}{row['detection_rate']:9.2f}", end="")
        print(f"{row['pck']:9.3f}")


def _print_photos(rows: list[dict[str, Any]]) -> None:
    print(f"{'real photos':24}{'with a pose':>12}{'people':>9}{'ambiguous':>11}{'score':>8}")
    for row in rows:
        print(f"{row['detector']:24}{row['found']:7} of {row['photos']}{row['people']:9}", end="")
        print(f"{row['ambiguous']:11}{row['mean_score']:8.3f}")


if __name__ == "__main__":
    main()
