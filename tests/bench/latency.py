"""How long a photo takes to the estimate that contains it, and what each process needs for it.

``python tests/bench/latency.py`` runs ``avatarrig up`` on an empty folder, moves photos
into it one by one while nothing else is waiting, and times each from its appearance to the
estimate on `avatarrig.skeletons`. Then all photos come at once, and memory and CPU
of each process are read. Absolute figures are of this machine and whatever else it does.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from avatarrig.kafka.clients import open_reader
from avatarrig.kafka.embedded.ports import choose_ports
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.wire import RecordRefusedError, SkeletonRecord, decode
from avatarrig.wire.topics import SKELETONS

DEMO = Path(__file__).parents[2] / "inputs" / "datasets" / "Demo"
OUT = Path(__file__).parent / "out"
PATIENCE = 180.0
PARTS = {
    "producers": "ingest",
    "processors": "replica",
    "processors.sandbox.process": "detector",
    "aggregators": "aggregator",
    "kafka.Kafka": "Kafka",
}


class Pipeline:
    """``avatarrig up`` at work."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.photos = folder / "photos"
        self.photos.mkdir()
        port = choose_ports().client
        self._ready = f"http://127.0.0.1:{port}/ready"
        self._log = (folder / "up.log").open("w+")
        arguments = ("--workers", workers, "--data-dir", folder / "kafka", "--web-port", 0)
        self.process = subprocess.Popen(
            (
                *(sys.executable, "-m", "avatarrig", "up", self.photos),
                *map(str, (*arguments, "--metrics-port", port)),
            ),
            stdout=self._log,
            stderr=self._log,
        )
        self._wait_until_ready()

    @property
    def kafka(self) -> KafkaSettings:
        line = next(line for line in self._words().splitlines() if "Kafka listens at" in line)
        return KafkaSettings(bootstrap_servers=line.split("Kafka listens at ")[1].split(";")[0])

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        self._log.close()

    def _words(self) -> str:
        self._log.flush()
        return Path(self._log.name).read_text()

    def _wait_until_ready(self) -> None:
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(self._ready, timeout=5).close()  # noqa: S310 - http alone
                return
            time.sleep(0.1)
        sys.exit(f"avatarrig up did not become ready:\n{self._words()}")


class Estimates:
    """Follows the estimates."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._reader = open_reader(kafka, [SKELETONS])
        self.photos = 0

    def poll(self) -> None:
        """Looks whether there is a new one."""
        for batch in self._reader.poll(timeout_ms=20).values():
            for message in batch:
                with contextlib.suppress(RecordRefusedError):
                    record = decode(message.value, SkeletonRecord)
                    self.photos = max(self.photos, record.observations)

    def wait_for(self, photos: int) -> float:
        """Waits until an estimate contains so many photos; returns when that was, Unix seconds."""
        give_up = time.monotonic() + PATIENCE
        while self.photos < photos:
            if time.monotonic() > give_up:
                sys.exit(f"no estimate with {photos} photos; the last one has {self.photos}")
            self.poll()
        return time.time()


def main() -> None:
    """Prints the table and writes it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=15, help="Photos one by one.")
    parser.add_argument("--workers", type=int, default=1, help="Detector replicas.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, pipeline(Path(name), given.workers) as up:
        estimates = Estimates(up.kafka)
        first = put(up, 1, estimates)
        seconds = [put(up, number, estimates) for number in range(2, given.photos + 2)]
        begin = time.monotonic()
        before = cpu_seconds(up.process.pid)
        burst = 30
        for number in range(burst):
            place(up, given.photos + 2 + number)
        peak = peak_memory(up, estimates, given.photos + 1 + burst)
        elapsed = time.monotonic() - begin
        after = cpu_seconds(up.process.pid)
        cpu = {part: after.get(part, 0.0) - spent for part, spent in before.items()}
    report = {
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "first_photo_seconds": first,
        "seconds": seconds,
        "median": statistics.median(seconds),
        "slowest": max(seconds),
        "burst_photos_per_second": burst / elapsed,
        "peak_memory_mb": {part: round(size / 1e6) for part, size in sorted(peak.items())},
        "cpu_ms_per_photo": {part: round(1000 * s / burst) for part, s in sorted(cpu.items())},
    }
    show(report)
    OUT.mkdir(exist_ok=True)
    (OUT / "latency.json").write_text(json.dumps(report, indent=2) + "\n")


@contextlib.contextmanager
def pipeline(folder: Path, workers: int) -> Iterator[Pipeline]:
    up = Pipeline(folder, workers)
    try:
        yield up
    finally:
        up.close()


def put(up: Pipeline, number: int, estimates: Estimates) -> float:
    """Has a photo appear; returns the seconds to the estimate that contains it."""
    begin = place(up, number)
    return estimates.wait_for(number) - begin


def place(up: Pipeline, number: int) -> float:
    """Moves a copy of one of the demo's photos into the folder, unlike any before."""
    source = DEMO / f"{number % 30:03}.jpg"
    aside = up.photos.with_name("aside.jpg")
    shutil.copyfile(source, aside)
    with aside.open("ab") as file:
        file.write(b"\xff\xfe" + number.to_bytes(4, "big") + b"\xff\xd9")
    aside.rename(up.photos / f"{number:04}.jpg")
    return time.time()


def peak_memory(up: Pipeline, estimates: Estimates, photos: int) -> dict[str, int]:
    """The most memory that each part was seen with until all photos are in an estimate."""
    peak: dict[str, int] = {}
    give_up = time.monotonic() + PATIENCE
    while estimates.photos < photos and time.monotonic() < give_up:
        for part, process in processes(up.process.pid):
            with contextlib.suppress(psutil.Error):
                size = process.memory_full_info().pss
                peak[part] = max(peak.get(part, 0), size)
        estimates.poll()
    return peak


def cpu_seconds(owner: int) -> dict[str, float]:
    """CPU seconds that each part has used."""
    spent: dict[str, float] = {}
    for part, process in processes(owner):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            spent[part] = spent.get(part, 0.0) + times.user + times.system
    return spent


def processes(owner: int) -> Iterator[tuple[str, psutil.Process]]:
    """The processes of a pipeline, by their parts."""
    root = psutil.Process(owner)
    yield "supervisor", root
    for process in root.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            part = next((PARTS[word] for word in words if word in PARTS), None)
            if part is not None:
                yield part, process


def show(report: dict[str, Any]) -> None:
    """Prints the table."""
    print(f"on {report['machine']}")
    print(f"photo to estimate, idle: median {report['median']:.2f} s", end="")
    print(f", slowest of {len(report['seconds'])} {report['slowest']:.2f} s", end="")
    print(f", the first after the start {report['first_photo_seconds']:.2f} s")
    print(f"30 photos at once: {report['burst_photos_per_second']:.1f} photos/s")
    print("part         memory, at most   CPU a photo")
    for part, size in report["peak_memory_mb"].items():
        print(f"{part:<12} {size:>10} MB {report['cpu_ms_per_photo'].get(part, 0):>12} ms")


if __name__ == "__main__":
    main()
