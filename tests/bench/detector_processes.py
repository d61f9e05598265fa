"""How fast a detector starts, and what two of them do on two cores."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

_START = """
import sys, time
from pathlib import Path
from avatarrig.detectors.detector import Detector
from avatarrig.detectors.models import locate_models
from avatarrig.detectors.options import DetectorOptions
options = DetectorOptions()
detector = Detector(options, locate_models(options, Path(sys.argv[1])))
print("ready", time.process_time(), flush=True)
"""

_WORK = (
    _START
    + """
photos = [path.read_bytes() for path in sorted(Path(sys.argv[2]).iterdir())]
for photo in photos:
    detector.detect(photo)
print("warm", flush=True)
sys.stdin.readline()
done, end = 0, time.monotonic() + float(sys.argv[3])
while time.monotonic() < end:
    detector.detect(photos[done % len(photos)])
    done += 1
print(done, time.process_time(), flush=True)
"""
)


def measure_start(models: Path, times: int = 5) -> dict[str, float]:
    """Starts a process with a detector some times; gives median seconds, wall and CPU."""
    walls, cpus = [], []
    for _ in range(times + 1):
        begun = time.monotonic()
        with _python(_START, str(models)) as process:
            cpus.append(float(process.stdout.readline().split()[1]))
            walls.append(time.monotonic() - begun)
    return {  # the first one warms the page cache
        "wall_s": statistics.median(walls[1:]),
        "cpu_s": statistics.median(cpus[1:]),
    }


def measure_replicas(
    models: Path, photos: Path, seconds: float, rounds: int = 3
) -> dict[str, float]:
    """Lets one and two processes detect in turn; gives images/s and their median ratio.

    Busy neighbours take from both, but more from two: the ratio is a lower bound there.
    """
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for replicas, measured in rates.items():
            measured.append(_rate(models, photos, seconds, replicas))
    ratios = [two / one for one, two in zip(rates[1], rates[2], strict=True)]
    return {
        "one_per_s": statistics.median(rates[1]),
        "two_per_s": statistics.median(rates[2]),
        "ratio": statistics.median(ratios),
        "best_ratio": max(ratios),
    }


def _rate(models: Path, photos: Path, seconds: float, replicas: int) -> float:
    processes = [_python(_WORK, str(models), str(photos), str(seconds)) for _ in range(replicas)]
    for process in processes:
        while process.stdout.readline().strip() != "warm":
            pass
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    done = [int(process.stdout.readline().split()[0]) for process in processes]
    for process in processes:
        process.communicate()
    return sum(done) / seconds


def _python(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
