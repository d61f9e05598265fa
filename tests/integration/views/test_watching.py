"""A watcher sees what a pipeline's topics say, and comes back after an outage."""

from __future__ import annotations

import contextlib
import time

import pytest
from support.aggregators.aggregating import producer, send
from support.body.estimates import said, skeleton
from support.kafka import with_topics
from support.observed import observation
from support.references import reference
from support.waiting import wait_for

from avatarrig.kafka.clients import open_group_consumer
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.errors import TransportError
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.views.feed import following
from avatarrig.views.watch import Watching
from avatarrig.wire import Reject, SkeletonRecord, encode
from avatarrig.wire.history import history_of
from avatarrig.wire.topics import DETECTOR_GROUPS, HISTORY, IMAGES, OBSERVATIONS, REJECTS, SKELETONS

pytestmark = pytest.mark.broker


def estimate(number: int, subject: str = "anna") -> SkeletonRecord:
    return skeleton(
        said(used=number),
        subject=subject,
        applied={0: number},
        observations=number,
        estimated_at=1.76e9 + number,
    )


def publish(kafka: KafkaSettings, numbers: range) -> None:
    with producer(kafka) as client:
        for number in numbers:
            record = estimate(number)
            client.send(SKELETONS, key=b"anna", value=encode(record))
            client.send(HISTORY, key=str(number).encode(), value=encode(history_of(record)))
        client.flush()


def test_a_kafka_that_no_pipeline_has_used_says_so(empty_kafka: EmbeddedBroker) -> None:
    kafka = KafkaSettings(bootstrap_servers=empty_kafka.bootstrap_servers)
    with (
        pytest.raises(TransportError, match="no pipeline has used this Kafka yet"),
        following(kafka),
    ):
        pass


def test_it_sees_everything(
    empty_kafka: EmbeddedBroker,
) -> None:
    kafka = with_topics(empty_kafka, 1)
    publish(kafka, range(1, 40))
    with producer(kafka) as client:
        send(client, [b"garbage", *(observation(number) for number in range(50))])
        photo = reference(subject="anna")
        client.send(IMAGES, key=b"x", value=encode(photo))
        reject = Reject(reason="crashed", message="m", attempts=3, rejected_at=1.0, reference=photo)
        client.send(REJECTS, key=b"x", value=encode(reject))
        client.send(REJECTS, key=b"y", value=b"garbage")
        client.flush()
    with Watching(kafka) as watching:
        wait_for(lambda: not watching.trouble and watching.snapshot().subjects["anna"].photos)
        seen = watching.snapshot()
        subject = seen.subjects["anna"]
        assert subject.record == estimate(39)
        assert [note.used for note in subject.notes] == list(range(1, 40))
        assert subject.photos[-1].image_id == "photo-49"
        assert seen.reasons == {"crashed": 1, "malformed": 1}
        assert (seen.stream.found, seen.stream.waiting) == (1, 1), "nobody detects"
        assert seen.refused == {REJECTS: 1, OBSERVATIONS: 1}


def test_what_was_rejected_and_then_observed_is_no_reject_for_those_who_come_later(
    empty_kafka: EmbeddedBroker,
) -> None:
    kafka = with_topics(empty_kafka, 1)
    photos = [observation(number, observed_at=time.time()) for number in range(100)]
    mended = reference(photos[0].path, subject="anna", image_id=photos[0].image_id)
    reject = Reject(reason="crashed", message="m", attempts=3, rejected_at=5.0, reference=mended)
    publish(kafka, range(1, 3))
    with producer(kafka) as client:
        client.send(REJECTS, key=b"x", value=encode(reject))
        client.flush()
        send(client, photos)
    with Watching(kafka) as watching:
        wait_for(lambda: not watching.trouble and watching.snapshot().last_photo)
        assert watching.snapshot().rejected == 0


def test_replicas_are_seen_before_their_first_photo(empty_kafka: EmbeddedBroker) -> None:
    kafka = with_topics(empty_kafka, 1)
    idle = open_group_consumer(kafka, [IMAGES], group=DETECTOR_GROUPS, member="0")
    with contextlib.closing(idle), Watching(kafka) as watching:
        wait_for(lambda: idle.poll(timeout_ms=100) or idle.assignment())
        wait_for(lambda: idle.poll(timeout_ms=100) or watching.snapshot().stream.replicas == 1)
        assert watching.snapshot().stream.waiting == 0


def test_whoever_is_forgotten_is_not_shown_any_more(empty_kafka: EmbeddedBroker) -> None:
    kafka = with_topics(empty_kafka, 1)
    with producer(kafka) as client, Watching(kafka) as watching:
        for subject in ("anna", "ben"):
            record = estimate(5, subject)
            key = f"{subject}\0f".encode()
            client.send(SKELETONS, key=key, value=encode(record))
            client.send(HISTORY, key=key + b"\x001.5", value=encode(history_of(record)))
        client.flush()
        wait_for(lambda: set(watching.snapshot().subjects) == {"anna", "ben"})
        client.send(SKELETONS, key=b"anna\0f", value=None)
        client.send(HISTORY, key=b"anna\0f\x001.5", value=None)
        client.flush()
        wait_for(lambda: set(watching.snapshot().subjects) == {"ben"})
    with Watching(kafka) as later:
        wait_for(lambda: set(later.snapshot().subjects) == {"ben"})
