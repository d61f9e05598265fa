"""The one reader of topics: every message is taken once, in order, whatever it holds.

A message that holds no record of its topic is refused: it is counted, told with topic, partition
and offset, and the reading goes on behind it.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from avatarrig.kafka.border import told_by
from avatarrig.kafka.clients import open_reader
from avatarrig.kafka.errors import TransportError
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.wire import RecordRefusedError
from avatarrig.wire.channels import Channel
from avatarrig.wire.keys import origin

POLL_MS: Final = 500
PATIENCE_SECONDS: Final = 30.0
MOST_AT_ONCE: Final = 500
_TOLD_ONE_BY_ONE: Final = 10
_log = structlog.get_logger(__name__)

Consumer = KafkaConsumer
Partition = TopicPartition
Offsets = Mapping[TopicPartition, int]
"""Partitions to offsets in them."""


class Refused(msgspec.Struct, frozen=True):
    """Stands for a record in a message that holds none of its topic's. `why`: what does not fit."""

    why: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a topic.

    Attributes:
        at: When it was written, Unix seconds.
        key: Its key; empty where it has none.
        record: As its `Channel` reads it; `Refused` where it does not fit, None for a tombstone.
    """

    topic: str
    partition: int
    offset: int
    at: float
    key: bytes
    record: object

    @property
    def origin(self) -> str:
        """Names it for people."""
        return origin(self.topic, self.partition, self.offset)


Tell = Callable[[Message, str, int], None]
"""Hears of a refused message: the message, why, and how many of its topic were refused by now."""


def log_refusal(message: Message, why: str, count: int) -> None:
    """Logs a refused message; of many, one for each doubling of their number."""
    if count <= _TOLD_ONE_BY_ONE or count & (count - 1) == 0:
        _log.warning(
            "a message was refused and passed over",
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            why=why,
            refused=count,
        )


class Reader:
    """Reads topics from given offsets on.

    Args:
        consumer: In no need of its present assignment; its owner closes it.
        channels: How each topic's messages are read.
        starts: First offset of each partition to read.
        latest_only: Topics of which, as long as the reader is behind, of several messages with
            the same key only the last is decoded.

    Attributes:
        starts: As given.
        firsts: First offset that each of these partitions still has.
        ends: The offset after its last message, when the reader was made.
        refused: How many messages were refused, by topic.
    """

    def __init__(
        self,
        consumer: KafkaConsumer,
        channels: Iterable[Channel[Any]],
        starts: Offsets,
        *,
        latest_only: Collection[str] = (),
        tell: Tell = log_refusal,
    ) -> None:
        self.starts = dict(starts)
        self.refused: Counter[str] = Counter()
        self._consumer = consumer
        self._channels = {channel.topic: channel for channel in channels}
        self._latest_only = latest_only
        self._tell = tell
        with told_by("Kafka answers with an error"):
            consumer.assign(list(starts))
            self.firsts = offsets_of(consumer.beginning_offsets, starts)
            self.ends = offsets_of(consumer.end_offsets, starts)
            for partition, offset in starts.items():
                consumer.seek(partition, offset)
        self._behind = {p for p, offset in starts.items() if offset < self.ends[p]}

    @property
    def behind(self) -> bool:
        """Whether it still reads what was there at its start."""
        return bool(self._behind)

    @property
    def distance(self) -> int:
        """How many offsets of what was there at its start are still to be read."""
        return sum(self.ends[p] - self._position(p) for p in self._behind)

    def positions(self) -> dict[TopicPartition, int]:
        """Returns the offset that is read next of each partition."""
        return {partition: self._position(partition) for partition in self.starts}

    def poll(self, seconds: float) -> list[Message]:
        """Waits for messages.

        Args:
            seconds: To wait at most.

        Raises:
            TransportError: Kafka answers with an error.
        """
        with told_by("Kafka answers with an error"):
            batches = self._consumer.poll(timeout_ms=round(seconds * 1000))
            behind = self.behind
            messages = [
                self._read(partition, raw)
                for partition, batch in batches.items()
                for raw in self._worth_reading(partition, batch, behind=behind)
            ]
            self._behind = {p for p in self._behind if self._position(p) < self.ends[p]}
        return messages

    def _position(self, partition: TopicPartition) -> int:
        """Offset that is read next; the consumer, asked for one, looks after all partitions."""
        known = self._consumer._subscription.position(partition)
        return int(self._consumer.position(partition) if known is None else known.offset)

    def to_end(self) -> Iterator[Message]:
        """Yields what the topics held when the reader was made.

        Raises:
            TransportError: Kafka answers with an error, or delivers nothing for half a minute.
        """
        give_up = time.monotonic() + PATIENCE_SECONDS
        while self.behind:
            messages = self.poll(POLL_MS / 1000)
            for message in messages:
                if message.offset < self.ends[TopicPartition(message.topic, message.partition)]:
                    yield message
            if messages:
                give_up = time.monotonic() + PATIENCE_SECONDS
            elif time.monotonic() > give_up:
                raise TransportError(f"Kafka delivers nothing from {sorted(self._behind)}")

    def _worth_reading(
        self, partition: TopicPartition, batch: list[ConsumerRecord], *, behind: bool
    ) -> list[ConsumerRecord]:
        if behind and partition.topic in self._latest_only:
            return list({raw.key: raw for raw in batch}.values())
        return batch

    def _read(self, partition: TopicPartition, raw: ConsumerRecord) -> Message:
        why = ""
        record: object = None
        if raw.value is not None:
            try:
                record = self._channels[partition.topic].decode(raw.value)
            except RecordRefusedError as error:
                why = str(error)
                record = Refused(why)
        message = Message(
            topic=partition.topic,
            partition=partition.partition,
            offset=raw.offset,
            at=raw.timestamp / 1000,
            key=raw.key or b"",
            record=record,
        )
        if why:
            self.refused[message.topic] += 1
            self._tell(message, why, self.refused[message.topic])
        return message


@contextlib.contextmanager
def reading(kafka: KafkaSettings, **options: Any) -> Iterator[KafkaConsumer]:
    """Opens a consumer for a `Reader`, and closes it afterwards.

    Raises:
        ConnectionRefusedByKafkaError: Address, TLS or credentials were refused.
        TransportError: Kafka does not answer, or answers with an error.
    """
    usual = {"max_poll_records": MOST_AT_ONCE, "fetch_max_wait_ms": 100}
    consumer = open_reader(kafka, **{**usual, **options})
    try:
        with told_by("Kafka answers with an error"):
            yield consumer
    finally:
        consumer.close()


def partitions_of(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    """Lists a topic's partitions.

    Raises:
        TransportError: There is no such topic: nothing was ever run against this Kafka.
    """
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise TransportError(f"there is no topic {topic}: no pipeline has used this Kafka yet")
    return [TopicPartition(topic, number) for number in sorted(numbers)]


def offsets_of(
    ask: Callable[[list[TopicPartition]], dict[TopicPartition, int]],
    partitions: Iterable[TopicPartition],
) -> dict[TopicPartition, int]:
    """Asks for an offset of each partition.

    kafka-python stumbles over partitions whose leaders it does not know at that moment, as after a
    change of what it is assigned: then it is asked again.

    Args:
        ask: ``beginning_offsets`` or ``end_offsets`` of a consumer.

    Raises:
        TransportError: A partition has no leader for half a minute.
    """
    asked = list(partitions)
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask(asked)
        except KeyError as error:
            if time.monotonic() > give_up:
                raise TransportError(f"nobody serves {error.args[0]}") from error
            time.sleep(POLL_MS / 1000)


def from_beginning(consumer: KafkaConsumer, *topics: str) -> dict[TopicPartition, int]:
    """Returns the first offset of each partition of some topics.

    Raises:
        TransportError: There is no such topic.
    """
    partitions = [each for topic in topics for each in partitions_of(consumer, topic)]
    return offsets_of(consumer.beginning_offsets, partitions)


def from_latest(consumer: KafkaConsumer, topic: str, most: int) -> dict[TopicPartition, int]:
    """Returns where the latest offsets of each partition begin.

    Args:
        most: At most so many offsets of each partition.

    Raises:
        TransportError: There is no such topic.
    """
    first = from_beginning(consumer, topic)
    ends = offsets_of(consumer.end_offsets, first)
    return {partition: max(first[partition], ends[partition] - most) for partition in first}


def from_time(consumer: KafkaConsumer, topic: str, since: float) -> dict[TopicPartition, int]:
    """Returns the first offset of each partition that was written at a time or later.

    Args:
        since: Unix seconds.

    Raises:
        TransportError: There is no such topic.
    """
    partitions = partitions_of(consumer, topic)
    ends = offsets_of(consumer.end_offsets, partitions)
    found = consumer.offsets_for_times(dict.fromkeys(partitions, max(0, round(since * 1000) - 1)))
    return {p: found[p].offset if found.get(p) else ends[p] for p in partitions}
