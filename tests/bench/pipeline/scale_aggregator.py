"""One aggregator worker on an Apache Kafka on this machine: both levels, real changelogs."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.figures import Figure
from support.aggregators.aggregating import Aggregator, Reader, producer, send
from support.rendered import FIRST_DAY, rendered

from aggregators.settings import AggregatorSettings
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.embedded.ports import choose_ports
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import create_topics
from avatarrig.page.settings import PageSettings
from avatarrig.wire import Observation, PackedArray, SkeletonRecord, encode
from avatarrig.wire.topics import SKELETONS, pipeline_topics

PATIENCE = 600.0
OBSERVATIONS = 40_000
PARTITIONS = 12
SUBJECTS = 1_000


def observations(number: int, subjects: int) -> Iterator[Observation]:
    """Observations of rendered people, with faces: as long as a detector's."""
    random = np.random.default_rng(0)
    face = PackedArray.pack(random.random((478, 3)))
    blendshapes = PackedArray.pack(random.random(52))
    for count in range(number):
        yield rendered(
            count,
            subject=f"subject-{count % subjects}",
            image_id=f"photo-{count}",
            captured_at=FIRST_DAY + 3600.0 * (count % 1000),
            face=face,
            blendshapes=blendshapes,
        )


def throughput() -> list[Figure]:
    """From the first estimate to the last; the records are in the topic before."""
    figures = _measure(subjects=1)
    looked_at = _measure(subjects=1, page=True)
    return [
        Figure(
            name="aggregator: observations of one subject",
            value=figures["rate"],
            unit="observations/s",
            at_least=3_000,
        ),
        Figure(
            name="aggregator: CPU of each", value=figures["microseconds"], unit="µs", at_most=200
        ),
        Figure(
            name="aggregator: observations for each second of CPU",
            value=1e6 / figures["microseconds"],
            unit="observations",
        ),
        Figure(
            name="aggregator with the page: observations of one subject",
            value=looked_at["rate"],
            unit="observations/s",
            at_least=3_000,
        ),
        Figure(
            name="aggregator with the page: CPU of each",
            value=looked_at["microseconds"],
            unit="µs",
        ),
        Figure(name="an observation's record", value=figures["bytes"], unit="bytes"),
        Figure(name="aggregator: memory", value=figures["megabytes"], unit="MB"),
    ]


def recovery() -> list[Figure]:
    """From a worker's start until it works, with a thousand subjects on twelve partitions."""
    figures = _measure(subjects=SUBJECTS)
    name = f"aggregator: {SUBJECTS:,} subjects × {PARTITIONS} partitions"
    return [
        Figure(
            name=f"{name}, observations",
            value=figures["rate"],
            unit="observations/s",
        ),
        Figure(name=f"{name}, CPU of each", value=figures["microseconds"], unit="µs"),
        Figure(name=f"{name}, memory", value=figures["megabytes"], unit="MB"),
        Figure(name=f"{name}, recovery", value=figures["recovery"], unit="s"),
    ]


def _measure(subjects: int, *, page: bool = False) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker(Path(folder) / "kafka") as broker:
        kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
        create_topics(kafka, pipeline_topics(PARTITIONS))
        with producer(kafka, linger_ms=20) as out:
            send(out, observations(OBSERVATIONS, subjects))
        port = choose_ports().client if page else None
        settings = AggregatorSettings(kafka=kafka, worker="bench", page=PageSettings(port=port))
        worker = Aggregator(settings, Path(folder))
        try:
            worker.wait_until("working")
            figures = _take_in(worker, kafka)
        finally:
            worker.stop()
            worker.close()
        begun = time.perf_counter()
        worker = Aggregator(settings, Path(folder))
        try:
            worker.wait_until("working")
            figures["recovery"] = time.perf_counter() - begun
        finally:
            worker.stop()
            worker.close()
    figures["bytes"] = len(encode(next(observations(1, 1))))
    return figures


def _take_in(worker: Aggregator, kafka: KafkaSettings) -> dict[str, float]:
    process = psutil.Process(worker.process.pid)
    begun, cpu = time.perf_counter(), sum(process.cpu_times()[:2])
    reader = Reader(kafka, SKELETONS, SkeletonRecord)
    reader.until(lambda records: _photos(records) >= OBSERVATIONS, PATIENCE)
    reader.close()
    return {
        "rate": OBSERVATIONS / (time.perf_counter() - begun),
        "microseconds": (sum(process.cpu_times()[:2]) - cpu) / OBSERVATIONS * 1e6,
        "megabytes": process.memory_info().rss / 2**20,
    }


def _photos(records: list[SkeletonRecord]) -> int:
    return sum({record.subject: record.observations for record in records}.values())
