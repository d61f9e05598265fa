"""How many photos the images topic names, and since when the oldest of them waits."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from kafka import KafkaConsumer, TopicPartition

from avatarrig.transport import read_to_end

MOST_READ = 50_000
"""Of more messages nobody minds a tombstone: they are counted by their offsets."""


class References(msgspec.Struct, frozen=True):
    """Photos between an offset of each partition and today's end.

    Attributes:
        count: How many; tombstones are none.
        oldest: When the first was published, Unix seconds; None where there is none.
    """

    count: int
    oldest: float | None


def references_from(consumer: KafkaConsumer, starts: Mapping[TopicPartition, int]) -> References:
    """Counts the photos from the offsets given on.

    Args:
        consumer: In no need of its present assignment.
        starts: First offset of each partition of the images topic.

    Raises:
        TransportError: Kafka delivers nothing for half a minute.
    """
    ends = consumer.end_offsets(list(starts))
    behind = {place: offset for place, offset in starts.items() if offset < ends[place]}
    messages = sum(ends[place] - offset for place, offset in behind.items())
    if messages > MOST_READ:
        firsts = [_first(consumer, place, offset) for place, offset in behind.items()]
        return References(messages, min((at for at in firsts if at is not None), default=None))
    count, oldest = 0, None
    for _, message in read_to_end(consumer, behind):
        if message.value is not None:
            count += 1
            at = message.timestamp / 1000
            oldest = at if oldest is None else min(oldest, at)
    return References(count, oldest)


def _first(consumer: KafkaConsumer, place: TopicPartition, offset: int) -> float | None:
    for _, message in read_to_end(consumer, {place: offset}):
        if message.value is not None:
            return float(message.timestamp) / 1000
    return None
