"""What the pipeline costs beside the detector, and what a second replica brings.

The photos are the demo's, each with other bytes at its end, since copies are not detected. Ratios
are medians of rounds that alternate.
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
"""Of each replica."""
WARMING = 30
MOST_REPLICAS = 2


def detecting() -> list[Figure]:
    """Photos a second: a bare loop over the detector, one replica, two."""
    options = DetectorOptions()
    bare, one, two = [], [], []
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker(Path(folder) / "kafka") as broker:
        files = _different(Path(folder) / "photos")
        photos = [file.read_bytes() for file in files[:PHOTOS]]
        kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
        create_topics(kafka, pipeline_topics())
        with Detector(options, locate_models(options)) as detector:
            for photo in photos[:WARMING]:
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


def _different(folder: Path) -> list[Path]:
    folder.mkdir()
    demo = [file.read_bytes() for file in sorted(DEMO.glob("*.jpg"))]
    for count in range(WARMING + MOST_REPLICAS * PHOTOS):
        photo = demo[count % len(demo)] + str(count).encode()
        (folder / f"{count:06}.jpg").write_bytes(photo)
    return sorted(folder.iterdir())


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
    sandbox = SandboxSettings(photo_roots=(str(files[0].parent),))
    slots = [
        ReplicaSettings(kafka=kafka, group=run, run=run, sandbox=sandbox, slot=slot)
        for slot in range(replicas)
    ]
    children = [Child(f"detector-{each.slot}", "processors", each) for each in slots]
    with Supervisor(children) as supervisor:
        while any(state.state != "working" for state in supervisor.states):
            time.sleep(0.1)
        publish(_references(files[: WARMING + PHOTOS * replicas], run), producer)
        times: list[float] = []
        while len(times) < WARMING + PHOTOS * replicas:
            for batch in reader.poll(timeout_ms=500).values():
                found = (decode(record.value, Observation) for record in batch)
                times += [one.observed_at for one in found if one.run == run]
    producer.close()
    reader.close()
    times.sort()
    first, last = WARMING, round(0.8 * len(times))
    return (last - first) / (times[last] - times[first])


def _references(files: list[Path], run: str) -> Iterator[PhotoReference]:
    """The photos, under names that no other round gave them."""
    for file in files:
        content = file.read_bytes()
        yield PhotoReference(
            image_id=f"{run}-{file.stem}",
            uri=to_file_uri(file),
            dataset="Demo",
            path=file.name,
            subject="Demo",
            content_hash=hashlib.sha256(content).hexdigest(),
            size=len(content),
            found_at=1.0,
            run=run,
        )
