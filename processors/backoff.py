"""Partitions that wait for a photo's storage, each a little longer every time."""

from __future__ import annotations

import time
from dataclasses import dataclass

from kafka import KafkaConsumer, TopicPartition

from avatarrig.kafka.pausing import resume_from

_FIRST_SECONDS = 1.0
_LONGEST_SECONDS = 60.0


@dataclass
class _Pause:
    seconds: float
    until: float
    offset: int
    is_paused: bool


class BackOff:
    """Pauses partitions and resumes them when their time has come; there is no last try."""

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer
        self._back_off: dict[TopicPartition, _Pause] = {}

    def hold(self, partition: TopicPartition, offset: int) -> None:
        """Lets a partition wait; what comes from `offset` on is taken again afterwards."""
        known = self._back_off.get(partition)
        seconds = min(2 * known.seconds, _LONGEST_SECONDS) if known else _FIRST_SECONDS
        self._back_off[partition] = _Pause(
            seconds, time.monotonic() + seconds, offset, is_paused=True
        )
        if partition in self._consumer.assignment():
            self._consumer.pause(partition)

    def release_due(self) -> None:
        """Resumes the partitions that have waited long enough."""
        for partition, hold in self._back_off.items():
            if hold.is_paused and time.monotonic() >= hold.until:
                hold.is_paused = False
                if partition in self._consumer.assignment():
                    resume_from(self._consumer, partition, hold.offset)

    def forget(self, partition: TopicPartition) -> bool:
        """The partition's storage answers again; the next hold is a short one.

        Returns:
            Whether this was the last partition that waited.
        """
        return self._back_off.pop(partition, None) is not None and not self._back_off

    def forget_all(self) -> None:
        """Nothing waits any more, since all partitions are taken from their start again."""
        self._back_off.clear()
