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
from avatarrig.detectors.fetching.models import locate_models
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
done, end, begun = 0, time.monotonic() + float(sys.argv[3]), time.process_time()
while time.monotonic() < end:
    detector.detect(photos[done % len(photos)])
    done += 1
print(done, time.process_time() - begun, flush=True)
"""
)


def measure_start(models: Path, times: int = 5) -> dict[str, float]:
    """Starts a process with a detector some times; gives median seconds, wall and CPU."""
    walls, cpus = [], []
    for _ in range(times + 1):
        begun = time.monotonic()
        with _python(_START, str(models)) as process:
            cpus.append(float(_line(process).split()[1]))
            walls.append(time.monotonic() - begun)
    return {  # the first one warms the page cache
        "wall_s": statistics.median(walls[1:]),
        "cpu_s": statistics.median(cpus[1:]),
    }


def measure_replicas(
    models: Path, photos: Path, seconds: float, rounds: int = 3
) -> dict[str, float]:
    """Lets one and two processes detect in turn.

    Busy neighbours take from both, but more from two: `ratio` is a lower bound there. What two
    cost each other, in caches and memory, shows in CPU time whoever else is busy: `cpu_ratio`
    is what two would do on two cores of their own.

    Returns:
        Images/s of one and of two, the median and the best of their ratios, and images per
        CPU second.
    """
    rates: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    for _ in range(rounds):
        for replicas, measured in rates.items():
            measured.append(_rate(models, photos, seconds, replicas))
    pairs = list(zip(rates[1], rates[2], strict=True))
    ratios = [two[0] / one[0] for one, two in pairs]
    return {
        "one_per_s": statistics.median(wall for wall, _ in rates[1]),
        "two_per_s": statistics.median(wall for wall, _ in rates[2]),
        "ratio": statistics.median(ratios),
        "best_ratio": max(ratios),
        "one_per_cpu_s": statistics.median(cpu for _, cpu in rates[1]),
        "two_per_cpu_s": statistics.median(cpu for _, cpu in rates[2]),
        "cpu_ratio": statistics.median(2 * two[1] / one[1] for one, two in pairs),
    }


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def _rate(models: Path, photos: Path, seconds: float, replicas: int) -> tuple[float, float]:
    """Gives images per second, and per second of CPU."""
    processes = [_python(_WORK, str(models), str(photos), str(seconds)) for _ in range(replicas)]
    for process in processes:
        while _line(process).strip() != "warm":
            pass
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [_line(process).split() for process in processes]
    for process in processes:
        process.communicate()
    done = sum(int(answer[0]) for answer in answers)
    return done / seconds, done / sum(float(answer[1]) for answer in answers)


def _python(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
