"""Replicas with a scripted detector on a real Kafka, and what comes out of them.

``pipeline``               the topics, and a run of the test's own on the session's node.
``fresh_pipeline``         the same on a node of the test's own.
``supervise``              starts replicas, and stops them at the test's end.
``support_is_importable``  lets the product's processes find what tests put in their place.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from kafka import TopicPartition
from support import scripted_detector
from support.kafka import with_topics
from support.waiting import PATIENCE

from avatarrig.kafka.clients import open_producer, open_reader
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.process.supervision import Child, Supervisor
from avatarrig.wire import Observation, Reject, decode
from avatarrig.wire.topics import DEFAULT_PARTITIONS, IMAGES, OBSERVATIONS, REJECTS
from processors.sandbox.settings import Limits, SandboxSettings
from processors.settings import ReplicaSettings
from producers.publish import described, publish
from producers.references import Dataset


class Pipeline:
    """The topics, and a run of this test's own on them."""

    def __init__(self, kafka: KafkaSettings, photos: Path) -> None:
        self.kafka = kafka
        self.photos = photos
        self.run = uuid.uuid4().hex[:12]
        self._topics: dict[str, _Topic] = {}
        self.settings = ReplicaSettings(
            kafka=kafka,
            group=f"avatarrig.detectors.{self.run}",
            run=self.run,
            sandbox=SandboxSettings(
                photo_roots=(str(photos),), detector=scripted_detector.SCRIPTED
            ),
        )

    def publish(self, scripts: dict[str, str]) -> None:
        for name, script in scripts.items():
            (self.photos / name).write_text(script)
        producer = open_producer(self.kafka)
        try:
            publish(described(self.photos, Dataset(name="d", run=self.run)), producer)
        finally:
            producer.close()

    def publish_bytes(self, value: bytes) -> None:
        producer = open_producer(self.kafka)
        try:
            producer.send(IMAGES, value=value, key=b"k").get(timeout=PATIENCE)
        finally:
            producer.close()

    def observations(self) -> list[Observation]:
        values = self._topic(OBSERVATIONS).values()
        return [o for o in (decode(v, Observation) for v in values) if o.run == self.run]

    def rejects(self) -> list[Reject]:
        return [decode(value, Reject) for value in self._topic(REJECTS).values()]

    def references(self) -> list[bytes]:
        return self._topic(IMAGES).values()

    def own_rejects(self) -> list[Reject]:
        return [reject for reject in self.rejects() if reject.run == self.run]

    def done(self) -> int:
        return len({o.image_id for o in self.observations()}) + len(self.own_rejects())

    def close(self) -> None:
        for topic in self._topics.values():
            topic.close()

    def _topic(self, name: str) -> _Topic:
        if name not in self._topics:
            self._topics[name] = _Topic(self.kafka, name)
        return self._topics[name]


class _Topic:
    """What is on a topic, read on where the last look ended."""

    def __init__(self, kafka: KafkaSettings, name: str) -> None:
        self._reader = open_reader(kafka)
        self._reader.assign([TopicPartition(name, n) for n in range(DEFAULT_PARTITIONS)])
        self._values: list[bytes] = []

    def values(self) -> list[bytes]:
        """Everything committed by now, but for tombstones."""
        ends = self._reader.end_offsets(list(self._reader.assignment()))
        while any(self._reader.position(partition) < end for partition, end in ends.items()):
            for batch in self._reader.poll(timeout_ms=200).values():
                self._values += [record.value for record in batch if record.value is not None]
        return self._values

    def close(self) -> None:
        self._reader.close()


@pytest.fixture
def pipeline(kafka: EmbeddedBroker, tmp_path: Path) -> Iterator[Pipeline]:
    with pipeline_on(kafka, tmp_path / "photos") as pipeline:
        yield pipeline


@pytest.fixture
def fresh_pipeline(fresh_kafka: EmbeddedBroker, tmp_path: Path) -> Iterator[Pipeline]:
    with pipeline_on(fresh_kafka, tmp_path / "photos") as pipeline:
        yield pipeline


def pipeline_on(broker: EmbeddedBroker, photos: Path) -> closing[Pipeline]:
    photos.mkdir()
    return closing(Pipeline(with_topics(broker), photos))


@pytest.fixture
def support_is_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes of the product find what a test puts in place of their parts."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


@pytest.fixture
def supervise(support_is_importable: None) -> Iterator[Callable[..., Supervisor]]:
    started: list[Supervisor] = []

    def start(settings: ReplicaSettings, replicas: int) -> Supervisor:
        supervisor = Supervisor(
            [
                Child(
                    f"detector-{slot}", "processors", msgspec.structs.replace(settings, slot=slot)
                )
                for slot in range(replicas)
            ]
        )
        supervisor.start()
        started.append(supervisor)
        return supervisor

    yield start
    for supervisor in started:
        supervisor.stop()
        assert supervisor.failure is None


def with_limits(settings: ReplicaSettings, limits: Limits) -> ReplicaSettings:
    return msgspec.structs.replace(settings, limits=limits)
