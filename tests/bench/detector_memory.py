"""A detector's memory over many mixed photos, and on a file made to exhaust it.

    python tests/bench/detector_memory.py --photos DIR --count 5000 --json FILE

The detector has a process of its own, so what is measured is a replica's share without Kafka.
Photos are of changing size and format, which is what makes allocators keep memory.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.photos import encode, encode_heic, one_colour_png
from support.real_photos import fetch_real_photos

from avatarrig.detectors.detector import Detector
from avatarrig.detectors.fetching.models import PROJECT_FOLDER, locate_models
from avatarrig.detectors.options import DetectorOptions
from avatarrig.photos.refused import PhotoRefusedError

STEADY_MB = 350
PEAK_MB = 1500
BOMB_SIDE = 20_000
SIZES = (320, 640, 1280, 2500)
POINTS = 25
PEAK_LINE = "VmHWM:"


def main() -> None:
    """Writes the photos, lets a fresh process detect them, prints and keeps what it measured."""
    given = _arguments()
    if given.detect:
        _detect(given.detect, given)
        return
    with tempfile.TemporaryDirectory() as folder:
        _write_photos(given.photos or fetch_real_photos(), Path(folder))
        arguments = [*sys.argv[1:], "--detect", folder]
        subprocess.run([sys.executable, __file__, *arguments], check=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, help="real photos; the tests' own without it")
    parser.add_argument("--models", type=Path, default=PROJECT_FOLDER)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--max-pixels", type=int, default=500_000_000, help="lets the bomb pass")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--detect", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _detect(folder: Path, given: argparse.Namespace) -> None:
    options = DetectorOptions(max_pixels=given.max_pixels)
    photos = sorted(folder.glob("photo*"))
    curve = []
    with Detector(options, locate_models(options, given.models)) as detector:
        for number in range(given.count):
            detector.detect(photos[number % len(photos)].read_bytes())
            if number % max(given.count // POINTS, 1) == 0 or number == given.count - 1:
                curve.append({"photos": number + 1, "rss_mb": _resident_mb()})
                print(f"{number + 1:6} photos {curve[-1]['rss_mb']:7.0f} MB", flush=True)
        peak = _peak_mb()
        bomb = _outcome(detector, (folder / "bomb.png").read_bytes())
    results = {
        "curve": curve,
        "peak_mb": peak,
        "bomb": bomb,
        "peak_with_bomb_mb": _peak_mb(),
        "to_reach": {"steady_mb": STEADY_MB, "peak_mb": PEAK_MB},
    }
    print({key: value for key, value in results.items() if key != "curve"})
    if given.json:
        given.json.write_text(json.dumps(results, indent=2) + "\n")


def _outcome(detector: Detector, data: bytes) -> str:
    try:
        detector.detect(data)
    except PhotoRefusedError as error:
        return error.reason
    return "observed"


def _write_photos(source: Path, folder: Path) -> None:
    for number, photo in enumerate(_mixed(source)):
        (folder / f"photo{number:04}").write_bytes(photo)
    (folder / "bomb.png").write_bytes(one_colour_png(BOMB_SIDE, BOMB_SIDE))


def _mixed(folder: Path) -> list[bytes]:
    """Gives every photo in changing sizes and formats, in an order that is always the same."""
    photos = []
    for number, path in enumerate(sorted(folder.iterdir())):
        with Image.open(path) as picture:
            whole = picture.convert("RGB")
        for size in SIZES:
            scaled = whole.copy()
            scaled.thumbnail((size, size))
            kind = ("JPEG", "PNG", "WEBP", "HEIC", "TIFF")[(number + size // 320) % 5]
            data = encode_heic(scaled) if kind == "HEIC" else encode(scaled, kind)
            photos.append(data)
    order = np.random.default_rng(0).permutation(len(photos))
    return [photos[index] for index in order]


def _resident_mb() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6


def _peak_mb() -> float:
    """Reads the process's peak so far from Linux; elsewhere what it holds now."""
    status = Path("/proc/self/status")
    if not status.exists():
        return _resident_mb()
    line = next(line for line in status.read_text().splitlines() if line.startswith(PEAK_LINE))
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    main()
