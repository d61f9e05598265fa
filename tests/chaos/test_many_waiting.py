"""Two hundred thousand photos wait for a slow replica: its memory stays flat, the status right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil
import pytest
from support import scripted_detector
from support.cli.disturbed import HELD, PATIENCE, Flock, read_committed
from support.kafka import with_topics
from support.references import reference
from support.waiting import wait_for

from avatarrig.kafka.clients import open_producer
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.photos.uri import to_file_uri
from avatarrig.process.supervision import Child, Supervisor
from avatarrig.views.pipeline_status import read_status
from avatarrig.wire import PhotoReference
from avatarrig.wire.topics import IMAGES, OBSERVATIONS, detector_group
from processors.sandbox.copies import RECENT
from processors.sandbox.settings import Limits, SandboxSettings
from processors.settings import ReplicaSettings
from producers.publish import publish

pytestmark = pytest.mark.broker
QUEUED = 200_000
FILES = 2 * RECENT
"""That what is held is held: of more files than a replica remembers, most are detected again."""

GROWTH = 16 << 20
"""Bytes; a sixth of what is queued."""


def test_memory_stays_flat_and_the_status_right(
    fresh_kafka: EmbeddedBroker, tmp_path: Path, support_is_importable: None
) -> None:
    kafka = with_topics(fresh_kafka)
    some_files = Flock(tmp_path, FILES)
    with Supervisor([Child("detector-0", "processors", settings(kafka, some_files))]) as supervisor:
        publish_references(kafka, references(some_files, range(100)))
        wait_for(lambda: observed(kafka) == 100, patience=PATIENCE)
        replica = psutil.Process(supervisor.states[0].pid)
        before = replica.memory_info().rss

        some_files.pace(0.02)
        publish_references(kafka, references(some_files, range(100, QUEUED)))
        some = observed(kafka) + 500
        wait_for(lambda: observed(kafka) >= some, patience=PATIENCE)
        grown = replica.memory_info().rss - before
        some_files.pace(HELD)
        wait_for(lambda: read_status(kafka).waiting == QUEUED - observed(kafka), patience=PATIENCE)
        status = read_status(kafka)
        some_files.pace(0)

    assert supervisor.states[0].restarts == 0
    assert grown < GROWTH
    assert status.found == QUEUED
    assert (status.replicas, status.in_work) == (1, 1)
    assert status.photos_per_second > 0
    assert status.oldest_waiting is not None
    assert [group.lag for group in status.groups] == [{IMAGES: status.waiting}]


def settings(kafka: KafkaSettings, flock: Flock) -> ReplicaSettings:
    return ReplicaSettings(
        kafka=kafka,
        group=detector_group("many"),
        limits=Limits(detection=HELD),
        sandbox=SandboxSettings(
            photo_roots=(str(flock.photos),), detector=scripted_detector.SCRIPTED
        ),
    )


def references(flock: Flock, numbers: Iterable[int]) -> Iterator[PhotoReference]:
    """Many photos that are one of a few files each."""
    files = [(file, file.read_bytes()) for file in sorted(flock.photos.iterdir())]
    for number in numbers:
        file, data = files[number % len(files)]
        yield reference(
            f"photo-{number}.jpg",
            data,
            uri=to_file_uri(file),
            dataset="many",
            subject="many",
        )


def publish_references(kafka: KafkaSettings, photos: Iterable[PhotoReference]) -> None:
    producer = open_producer(kafka)
    try:
        publish(photos, producer)
    finally:
        producer.close()


def observed(kafka: KafkaSettings) -> int:
    return len(read_committed(kafka, OBSERVATIONS))
