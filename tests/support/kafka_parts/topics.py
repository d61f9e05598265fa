"""What topics hold, message by message, as kafka-python gives it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from support.waiting import PATIENCE, wait_for


def read_to_end(
    consumer: KafkaConsumer, starts: Mapping[TopicPartition, int]
) -> Iterator[tuple[TopicPartition, Any]]:
    """Yields the messages between the offsets given and today's end."""
    consumer.assign(list(starts))
    ends = consumer.end_offsets(list(starts))
    for partition, offset in starts.items():
        consumer.seek(partition, offset)
    found: list[tuple[TopicPartition, Any]] = []

    def is_read() -> bool:
        for partition, messages in consumer.poll(timeout_ms=100).items():
            found.extend((partition, each) for each in messages if each.offset < ends[partition])
        return all(consumer.position(partition) >= end for partition, end in ends.items())

    wait_for(is_read, patience=PATIENCE)
    yield from found
