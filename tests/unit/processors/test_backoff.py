"""Partitions whose storage is away wait ever longer, and never for good. No broker here."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from kafka import TopicPartition

from processors.backoff import BackOff

PLACE = TopicPartition("images", 3)


class Consumer:
    """Stands in for kafka-python's; the integration tests hold a real one."""

    def __init__(self) -> None:
        self.paused: set[TopicPartition] = set()
        self.sought: list[int] = []
        self._fetcher = SimpleNamespace(_paused_partition_records={})

    def assignment(self) -> set[TopicPartition]:
        return {PLACE}

    def pause(self, place: TopicPartition) -> None:
        self.paused.add(place)

    def resume(self, place: TopicPartition) -> None:
        self.paused.remove(place)

    def seek(self, place: TopicPartition, offset: int) -> None:
        assert place == PLACE
        self.sought.append(offset)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("processors.backoff.time", clock)
    return clock


def seconds_held(back_off: BackOff, consumer: Consumer, clock: Clock) -> int:
    """Whole seconds until a partition that was just held flows again."""
    begun = clock.now
    while consumer.paused:
        clock.now += 1.0
        back_off.release_due()
    return round(clock.now - begun)


def test_a_partition_waits_ever_longer_and_is_always_tried_again(clock: Clock) -> None:
    consumer = Consumer()
    back_off = BackOff(consumer)
    waits = []
    for offset in range(10):
        back_off.hold(PLACE, offset)
        waits.append(seconds_held(back_off, consumer, clock))
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert consumer.sought == list(range(10)), "it goes on with the photo that waited"


def test_after_an_answer_the_next_wait_is_a_short_one(clock: Clock) -> None:
    consumer = Consumer()
    back_off = BackOff(consumer)
    for _ in range(5):
        back_off.hold(PLACE, 7)
        seconds_held(back_off, consumer, clock)
    assert back_off.forget(PLACE)
    back_off.hold(PLACE, 8)
    assert seconds_held(back_off, consumer, clock) == 1
