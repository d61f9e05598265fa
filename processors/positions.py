"""Where a replica's consumer stands: at the committed offsets, and alive in its group."""

from __future__ import annotations

import contextlib
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError

from avatarrig.kafka import KafkaSettings, last_committed, resume_from

Messages = dict[TopicPartition, list[Any]]

_COMMITTED_MS = 30_000
"""Every transaction has ended by then: it lives 10 s, and Kafka looks for dead ones every 10 s."""

LONGEST_SEEK_SECONDS = 2 * _COMMITTED_MS / 1000
"""Going back to the committed offsets takes no longer."""


def poll_nothing(consumer: KafkaConsumer) -> Messages:
    """Shows a consumer to its group without taking more."""
    flowing = consumer.assignment() - consumer.paused()
    consumer.pause(*flowing)
    nothing: Messages = consumer.poll(timeout_ms=0)
    consumer.resume(*(flowing & consumer.assignment()))
    return nothing


def seek_to_committed(consumer: KafkaConsumer, kafka: KafkaSettings, group: str) -> None:
    """Takes a consumer back to what its group has committed in its partitions.

    Args:
        kafka: Where to ask again if a transaction does not end.
    """
    for partition, offset in _committed(consumer, kafka, group).items():
        # Partitions may be taken away meanwhile; then the group has changed, and all this
        # is done again.
        with contextlib.suppress(ValueError, KeyError):
            resume_from(consumer, partition, offset)


def _committed(
    consumer: KafkaConsumer, kafka: KafkaSettings, group: str
) -> dict[TopicPartition, int | None]:
    partitions = consumer.assignment()
    try:
        return {p: consumer.committed(p, timeout_ms=_COMMITTED_MS) for p in partitions}
    except KafkaTimeoutError:
        return last_committed(kafka, group, partitions)
