"""Reads what topics hold by now, for commands that look and end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from avatarrig.kafka.errors import TransportError

POLL_MS = 500
PATIENCE_SECONDS = 30.0


def places_of(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    """Lists a topic's partitions.

    Raises:
        TransportError: There is no such topic: nothing was ever run against this Kafka.
    """
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise TransportError(f"there is no topic {topic}: no pipeline has used this Kafka yet")
    return [TopicPartition(topic, number) for number in sorted(numbers)]


def read_to_end(
    consumer: KafkaConsumer, starts: Mapping[TopicPartition, int]
) -> Iterator[tuple[TopicPartition, Any]]:
    """Yields the messages between the offsets given and today's end.

    Args:
        consumer: In no need of its present assignment.
        starts: First offset of each partition to read.

    Yields:
        Partition and message.

    Raises:
        TransportError: Kafka delivers nothing for half a minute.
    """
    consumer.assign(list(starts))
    ends = consumer.end_offsets(list(starts))
    for place, offset in starts.items():
        consumer.seek(place, offset)
    behind = {place for place, offset in starts.items() if offset < ends[place]}
    give_up = time.monotonic() + PATIENCE_SECONDS
    while behind:
        batches = consumer.poll(timeout_ms=POLL_MS)
        for place, messages in batches.items():
            for message in messages:
                if message.offset < ends[place]:
                    yield place, message
        behind = {place for place in behind if consumer.position(place) < ends[place]}
        if batches:
            give_up = time.monotonic() + PATIENCE_SECONDS
        elif time.monotonic() > give_up:
            raise TransportError(f"Kafka delivers nothing from {sorted(behind)}")
