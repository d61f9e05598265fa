"""A partition that waited while others went on, on real Apache Kafka."""

from __future__ import annotations

import contextlib
import time
import uuid

import pytest
from kafka import KafkaConsumer, TopicPartition
from support.waiting import PATIENCE

from avatarrig.kafka.clients import open_producer, open_reader
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.pausing import resume_from
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import create_topics
from avatarrig.wire.topics import Topic

pytestmark = pytest.mark.broker
RECORDS = 40
AT_ONCE = 5


def test_a_partition_that_waited_flows_again(kafka: EmbeddedBroker) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)
    name = f"waiting-{uuid.uuid4().hex[:8]}"
    create_topics(settings, [Topic(name, 2)])
    fill(settings, name)
    with contextlib.closing(open_reader(settings)) as consumer:
        places = [TopicPartition(name, number) for number in range(2)]
        consumer.assign(places)
        held = read(consumer, 1)[0]
        consumer.pause(TopicPartition(name, held))
        assert read(consumer, RECORDS) == [1 - held] * RECORDS
        resume_from(consumer, TopicPartition(name, held), 0)
        assert read(consumer, RECORDS) == [held] * RECORDS


def fill(settings: KafkaSettings, name: str) -> None:
    with contextlib.closing(open_producer(settings)) as producer:
        for number in range(2 * RECORDS):
            producer.send(name, value=b"x", partition=number % 2)
        producer.flush()


def read(consumer: KafkaConsumer, least: int) -> list[int]:
    """Reads a few records at a time; returns the partition of each."""
    partitions: list[int] = []
    give_up = time.monotonic() + PATIENCE
    while len(partitions) < least:
        assert time.monotonic() < give_up, partitions
        for place, records in consumer.poll(timeout_ms=200, max_records=AT_ONCE).items():
            partitions += [place.partition] * len(records)
    return partitions
