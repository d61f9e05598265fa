"""A transaction that was open when the broker was killed does not hold up its readers for ever."""

from __future__ import annotations

import time

import pytest
from support.kafka import kill
from support.waiting import PATIENCE

from avatarrig.kafka.clients import open_producer, open_reader, open_transactional_producer
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import create_topics
from avatarrig.wire.topics import Topic

pytestmark = pytest.mark.broker


def test_an_open_transaction_ends_after_the_broker_was_killed(
    fresh_kafka: EmbeddedBroker,
) -> None:
    settings = KafkaSettings(bootstrap_servers=fresh_kafka.bootstrap_servers)
    create_topics(settings, [Topic("records", 1)])
    producer = open_transactional_producer(settings, "slot")
    producer.begin_transaction()
    producer.send("records", value=b"never committed").get(timeout=PATIENCE)
    kill(fresh_kafka)
    fresh_kafka.restart()
    plain = open_producer(settings)
    plain.send("records", value=b"committed").get(timeout=PATIENCE)
    plain.close()
    reader = open_reader(settings, ["records"])
    seen: list[bytes] = []
    give_up = time.monotonic() + PATIENCE
    while not seen:
        assert time.monotonic() < give_up
        for batch in reader.poll(timeout_ms=500).values():
            seen += [record.value for record in batch]
    assert seen == [b"committed"]
    reader.close()
    producer.close(timeout=0)
