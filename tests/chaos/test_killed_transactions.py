"""What was not committed when the broker was killed never appears."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest
from support.disturbed import read_committed, wait_until_gone
from support.kafka import with_topics

from avatarrig.broker import EmbeddedBroker
from avatarrig.topics import OBSERVATIONS
from avatarrig.transport import open_transactional_producer

pytestmark = pytest.mark.broker

TIMEOUT_SECONDS = 1.0


def test_a_transaction_that_times_out_while_the_broker_is_down_is_aborted(
    fresh_kafka: EmbeddedBroker,
) -> None:
    kafka = with_topics(fresh_kafka, 1)
    first = open_transactional_producer(
        kafka, "slot", transaction_timeout_ms=round(1000 * TIMEOUT_SECONDS)
    )
    first.init_transactions()
    first.begin_transaction()
    first.send(OBSERVATIONS, key=b"photo", value=b"never committed")
    first.flush()
    broker = psutil.Process(fresh_kafka.pid)
    os.kill(fresh_kafka.pid, signal.SIGKILL)
    wait_until_gone([broker])
    time.sleep(TIMEOUT_SECONDS)  # it is to time out before the broker is back
    fresh_kafka.restart()
    second = open_transactional_producer(kafka, "slot")
    second.init_transactions()
    second.begin_transaction()
    second.send(OBSERVATIONS, key=b"photo", value=b"committed")
    second.commit_transaction()
    second.close(timeout=1)
    assert read_committed(kafka, OBSERVATIONS) == [b"committed"]
    first.close(timeout=0)
