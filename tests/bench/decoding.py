"""What decoding a photo costs, against OpenCV's full decode of the same bytes.

    python tests/bench/decoding.py [--json FILE]

Both run interleaved in one process; medians of CPU milliseconds.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.photos import RENDERED, encode, encode_heic

from avatarrig.photos.decode import decode_photo
from avatarrig.photos.header import read_header

ROUNDS = 15


def person(width: int, height: int, seed: int = 1) -> Image.Image:
    """A rendered person enlarged to a size, with the noise that a camera would add."""
    with Image.open(RENDERED) as picture:
        pixels = np.asarray(picture.convert("RGB").resize((width, height)), np.int16)
    noise = np.random.default_rng(seed).integers(-6, 7, pixels.shape, dtype=np.int16)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


def photos() -> dict[str, bytes]:
    """The photos that are timed, by name."""
    web, large = person(720, 1080), person(3000, 4000)
    return {
        "web JPEG": encode(web, "JPEG", quality=90),
        "web PNG": encode(web, "PNG", compress_level=3),
        "web HEIC": encode_heic(web),
        "12 MP JPEG": encode(large, "JPEG", quality=90),
        "12 MP progressive JPEG": encode(large, "JPEG", quality=90, progressive=True),
        "12 MP PNG": encode(large, "PNG", compress_level=1),
    }


def cost(work: Callable[[], object]) -> float:
    """CPU milliseconds of one call."""
    started = time.process_time()
    work()
    return 1000 * (time.process_time() - started)


def measure(data: bytes) -> dict[str, float | None]:
    """Medians of the three ways of opening one file."""
    buffer = np.frombuffer(data, np.uint8)
    readable = cv2.imdecode(buffer, cv2.IMREAD_COLOR) is not None
    full, own, header = [], [], []
    for _ in range(ROUNDS):
        if readable:
            full.append(cost(lambda: cv2.imdecode(buffer, cv2.IMREAD_COLOR)))
        own.append(cost(lambda: decode_photo(data)))
        header.append(cost(lambda: read_header(data)))
    return {
        "full_ms": statistics.median(full) if full else None,
        "own_ms": statistics.median(own),
        "header_ms": statistics.median(header),
    }


def main() -> None:
    """Prints the table, and writes it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = {name: measure(data) for name, data in photos().items()}
    table = io.StringIO()
    table.write(f"{'photo':<24}{'full decode':>12}{'ours':>8}{'header':>8}{'ratio':>8}\n")
    for name, row in results.items():
        full, own = row["full_ms"], row["own_ms"]
        ratio = f"{full / own:.1f}x" if full and own else "-"
        shown = "-" if full is None else f"{full:.1f}"
        table.write(f"{name:<24}{shown:>12}{own:>8.1f}{row['header_ms']:>8.2f}{ratio:>8}\n")
    print(table.getvalue(), end="")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
