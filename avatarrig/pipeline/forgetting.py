"""Takes everything about a subject out of Kafka."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from avatarrig.errors import CommandError
from avatarrig.kafka.clients import producing
from avatarrig.kafka.groups import GroupState, read_groups
from avatarrig.kafka.reading import Reader, from_beginning, offsets_of, partitions_of, reading
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import admin_client
from avatarrig.wire import Departed, Forget, Reject, encode
from avatarrig.wire.channels import (
    ESTIMATED,
    NOTED,
    OBSERVED,
    REFERENCES,
    REJECTED,
    TALLIED,
    Channel,
)
from avatarrig.wire.counted import counted
from avatarrig.wire.identity import subject_digest, subject_name
from avatarrig.wire.keys import forget_key, run_of_reference
from avatarrig.wire.topics import (
    AGGREGATORS,
    DETECTOR_GROUPS,
    IMAGES,
    OBSERVATIONS,
    TALLIES,
    run_of_group,
)

PATIENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.2

Found = dict[tuple[TopicPartition, bytes], int]
"""Partition and key of the subject's messages, and the offset of the latest."""


WRITTEN: Final = (REFERENCES, OBSERVED, REJECTED)
"""What producers and detectors write."""

DERIVED: Final = (TALLIED, ESTIMATED, NOTED)
"""What aggregators write."""


def forget_subject(kafka: KafkaSettings, subject: str) -> dict[str, int]:
    """Writes tombstones for all that Kafka holds of a subject, and has the estimate taken back.

    Doing it again is harmless.

    Args:
        kafka: Where the pipeline runs.

    Returns:
        Topic to messages that got a tombstone.

    Raises:
        CommandError: Photos of the subject still wait for detectors, or the aggregator that
            runs does not get to it.
    """
    removed: dict[str, int] = {}
    with reading(kafka) as reader, producing(kafka) as producer:
        found = {channel.topic: find_messages(reader, channel, subject) for channel in WRITTEN}
        _refuse_waiting(kafka, found[IMAGES], subject)
        ends = _send_forget(producer, reader, subject)
        for topic, messages in found.items():
            removed[topic] = _write_tombstones(producer, messages)
        _await_aggregator(kafka, ends)
        for channel in DERIVED:
            removed[channel.topic] = _write_tombstones(
                producer, find_messages(reader, channel, subject)
            )
    return removed


def find_messages(reader: KafkaConsumer, channel: Channel[Any], subject: str) -> Found:
    """Finds the keys of a topic whose latest message is the subject's."""
    found: Found = {}
    starts = from_beginning(reader, channel.topic)
    for message in Reader(reader, (channel,), starts).to_end():
        if not message.key:
            continue
        place = TopicPartition(message.topic, message.partition)
        if subject_name(_subject_of(message.record) or "") == subject_name(subject):
            found[place, message.key] = message.offset
        else:
            found.pop((place, message.key), None)
    return found


def _subject_of(record: object) -> str | None:
    """Whose record it is; None where it is nobody's."""
    if isinstance(record, Reject):
        # That somebody's estimate cannot be made is told without a photo.
        return record.subject or None if record.reference is None else record.reference.subject
    if isinstance(record, Departed):  # a dataset is often called like its subject
        return record.dataset
    return getattr(record, "subject", None)


def _refuse_waiting(kafka: KafkaSettings, images: Found, subject: str) -> None:
    """A detector that has a photo still before it would bring the subject back."""
    with admin_client(kafka) as admin:
        groups = [
            group
            for group in read_groups(admin)
            if group.name.startswith(DETECTOR_GROUPS) and group.committed
        ]
    waiting = 0
    for (place, key), offset in images.items():
        run = run_of_reference(key)
        waiting += any(
            0 <= group.committed.get(place, -1) <= offset
            for group in groups
            if run_of_group(group.name) == run
        )
    if waiting:
        raise CommandError(
            f"{counted(waiting, 'photo')} of {subject} still waiting for detectors: let them "
            "finish, or take the photos away, and forget the subject then"
        )


def _send_forget(
    producer: KafkaProducer, reader: KafkaConsumer, subject: str
) -> dict[TopicPartition, int]:
    """Tells every partition of the observations; returns the offsets after that."""
    forget = Forget(forget=subject_digest(subject), forgotten_at=time.time())
    value, key = encode(forget), forget_key(forget, time.time_ns())
    sent = [
        producer.send(OBSERVATIONS, value=value, key=key, partition=place.partition)
        for place in partitions_of(reader, OBSERVATIONS)
    ]
    producer.flush()
    written = [each.get(timeout=PATIENCE_SECONDS) for each in sent]
    return {TopicPartition(OBSERVATIONS, each.partition): each.offset + 1 for each in written}


def _write_tombstones(producer: KafkaProducer, found: Found) -> int:
    sent = [
        producer.send(place.topic, value=None, key=key, partition=place.partition)
        for place, key in found
    ]
    producer.flush()
    for each in sent:
        each.get(timeout=PATIENCE_SECONDS)
    return len(sent)


def _await_aggregator(kafka: KafkaSettings, ends: Mapping[TopicPartition, int]) -> None:
    """Waits until an aggregator that runs has taken back what it knew.

    One that does not run does so when it starts again: what it was told waits for it.
    """
    give_up = time.monotonic() + PATIENCE_SECONDS
    with admin_client(kafka) as admin, reading(kafka) as reader:
        while (group := _aggregators(admin)) is not None and group.members:
            tallies = offsets_of(reader.end_offsets, partitions_of(reader, TALLIES))
            wanted = {**ends, **tallies}
            if all(group.committed.get(place, -1) >= end for place, end in wanted.items() if end):
                return
            if time.monotonic() > give_up:
                raise CommandError(
                    "the aggregator has not taken the estimate back yet: look at its log, and "
                    "give the same command again"
                )
            time.sleep(_LOOK_SECONDS)


def _aggregators(admin: KafkaAdminClient) -> GroupState | None:
    return next((group for group in read_groups(admin) if group.name == AGGREGATORS), None)
