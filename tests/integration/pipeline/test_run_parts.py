"""What a run finds at its start, on real Apache Kafka."""

from __future__ import annotations

import contextlib
import uuid

import pytest
from kafka import OffsetAndMetadata
from support.kafka import with_topics
from support.references import reference
from support.waiting import wait_for

from avatarrig.kafka.clients import open_group_consumer, open_producer, open_reader
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.pipeline.groups import waiting_photos
from avatarrig.wire import encode
from avatarrig.wire.topics import IMAGES, detector_group

pytestmark = pytest.mark.broker


def test_photos_wait_from_an_earlier_start_among_what_others_wrote(kafka: EmbeddedBroker) -> None:
    settings = with_topics(kafka)
    run = uuid.uuid4().hex[:12]
    publish(settings, run, "before")
    with contextlib.closing(open_reader(settings, group_id=detector_group(run))) as detectors:
        assert waiting_photos(detectors, run) == frozenset(), "a new run begins at the end"
        publish(settings, run, "first", "second")
        publish(settings, "another", "theirs")
        assert waiting_photos(detectors, run) == {"first", "second"}
        ends = detectors.end_offsets(list(detectors.assignment()))
        detectors.commit({p: OffsetAndMetadata(end, "", -1) for p, end in ends.items()})
        assert waiting_photos(detectors, run) == frozenset()


def test_photos_wait_for_members_that_were_killed_before_they_committed(
    kafka: EmbeddedBroker,
) -> None:
    settings = with_topics(kafka)
    run = uuid.uuid4().hex[:12]
    group = detector_group(run)
    publish(settings, run, "first")
    with (
        contextlib.closing(
            open_group_consumer(settings, (IMAGES,), group=group, member="one")
        ) as member,
        contextlib.closing(open_reader(settings, group_id=group)) as detectors,
    ):
        wait_for(lambda: member.poll(timeout_ms=100) or member.assignment())
        assert waiting_photos(detectors, run) == {"first"}


def publish(settings: KafkaSettings, run: str, *names: str) -> None:
    """References of a run, and garbage."""
    with contextlib.closing(open_producer(settings)) as producer:
        for name in names:
            photo = reference(f"{name}.jpg", run=run)
            producer.send(IMAGES, key=name.encode(), value=encode(photo))
            producer.send(IMAGES, key=name.encode(), value=b"\xc1 garbage")
        producer.flush()
