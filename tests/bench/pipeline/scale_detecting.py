"""What the pipeline costs beside the detector, and what a second replica brings.

The photos are the demo's. Ratios are medians of rounds that alternate.
"""

from __future__ import annotations

import hashlib
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure

from avatarrig.detectors.detector import Detector
from avatarrig.detectors.fetching.models import locate_models
from avatarrig.detectors.options import DetectorOptions
from avatarrig.kafka.clients import open_producer, open_reader
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import create_topics
from avatarrig.photos.uri import to_file_uri
from avatarrig.process.supervision import Child, Supervisor
from avatarrig.wire import Observation, PhotoReference, decode
from avatarrig.wire.topics import OBSERVATIONS, pipeline_topics
from processors.sandbox.settings import SandboxSettings
from processors.settings import ReplicaSettings
from producers.publish import publish

DEMO = Path(__file__).parents[3] / "inputs" / "datasets" / "Demo"
ROUNDS = 3
PHOTOS = 120


def detecting() -> list[Figure]:
    """Photos a second: a bare loop over the detector, one replica, two."""
    files = sorted(DEMO.glob("*.jpg"))
    photos = [files[number % len(files)].read_bytes() for number in range(PHOTOS)]
    options = DetectorOptions()
    bare, one, two = [], [], []
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker(Path(folder)) as broker:
        kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
        create_topics(kafka, pipeline_topics())
        with Detector(options, locate_models(options)) as detector:
            for photo in photos[: len(files)]:
                detector.detect(photo)
            for _ in range(ROUNDS):
                bare.append(_bare(photos, detector))
                one.append(_piped(kafka, files, 1))
                two.append(_piped(kafka, files, 2))
    overhead = statistics.median(a / b for a, b in zip(one, bare, strict=True))
    second = statistics.median(a / b for a, b in zip(two, one, strict=True))
    return [
        Figure(name="detector, a bare loop", value=statistics.median(bare), unit="photos/s"),
        Figure(name="pipeline, one replica", value=statistics.median(one), unit="photos/s"),
        Figure(name="pipeline ÷ bare loop", value=overhead, at_least=0.95),
        Figure(name="two replicas ÷ one", value=second, at_least=1.8),
    ]


def _bare(photos: list[bytes], detector: Detector) -> float:
    begun = time.perf_counter()
    for photo in photos:
        detector.detect(photo)
    return len(photos) / (time.perf_counter() - begun)


def _piped(kafka: KafkaSettings, files: list[Path], replicas: int) -> float:
    """The rate while all replicas are at work: not their start, nor the last one's end."""
    run = uuid.uuid4().hex[:8]
    producer = open_producer(kafka)
    reader = open_reader(kafka, [OBSERVATIONS])
    sandbox = SandboxSettings(photo_roots=(str(DEMO),))
    slots = [
        ReplicaSettings(kafka=kafka, group=run, run=run, sandbox=sandbox, slot=slot)
        for slot in range(replicas)
    ]
    children = [Child(f"detector-{each.slot}", "processors", each) for each in slots]
    warming = len(files)
    with Supervisor(children) as supervisor:
        while any(state.state != "working" for state in supervisor.states):
            time.sleep(0.1)
        publish(_references(files, run, warming + PHOTOS * replicas), producer)
        times: list[float] = []
        while len(times) < warming + PHOTOS * replicas:
            for batch in reader.poll(timeout_ms=500).values():
                found = (decode(record.value, Observation) for record in batch)
                times += [one.observed_at for one in found if one.run == run]
    producer.close()
    reader.close()
    times.sort()
    first, last = warming, round(0.8 * len(times))
    return (last - first) / (times[last] - times[first])


def _references(files: list[Path], run: str, number: int) -> Iterator[PhotoReference]:
    """The demo's photos, over and over, each under a name of its own."""
    hashes = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    for count in range(number):
        file = files[count % len(files)]
        yield PhotoReference(
            image_id=f"{run}-{count:06}",
            uri=to_file_uri(file),
            dataset="Demo",
            path=f"{count:06}.jpg",
            subject="Demo",
            content_hash=hashes[count % len(files)],
            size=file.stat().st_size,
            found_at=1.0,
            run=run,
        )
