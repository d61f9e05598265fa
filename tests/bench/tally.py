"""What the statistics cost: per observation, per merge, per byte, however many photos there are.

    python tests/bench/tally.py [--up-to 1000000] [--json FILE]

An observation travels the way it does in the aggregator: packed record in, decoded, counted. All
times are CPU time of this process; the machine is named beside them. The exit code tells whether
every limit holds.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.body.evidence import any_evidence

from avatarrig.body.estimate import EstimateOptions, estimate
from avatarrig.body.likeness import LOOK_LENGTH
from avatarrig.body.ratios import RATIO_KEYS
from avatarrig.body.sums.histogram import bin_of
from avatarrig.body.sums.tally import Tally
from avatarrig.wire import Evidence, Observation, PackedArray, decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable

COUNTS: Final = (1_000, 10_000, 100_000, 1_000_000)
LIMITS: Final = {"observation_us": 200.0, "merge_us": 2_000.0, "bytes": 64_000}
FLAT: Final = 2.0
"""A photo may cost at most this many times as much after a million as after a thousand."""

_RECORDS: Final = 500
_BATCHES: Final = 5
_NEWEST: Final = 1_795_000_000.0
_DAY: Final = 86_400.0


def main() -> int:
    """Prints the table; returns 0 where every limit holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--up-to", type=int, default=COUNTS[-1], help="observations at most")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    arguments = parser.parse_args()
    rows = measure([count for count in COUNTS if count <= arguments.up_to])
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(f"{'photos':>10}" + "".join(f"{name:>18}" for name in rows[0] if name != "photos"))
    for row in rows:
        figures = (value for name, value in row.items() if name != "photos")
        print(f"{row['photos']:>10}" + "".join(f"{value:>18,.1f}" for value in figures))
    broken = [
        f"{name} {row[name]:.1f} > {limit} at {row['photos']} photos"
        for row in rows
        for name, limit in LIMITS.items()
        if row[name] > limit
    ]
    growth = rows[-1]["add_us"] / rows[0]["add_us"]
    print(f"\ncost of a photo, last row over first: {growth:.2f} (limit {FLAT})")
    broken += [f"the cost of a photo grows {growth:.2f} times"] if growth > FLAT else []
    print("\n".join(broken) or "every limit holds")
    if arguments.json:
        arguments.json.write_text(json.dumps({"rows": rows, "growth": growth}, indent=2))
    return 1 if broken else 0


def measure(counts: list[int]) -> list[dict[str, Any]]:
    """Fills one tally up and takes its measure at each count."""
    records = [encode(observation) for observation in make_observations(_RECORDS)]
    tally, rows, seen = Tally.empty(), [], 0
    for count in counts:
        observations = [decode(record, Observation) for record in records]
        added, step = math.inf, max((count - seen) // _BATCHES, 1)
        for start in range(seen, count, step):
            started = time.process_time()
            stop = min(start + step, count)
            for number in range(start, stop):
                tally.add(observations[number % len(observations)])
            added = min(added, (time.process_time() - started) / (stop - start) * 1e6)
        seen = count
        rows.append({"photos": count, "add_us": added, **_sizes(tally, records)})
    return rows


def _sizes(tally: Tally, records: list[bytes]) -> dict[str, float]:
    packed = tally.to_bytes()
    other = Tally.from_bytes(packed)
    copy = Tally.from_bytes(packed)
    options = EstimateOptions(window_days=30)
    return {
        "observation_us": _microseconds(
            lambda turn: copy.add(decode(records[turn % len(records)], Observation)), 400
        ),
        "merge_us": _microseconds(lambda _: tally + other, 20),
        "pack_us": _microseconds(lambda _: tally.to_bytes(), 20),
        "unpack_us": _microseconds(lambda _: Tally.from_bytes(packed), 20),
        "estimate_us": _microseconds(lambda _: estimate(tally, options=options), 5),
        "bytes": float(len(packed)),
    }


def _microseconds(action: Callable[[int], object], turns: int) -> float:
    """CPU time of one turn: the least of five batches, the others tell of the machine's load."""
    batches = []
    for _ in range(_BATCHES):
        started = time.process_time()
        for turn in range(turns):
            action(turn)
        batches.append((time.process_time() - started) / turns * 1e6)
    return min(batches)


def make_observations(count: int) -> list[Observation]:
    """Makes records as large as real ones, taken over six years, most of them of late."""
    random = np.random.default_rng(11)
    made = []
    for number in range(count):
        bins = [bin_of(float(length)) for length in random.lognormal(-1.2, 0.3, len(RATIO_KEYS))]
        shown = random.random(len(RATIO_KEYS)) < 0.85
        ratios = {key: b for key, b, seen in zip(RATIO_KEYS, bins, shown, strict=True) if seen}
        evidence = any_evidence(number, ratios)
        age = min(float(random.exponential(120)), 2_000.0)
        made.append(_observation(number, _NEWEST - age * _DAY, evidence, random))
    return made


def _observation(
    number: int, captured_at: float, evidence: Evidence, random: np.random.Generator
) -> Observation:
    def packed(*shape: int) -> PackedArray:
        return PackedArray.pack(random.random(shape))

    return Observation(
        image_id=f"IMG_{number:05}-0123456789abcdef",
        dataset="bench",
        path=f"2026/IMG_{number:05}.jpg",
        subject="bench",
        content_hash=f"{number:064x}",
        found_at=_NEWEST,
        observed_at=_NEWEST,
        fingerprint="0123456789abcdef",
        width=4032,
        height=3024,
        captured_at=captured_at,
        people=1,
        subject_confidence=0.9,
        pose=packed(33, 5),
        world=packed(33, 3),
        face=packed(478, 3),
        blendshapes=packed(52),
        meta={"pose_score": 0.9, "pose_inmask_ratio": 0.95, "pose_supported_bones": 9},
        evidence=evidence,
        look=tuple(random.integers(0, 32, LOOK_LENGTH).tolist()),
    )


if __name__ == "__main__":
    sys.exit(main())
