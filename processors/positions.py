"""Where a replica's consumer stands: at the committed offsets, and alive in its group."""

from __future__ import annotations

import contextlib
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from avatarrig.kafka.groups import COMMITTED_MS, committed_of
from avatarrig.kafka.pausing import resume_from
from avatarrig.kafka.settings import KafkaSettings

Messages = dict[TopicPartition, list[Any]]

LONGEST_SEEK_SECONDS = 2 * COMMITTED_MS / 1000
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
    for partition, offset in committed_of(consumer, kafka, group).items():
        # Partitions may be taken away meanwhile; then the group has changed, and all this
        # is done again.
        with contextlib.suppress(ValueError, KeyError):
            resume_from(consumer, partition, offset)
