"""A slot's transactions are taken over from a coordinator that is slow to be found."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from kafka.errors import KafkaError, KafkaTimeoutError, ProducerFencedError

from avatarrig.kafka import clients
from avatarrig.kafka.clients import TAKE_OVER_SECONDS, open_transactional_producer
from avatarrig.kafka.settings import KafkaSettings


class SlowProducer:
    """Answers so often with an error before its transactions begin."""

    def __init__(self, errors: Iterator[KafkaError]) -> None:
        self.errors = errors
        self.asked = 0
        self.closed = False

    def init_transactions(self) -> None:
        self.asked += 1
        if error := next(self.errors, None):
            raise error

    def close(self, **_: float) -> None:
        self.closed = True


def opened(monkeypatch: pytest.MonkeyPatch, producer: SlowProducer, seconds: float) -> object:
    """Opens it with a clock that each wait moves on by so much."""
    now = count(0.0, seconds)
    monkeypatch.setattr(clients, "open_producer", lambda *_, **__: producer)
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    return open_transactional_producer(KafkaSettings(bootstrap_servers="127.0.0.1:9092"), "slot-0")


def test_a_coordinator_that_takes_long_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = SlowProducer(iter([KafkaTimeoutError("15 s"), KafkaTimeoutError("15 s")]))
    assert opened(monkeypatch, slow, seconds=TAKE_OVER_SECONDS / 2.5) is slow
    assert slow.asked == 3
    assert not slow.closed


def test_it_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = SlowProducer(iter([KafkaTimeoutError("15 s")] * 9))
    with pytest.raises(KafkaTimeoutError):
        opened(monkeypatch, slow, seconds=TAKE_OVER_SECONDS / 2)
    assert slow.asked == 2
    assert slow.closed


def test_a_refusal_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = SlowProducer(iter([ProducerFencedError("another took the slot")]))
    with pytest.raises(ProducerFencedError):
        opened(monkeypatch, refused, seconds=1.0)
    assert refused.asked == 1
    assert refused.closed
