"""Consumer groups of a run: where its detectors begin, and what already waits for them."""

from __future__ import annotations

import msgspec
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from avatarrig.records import PhotoReference, RecordRefusedError, decode
from avatarrig.topics import IMAGES

POLL_MS = 500


def detector_group(run: str) -> str:
    """Name of the consumer group that a run's detector replicas share."""
    return f"avatarrig.detectors.{run}"


class Waiting(msgspec.Struct, frozen=True):
    """What lies on the images topic behind a group's committed offsets.

    Attributes:
        image_ids: Photos of the run that wait for its detectors.
    """

    image_ids: frozenset[str]


def look_at_queue(consumer: KafkaConsumer, partitions: int, run: str) -> Waiting:
    """Finds what an earlier start of a run left on the images topic.

    A new run's group is set to the end of the topic, so that its detectors need not read
    what was published for others before.

    Args:
        consumer: In the group of the run's detectors, none of which is running.
        partitions: Partitions of the images topic.
        run: The run's identifier.
    """
    places = [TopicPartition(IMAGES, number) for number in range(partitions)]
    consumer.assign(places)
    ends: dict[TopicPartition, int] = consumer.end_offsets(places)
    committed = {place: consumer.committed(place) for place in places}
    if all(offset is None for offset in committed.values()):
        consumer.commit({p: OffsetAndMetadata(end, "", -1) for p, end in ends.items()})
        return Waiting(frozenset())
    for place in places:
        consumer.seek(place, committed[place] or 0)
    return Waiting(frozenset(_read(consumer, ends, run)))


def _read(consumer: KafkaConsumer, ends: dict[TopicPartition, int], run: str) -> set[str]:
    waiting: set[str] = set()
    behind = {place for place, end in ends.items() if consumer.position(place) < end}
    while behind:
        for messages in consumer.poll(timeout_ms=POLL_MS).values():
            waiting.update(_image_ids(messages, run))
        behind = {place for place in behind if consumer.position(place) < ends[place]}
    return waiting


def _image_ids(messages: list[object], run: str) -> set[str]:
    found = set()
    for message in messages:
        try:
            reference = decode(getattr(message, "value", None), PhotoReference)
        except RecordRefusedError:  # the detector replica sets it aside
            continue
        if reference.run == run:
            found.add(reference.image_id)
    return found
