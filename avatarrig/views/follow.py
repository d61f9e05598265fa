"""Follows what the topics say about a run."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import structlog
from kafka import KafkaConsumer, TopicPartition

from avatarrig.views.progress import Progress
from avatarrig.wire import (
    Decision,
    Forget,
    Observation,
    RecordRefusedError,
    Reject,
    SkeletonRecord,
    decode,
)
from avatarrig.wire.channels import OBSERVED
from avatarrig.wire.keys import series_of
from avatarrig.wire.topics import OBSERVATIONS, REJECTS, SKELETONS

FOLLOWED = (OBSERVATIONS, REJECTS, SKELETONS)
_log = structlog.get_logger(__name__)


class Follower:
    """Reads observations, rejects and estimates from their beginning on.

    Args:
        consumer: In no group, reading committed records only.
        partitions: Partitions of each topic.
        progress: What is told.
    """

    def __init__(self, consumer: KafkaConsumer, partitions: int, progress: Progress) -> None:
        self._consumer = consumer
        self._progress = progress
        self._assigned = [
            TopicPartition(topic, number) for topic in FOLLOWED for number in range(partitions)
        ]
        consumer.assign(self._assigned)
        consumer.seek_to_beginning(*self._assigned)

    def catch_up(self, seconds: float) -> None:
        """Reads what the topics hold by now.

        Args:
            seconds: Gives up then: a transaction that its dead owner left open hides what
                follows it until the broker ends it, and waiting only saves work.
        """
        give_up = time.monotonic() + seconds
        ends = self._consumer.end_offsets(self._assigned)
        behind = {place for place in self._assigned if ends[place] > 0}
        while behind and time.monotonic() < give_up:
            self.poll(0.1)
            behind = {p for p in behind if self._consumer.position(p) < ends[p]}

    def poll(self, seconds: float) -> bool:
        """Waits for news and tells the progress; returns whether there was any."""
        batches: dict[TopicPartition, list[Any]] = self._consumer.poll(
            timeout_ms=round(seconds * 1000)
        )
        for place, messages in batches.items():
            self._tell(place, messages)
        return bool(batches)

    def _tell(self, place: TopicPartition, messages: Iterable[Any]) -> None:
        now = time.monotonic()
        for message in messages:
            if message.value is None:  # a tombstone
                self._gone(place.topic, message.key)
                continue
            try:
                if place.topic == OBSERVATIONS:
                    self._observed(place, message, now)
                elif place.topic == REJECTS:
                    self._progress.reject(decode(message.value, Reject), now)
                else:
                    self._progress.skeleton(decode(message.value, SkeletonRecord))
            except RecordRefusedError as error:
                # The aggregator sets such records aside; here they only must not end the run.
                _log.warning("passed over a record", place=str(place), why=str(error))

    def _gone(self, topic: str, key: bytes | None) -> None:
        if topic == SKELETONS and key is not None:
            self._progress.no_skeleton(*series_of(key))

    def _observed(self, place: TopicPartition, message: Any, now: float) -> None:  # noqa: ANN401 - kafka-python's
        record = OBSERVED.decode(message.value)
        match record:
            case Forget():
                self._progress.forget(record.forget, place.partition)
            case Decision():
                self._progress.decision(record, place.partition, message.offset)
            case Observation():
                self._progress.observation(record, place.partition, message.offset, now)
