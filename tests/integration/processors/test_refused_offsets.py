"""Offsets that the broker refused do not come back with the next transaction."""

from __future__ import annotations

import contextlib
import time
import uuid

import pytest
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.errors import CommitFailedError, KafkaTimeoutError
from support.kafka_parts.topics import read_to_end
from support.waiting import PATIENCE

from avatarrig.kafka.clients import open_group_consumer, open_reader, open_transactional_producer
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.reading import partitions_of
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import create_topics
from avatarrig.metrics.detect import PERSON
from avatarrig.wire.topics import Topic
from processors.outcome import Output, Taken
from processors.positions import seek_to_committed
from processors.transaction import Transaction

pytestmark = pytest.mark.broker


def test_what_was_made_under_an_old_membership_is_not_committed_later(
    kafka: EmbeddedBroker,
) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)
    name = f"refused-{uuid.uuid4().hex[:8]}"
    create_topics(settings, [Topic(name, 2)])
    consumer = open_group_consumer(settings, [name], group=name, member="only")
    producer = open_transactional_producer(settings, name)
    try:
        join(consumer)
        transaction = Transaction(producer, name)
        now = consumer.group_metadata()
        transaction.add(taken(name, partition=0))
        with pytest.raises(CommitFailedError):
            transaction.commit(now._replace(generation_id=now.generation_id + 1))
        transaction.abort()
        transaction.add(taken(name, partition=1))
        transaction.commit(now)
        assert consumer.committed(TopicPartition(name, 1)) == 8
        assert consumer.committed(TopicPartition(name, 0)) is None
        assert committed(settings, name) == [b"of partition 1"], "records go with their offsets"
    finally:
        consumer.close(autocommit=False, timeout_ms=1000)
        producer.close(timeout=1)


def join(consumer: KafkaConsumer) -> None:
    give_up = time.monotonic() + PATIENCE
    while not consumer.assignment():
        assert time.monotonic() < give_up
        consumer.poll(timeout_ms=100)


def taken(topic: str, partition: int) -> Taken:
    """A message whose output goes where no other test reads."""
    message = Taken(partition, offset=7)
    message.settle(Output(topic, b"photo", f"of partition {partition}".encode(), PERSON))
    return message


def committed(settings: KafkaSettings, topic: str) -> list[bytes]:
    """What everybody sees of a topic."""
    with contextlib.closing(open_reader(settings)) as reader:
        starts = reader.beginning_offsets(partitions_of(reader, topic))
        return [message.value for _, message in read_to_end(reader, starts)]


def test_offsets_behind_a_transaction_that_never_ends_are_read_past_it(
    kafka: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avatarrig.kafka.groups.COMMITTED_MS", 1000)
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)
    name = f"endless-{uuid.uuid4().hex[:8]}"
    create_topics(settings, [Topic(name, 1)])
    place = TopicPartition(name, 0)
    consumer = open_group_consumer(settings, [name], group=name, member="only")
    producer = open_transactional_producer(settings, name, transaction_timeout_ms=600_000)
    try:
        join(consumer)
        consumer.commit({place: OffsetAndMetadata(3, "", -1)})
        producer.begin_transaction()
        producer.send_offsets_to_transaction(
            {place: OffsetAndMetadata(8, "", -1)}, consumer.group_metadata()
        )
        with pytest.raises(KafkaTimeoutError):
            consumer.committed(place, timeout_ms=1000)
        seek_to_committed(consumer, settings, name)
        assert consumer.position(place) == 3
        producer.abort_transaction()
    finally:
        consumer.close(autocommit=False, timeout_ms=1000)
        producer.close(timeout=1)
