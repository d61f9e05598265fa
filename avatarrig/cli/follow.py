"""Follows what the topics say about a run."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from avatarrig.progress import Progress
from avatarrig.records import (
    Forget,
    Observation,
    RefusingReader,
    Reject,
    SkeletonRecord,
    record_of,
)
from avatarrig.skeleton.current_evidence import judge
from avatarrig.skeleton.refused import StateRefusedError
from avatarrig.topics import OBSERVATIONS, REJECTS, SKELETONS

FOLLOWED = (OBSERVATIONS, REJECTS, SKELETONS)


class Follower:
    """Reads observations, rejects and estimates from their beginning on.

    Args:
        consumer: In no group, reading committed records only.
        partitions: Partitions of each topic.
        progress: What is told.

    Attributes:
        reader: Knows what was refused.
    """

    def __init__(self, consumer: KafkaConsumer, partitions: int, progress: Progress) -> None:
        self.reader = RefusingReader(record_of)
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
            match self.reader.read(message):
                case Observation() as observation:
                    self._observed(message, observation, now)
                case Forget() as forget:
                    self._progress.forget(forget.forget, place.partition)
                case Reject() as reject:
                    self._progress.reject(reject, now)
                case SkeletonRecord() as skeleton:
                    self._progress.skeleton(skeleton)

    def _observed(self, message: Any, observation: Observation, now: float) -> None:  # noqa: ANN401 - kafka-python's
        """Notes an observation, unless its evidence is such that no estimate will contain it."""
        try:
            judge(observation)
        except StateRefusedError as error:
            self.reader.refuse(message, str(error))
        else:
            self._progress.observation(observation, message.partition, message.offset, now)

    def _gone(self, topic: str, key: bytes | None) -> None:
        if topic == SKELETONS and key is not None:
            subject, _, fingerprint = key.decode("utf-8", "surrogateescape").rpartition("\0")
            self._progress.no_skeleton(subject, fingerprint)
