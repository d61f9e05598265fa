"""What the pipeline costs beside the detector, and how fast references are published.

Run it alone: ``python tests/bench/pipeline_overhead.py``. Ratios are of interleaved rounds;
absolute figures are of this machine and whatever else it does.
"""

from __future__ import annotations

import hashlib
import os
import platform
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil

from avatarrig.broker import EmbeddedBroker
from avatarrig.detectors.detector import Detector
from avatarrig.detectors.models import locate_models
from avatarrig.detectors.options import DetectorOptions
from avatarrig.file_uri import to_file_uri
from avatarrig.records import Observation, PhotoReference, decode
from avatarrig.supervision import Child, Supervisor
from avatarrig.topics import OBSERVATIONS, pipeline_topics
from avatarrig.transport import KafkaSettings, create_topics, open_producer, open_reader
from processors.sandbox_settings import SandboxSettings
from processors.settings import ReplicaSettings
from producers.publish import publish

DEMO = Path(__file__).parents[2] / "inputs" / "datasets" / "Demo"
ROUNDS = 3
QUEUED = 200_000


def references(run: str, number: int) -> Iterator[PhotoReference]:
    """References to the demo's photos, over and over, each under a name of its own."""
    photos = [(file, file.read_bytes()) for file in sorted(DEMO.glob("*.jpg"))]
    for count in range(number):
        file, data = photos[count % len(photos)]
        yield PhotoReference(
            image_id=f"{count:06}",
            uri=to_file_uri(file),
            dataset="Demo",
            path=f"{count:06}.jpg",
            subject="Demo",
            content_hash=hashlib.sha256(data).hexdigest() if count < len(photos) else "0" * 64,
            size=len(data),
            found_at=1.0,
            run=run,
        )


def bare_seconds(photos: list[bytes], detector: Detector) -> float:
    """A plain loop over the detector."""
    begin = time.perf_counter()
    for data in photos:
        detector.detect(data)
    return time.perf_counter() - begin


def cpu_seconds(pid: int | None) -> tuple[float, float]:
    """CPU time of a replica and of its detector process."""
    replica = psutil.Process(pid)
    (detector,) = replica.children()
    times = (process.cpu_times() for process in (replica, detector))
    own, detecting = (time.user + time.system for time in times)
    return own, detecting


def piped_seconds(kafka: KafkaSettings, photos: int) -> float:
    """From the first photo's observation to the last one's, through broker and replica."""
    run = uuid.uuid4().hex[:8]
    settings = ReplicaSettings(
        kafka=kafka,
        group=run,
        run=run,
        sandbox=SandboxSettings(photo_roots=(str(DEMO),)),
    )
    producer = open_producer(kafka)
    publish(references(run, photos), producer)
    producer.close()
    reader = open_reader(kafka, [OBSERVATIONS])
    seen: list[float] = []
    spent: list[tuple[float, float]] = []
    with Supervisor([Child("detector-0", "processors", settings)]) as supervisor:
        while len(seen) < photos:
            before = len(seen)
            for batch in reader.poll(timeout_ms=500).values():
                found = (decode(record.value, Observation) for record in batch)
                seen += [o.observed_at for o in found if o.run == run]
            if len(seen) > before and (before == 0 or len(seen) == photos):
                spent.append(cpu_seconds(supervisor.states[0].pid))
    reader.close()
    replica, detector = (1000 * (b - a) / photos for a, b in zip(spent[0], spent[-1], strict=True))
    print(f"CPU a photo: replica {replica:.1f} ms, detector process {detector:.1f} ms")
    return (max(seen) - min(seen)) * photos / (photos - 1)


def overhead(kafka: KafkaSettings) -> None:
    """Images per second through the pipeline over those of the bare loop."""
    options = DetectorOptions()
    photos = [file.read_bytes() for file in sorted(DEMO.glob("*.jpg"))]
    ratios = []
    with Detector(options, locate_models(options)) as detector:
        detector.detect(photos[0])
        for _ in range(ROUNDS):
            bare, piped = bare_seconds(photos, detector), piped_seconds(kafka, len(photos))
            ratios.append(bare / piped)
            print(f"bare {len(photos) / bare:.1f}/s, pipeline {len(photos) / piped:.1f}/s")
    print(f"pipeline ÷ bare loop: {statistics.median(ratios):.2f} (target 0.95)")


def publishing(kafka: KafkaSettings, run: str) -> None:
    """References per second, without hashing."""
    producer = open_producer(kafka)
    begin, busy = time.perf_counter(), time.process_time()
    publish(references(run, QUEUED), producer)
    seconds, busy = time.perf_counter() - begin, time.process_time() - busy
    producer.close()
    print(f"published {QUEUED / seconds:.0f} references/s ({QUEUED / busy:.0f} per CPU second)")


def memory(kafka: KafkaSettings, run: str) -> None:
    """A replica's memory with the queue full; its photos are refused, so that it moves on."""
    settings = ReplicaSettings(
        kafka=kafka, group=run, run=run, sandbox=SandboxSettings(photo_roots=("/nowhere",))
    )
    with Supervisor([Child("detector-0", "processors", settings)]) as supervisor:
        until = time.monotonic() + 60
        sizes = []
        while time.monotonic() < until:
            time.sleep(5)
            if (pid := supervisor.states[0].pid) is not None:
                sizes.append(psutil.Process(pid).memory_info().rss >> 20)
        print(f"a replica's memory with {QUEUED} queued, every 5 s: {sizes} MiB")


def main() -> None:
    """Runs all of it on a broker of its own."""
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker(Path(folder)) as broker:
        kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
        create_topics(kafka, pipeline_topics())
        if "overhead" in sys.argv or len(sys.argv) == 1:
            overhead(kafka)
        run = uuid.uuid4().hex[:8]
        publishing(kafka, run)
        memory(kafka, run)


if __name__ == "__main__":
    main()
