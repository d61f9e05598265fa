"""Producers and consumers with the settings under which nothing is lost or doubled."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from kafka import KafkaConsumer, KafkaProducer
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import KafkaError, KafkaTimeoutError

from avatarrig.kafka.border import told_by
from avatarrig.kafka.diagnosis import await_connection
from avatarrig.kafka.membership import keep_assignments
from avatarrig.kafka.settings import KafkaSettings

Client = TypeVar("Client")

BOOTSTRAP_TIMEOUT_MS = 15_000
REQUEST_TIMEOUT_MS = 15_000
DELIVERY_TIMEOUT_MS = 120_000
"""A broker that restarts or cannot be reached for half a minute costs patience, no record.
Must exceed linger plus request time-out."""

TRANSACTION_TIMEOUT_MS = 10_000
"""A dead replica's open transaction hides later records from readers for that long."""
TAKE_OVER_SECONDS = 40.0
"""A broker that starts, or has hundreds of partitions to make, names no coordinator for as long."""

_CLOSE_SECONDS = 1.0
"""By then all is sent, or it was told that it is not."""

SESSION_TIMEOUT_MS = 10_000
HEARTBEAT_MS = 500
MAX_POLL_INTERVAL_MS = 60_000
"""Photos take up to seconds each; pause partitions rather than miss a poll."""


def open_producer(settings: KafkaSettings, **options: Any) -> KafkaProducer:
    """Opens a producer: idempotent, acknowledged by every replica in sync, no topic made up.

    ``send`` returns a future; a record is safe when that is done, or after ``flush``.

    Args:
        options: kafka-python's, instead of the usual ones.

    Raises:
        ConnectionRefusedByKafkaError: Address, TLS or credentials were refused.
    """
    usual: dict[str, Any] = {
        "acks": "all",
        "enable_idempotence": True,
        "linger_ms": 5,
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
        "delivery_timeout_ms": DELIVERY_TIMEOUT_MS,
        "max_block_ms": DELIVERY_TIMEOUT_MS,
        "allow_auto_create_topics": False,
    }
    return _open(KafkaProducer, (), settings, {**usual, **options})


@contextmanager
def producing(settings: KafkaSettings) -> Iterator[KafkaProducer]:
    """Opens a producer as `open_producer` does, and closes it afterwards.

    Raises:
        ConnectionRefusedByKafkaError: Address, TLS or credentials were refused.
        TransportError: Kafka does not take a record, or does not say that it has it.
    """
    producer = open_producer(settings)
    try:
        with told_by(f"Kafka at {settings.bootstrap_servers} does not take a record"):
            yield producer
    finally:
        producer.close(timeout=_CLOSE_SECONDS)


def open_transactional_producer(
    settings: KafkaSettings, transactional_id: str, **options: Any
) -> KafkaProducer:
    """Opens a producer for transactions, and takes over those of its id.

    That fences an earlier producer of the same id and aborts what it left open, so the id
    belongs to a worker's slot, not to a process. ``commit_transaction()`` and
    ``send_offsets_to_transaction()`` wait without limit when the transaction's coordinator
    dies: a watchdog has to end the process.

    Args:
        transactional_id: The same at every start of the same slot.
        options: kafka-python's, instead of the usual ones.

    Raises:
        ConnectionRefusedByKafkaError: Address, TLS or credentials were refused.
        KafkaError: The transactions cannot be taken over, or not within `TAKE_OVER_SECONDS`.
    """
    usual: dict[str, Any] = {
        "transactional_id": transactional_id,
        "transaction_timeout_ms": TRANSACTION_TIMEOUT_MS,
        "request_timeout_ms": TRANSACTION_TIMEOUT_MS,
        "delivery_timeout_ms": 2 * TRANSACTION_TIMEOUT_MS,
        "max_block_ms": REQUEST_TIMEOUT_MS,
    }
    producer = open_producer(settings, **{**usual, **options})
    try:
        _take_over(producer, time.monotonic() + TAKE_OVER_SECONDS)
    except KafkaError:
        producer.close(timeout=0)
        raise
    return producer


def _take_over(producer: KafkaProducer, give_up: float) -> None:
    """Goes on waiting for what was asked for: each call waits no longer than a record would."""
    while True:
        try:
            producer.init_transactions()
        except KafkaTimeoutError:
            if time.monotonic() >= give_up:
                raise
        else:
            return


def open_group_consumer(
    settings: KafkaSettings, topics: Iterable[str], *, group: str, member: str, **options: Any
) -> KafkaConsumer:
    """Opens a member of a consumer group that reads committed records and commits nothing itself.

    Membership is static: a member that restarts under the same name gets its partitions back
    without a rebalance. To commit while partitions are revoked, use an
    ``AsyncConsumerRebalanceListener`` with ``await consumer.commit_async(offsets)``.

    Args:
        member: The slot's name, unique in the group, the same at every start.
        options: kafka-python's, instead of the usual ones.

    Raises:
        ConnectionRefusedByKafkaError: Address, TLS or credentials were refused.
    """
    usual: dict[str, Any] = {
        "group_id": group,
        "group_instance_id": member,
        "client_id": member,
        "session_timeout_ms": SESSION_TIMEOUT_MS,
        "heartbeat_interval_ms": HEARTBEAT_MS,
        "max_poll_interval_ms": MAX_POLL_INTERVAL_MS,
        "max_poll_records": 16,
        # After a rebalance everything is taken anew from the committed offsets anyway, so nothing
        # is gained by keeping partitions through it, as the cooperative one would.
        "partition_assignment_strategy": (RangePartitionAssignor,),
    }
    names = tuple(topics)
    consumer = open_reader(settings, names, **{**usual, **options})
    keep_assignments(consumer)
    for name in names:  # a member that joins before it knows a topic's partitions joins twice
        consumer.partitions_for_topic(name)
    return consumer


def open_reader(
    settings: KafkaSettings, topics: Iterable[str] = (), **options: Any
) -> KafkaConsumer:
    """Opens a consumer in no group: committed records from the beginning, no commits.

    Args:
        topics: To subscribe to; none to ``assign`` partitions oneself.
        options: kafka-python's, instead of the usual ones.

    Raises:
        ConnectionRefusedByKafkaError: Address, TLS or credentials were refused.
    """
    usual: dict[str, Any] = {
        "isolation_level": "read_committed",
        "auto_offset_reset": "earliest",
        "enable_auto_commit": False,
        "allow_auto_create_topics": False,
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
    }
    return _open(KafkaConsumer, tuple(topics), settings, {**usual, **options})


def _open(
    kind: Callable[..., Client],
    arguments: tuple[str, ...],
    settings: KafkaSettings,
    options: dict[str, Any],
) -> Client:
    connection = {"bootstrap_timeout_ms": BOOTSTRAP_TIMEOUT_MS, "reconnect_backoff_max_ms": 1_000}
    chosen = {**settings.client_options(), **connection, **options}
    await_connection(settings, chosen["bootstrap_timeout_ms"])
    with told_by(f"Kafka at {settings.bootstrap_servers} does not answer"):
        return kind(*arguments, **chosen)
