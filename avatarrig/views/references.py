"""How many photos the images topic names, and since when the oldest of them waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from kafka import KafkaConsumer, TopicPartition

from avatarrig.kafka import read_to_end

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


Offsets = Mapping[TopicPartition, int]


def references_from(consumer: KafkaConsumer, starts: Sequence[Offsets]) -> list[References]:
    """Counts the photos from several offsets on, in one pass over the topic.

    Args:
        consumer: In no need of its present assignment.
        starts: First offsets to count from, of the same partitions of the images topic each.

    Returns:
        The photos from each of them on.

    Raises:
        TransportError: Kafka delivers nothing for half a minute.
    """
    ends = consumer.end_offsets([place for each in starts[:1] for place in each])
    behind = [
        {place: offset for place, offset in each.items() if offset < ends[place]} for each in starts
    ]
    messages = [sum(ends[place] - offset for place, offset in each.items()) for each in behind]
    few = [each for each, number in zip(behind, messages, strict=True) if number <= MOST_READ]
    counted = iter(_counted(consumer, few))
    return [
        next(counted) if number <= MOST_READ else References(number, _oldest(consumer, each))
        for each, number in zip(behind, messages, strict=True)
    ]


def _counted(consumer: KafkaConsumer, starts: Sequence[Offsets]) -> list[References]:
    lowest: dict[TopicPartition, int] = {}
    for each in starts:
        for place, offset in each.items():
            lowest[place] = min(offset, lowest.get(place, offset))
    published: list[list[float]] = [[] for _ in starts]
    for place, message in read_to_end(consumer, lowest):
        if message.value is None:
            continue
        for times, each in zip(published, starts, strict=True):
            if place in each and message.offset >= each[place]:
                times.append(message.timestamp / 1000)
    return [References(len(times), min(times, default=None)) for times in published]


def _oldest(consumer: KafkaConsumer, starts: Offsets) -> float | None:
    firsts = [_first(consumer, place, offset) for place, offset in starts.items()]
    return min((at for at in firsts if at is not None), default=None)


def _first(consumer: KafkaConsumer, place: TopicPartition, offset: int) -> float | None:
    for _, message in read_to_end(consumer, {place: offset}):
        if message.value is not None:
            return float(message.timestamp) / 1000
    return None
