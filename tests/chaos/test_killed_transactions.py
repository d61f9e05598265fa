"""What was committed when the broker was killed appears everywhere, what was not, nowhere."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from support.cli.disturbed import read_committed
from support.kafka import kill, with_topics
from support.waiting import PATIENCE, wait_for

from avatarrig.kafka.clients import open_transactional_producer
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import admin_client, create_topics
from avatarrig.wire.topics import OBSERVATIONS, Topic

pytestmark = pytest.mark.broker

TIMEOUT_SECONDS = 1.0
PRODUCERS, PARTITIONS = 24, 60
OTHER_PARTITIONS = 800
"""They make the broker's start long, and with it the time in which it may forget to tell."""


def test_a_transaction_that_times_out_while_the_broker_is_down_is_aborted(
    fresh_kafka: EmbeddedBroker,
) -> None:
    kafka = with_topics(fresh_kafka, 1)
    first = open_transactional_producer(
        kafka, "slot", transaction_timeout_ms=round(1000 * TIMEOUT_SECONDS)
    )
    first.begin_transaction()
    first.send(OBSERVATIONS, key=b"photo", value=b"never committed")
    first.flush()
    kill(fresh_kafka)
    time.sleep(TIMEOUT_SECONDS)  # it is to time out before the broker is back
    fresh_kafka.restart()
    second = open_transactional_producer(kafka, "slot")
    second.begin_transaction()
    second.send(OBSERVATIONS, key=b"photo", value=b"committed")
    second.commit_transaction()
    second.close(timeout=1)
    assert read_committed(kafka, OBSERVATIONS) == [b"committed"]
    first.close(timeout=0)


def test_transactions_that_end_while_the_broker_is_killed_end_in_all_their_partitions(
    fresh_kafka: EmbeddedBroker,
) -> None:
    kafka = KafkaSettings(bootstrap_servers=fresh_kafka.bootstrap_servers)
    create_topics(kafka, [Topic("records", PARTITIONS), Topic("others", OTHER_PARTITIONS)])
    producers = [open_begun(kafka, f"slot-{number}") for number in range(PRODUCERS)]
    told = threading.Event()
    committing = [
        threading.Thread(target=commit, args=(producer, told), daemon=True)
        for producer in producers
    ]
    for thread in committing:
        thread.start()
    assert told.wait(PATIENCE)  # and the others are about to hear it
    kill(fresh_kafka)
    fresh_kafka.restart()
    for number in range(PRODUCERS):
        successor = open_transactional_producer(kafka, f"slot-{number}")
        successor.close(timeout=1)
    wait_for(lambda: not open_transactions(kafka), patience=PATIENCE)
    values = Counter(read_committed(kafka, "records"))
    assert set(values.values()) == {PARTITIONS}, "all of a transaction, or nothing"
    for producer in producers:
        producer.close(timeout=0)


def open_begun(kafka: KafkaSettings, slot: str) -> KafkaProducer:
    """A producer with a record in each partition, not committed."""
    producer = open_transactional_producer(kafka, slot)
    producer.begin_transaction()
    for partition in range(PARTITIONS):
        producer.send("records", partition=partition, value=slot.encode())
    producer.flush()
    return producer


def commit(producer: KafkaProducer, told: threading.Event) -> None:
    with contextlib.suppress(KafkaError):  # the broker is killed meanwhile
        producer.commit_transaction()
        told.set()


def open_transactions(kafka: KafkaSettings) -> list[TopicPartition]:
    """Partitions in which a transaction has not ended."""
    with admin_client(kafka) as client:
        places = [TopicPartition("records", number) for number in range(PARTITIONS)]
        return [
            place
            for place, state in client.describe_producers(places).items()
            if any(p.current_transaction_start_offset >= 0 for p in state.active_producers)
        ]
