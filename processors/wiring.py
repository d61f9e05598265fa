"""A replica's connections to the broker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kafka import KafkaConsumer, KafkaProducer

from avatarrig.kafka.clients import open_group_consumer, open_transactional_producer
from avatarrig.process.watchdog import Watchdog
from avatarrig.wire.topics import IMAGES
from processors.settings import ReplicaSettings

_BUFFER_BYTES = 64 << 10
"""Of one partition's references, some 100: memory stays flat however many are queued."""
_CONNECT_SECONDS = 90.0
"""Patience with the clients' start; they have time-outs of their own."""


@contextmanager
def connect(
    settings: ReplicaSettings, watchdog: Watchdog
) -> Iterator[tuple[KafkaConsumer, KafkaProducer]]:
    """Opens a replica's consumer and transactional producer, and closes them afterwards.

    The member of the group and the transactions go by the replica's slot: a restarted replica
    gets its partitions back at once, and what its predecessor left open is aborted.

    Args:
        watchdog: Gets a sign of life before each step.

    Raises:
        TransportError: There is no connection, or the broker refuses it.
        KafkaError: The transactions of this slot cannot be taken over.
    """
    watchdog.alive("connecting the producer, taking over its transactions", _CONNECT_SECONDS)
    producer = open_transactional_producer(
        settings.kafka, settings.member, client_id=settings.member
    )
    try:
        watchdog.alive("connecting the consumer", _CONNECT_SECONDS)
        consumer = open_group_consumer(
            settings.kafka,
            [IMAGES],
            group=settings.group,
            member=settings.member,
            max_partition_fetch_bytes=_BUFFER_BYTES,
        )
        try:
            yield consumer, producer
        finally:
            watchdog.alive("closing the consumer")
            consumer.close(autocommit=False, timeout_ms=1000)
    finally:
        watchdog.alive("closing the producer")
        producer.close(timeout=1)
