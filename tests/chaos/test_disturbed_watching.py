"""Whoever looks on goes on looking after the broker was killed."""

from __future__ import annotations

import psutil
import pytest
from support.aggregators.aggregating import producer
from support.body.estimates import said, skeleton
from support.kafka import with_topics
from support.waiting import wait_for

from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.views.watch import Watching
from avatarrig.wire import encode
from avatarrig.wire.history import history_of
from avatarrig.wire.topics import HISTORY, SKELETONS

pytestmark = pytest.mark.broker


def publish(kafka: KafkaSettings, numbers: range) -> None:
    with producer(kafka) as client:
        for number in numbers:
            record = skeleton(
                said(used=number),
                applied={0: number},
                observations=number,
                estimated_at=1.76e9 + number,
            )
            client.send(SKELETONS, key=b"anna", value=encode(record))
            client.send(HISTORY, key=str(number).encode(), value=encode(history_of(record)))
        client.flush()


def test_a_watcher_goes_on_after_the_broker_was_killed(fresh_kafka: EmbeddedBroker) -> None:
    kafka = with_topics(fresh_kafka, 1)
    publish(kafka, range(1, 40))
    with Watching(kafka) as watching:
        wait_for(lambda: "anna" in watching.snapshot().subjects)
        psutil.Process(fresh_kafka.pid).kill()
        wait_for(lambda: watching.trouble, every=0.05)
        assert "Error" not in watching.trouble, "a sentence, no class names"
        assert watching.snapshot().observed == 39, "what is known is still shown"
        fresh_kafka.restart()
        wait_for(lambda: not watching.trouble)
        publish(kafka, range(40, 45))
        wait_for(lambda: watching.snapshot().subjects["anna"].notes[-1].used == 44)
        wait_for(lambda: len(watching.snapshot().subjects["anna"].notes) == 44)
