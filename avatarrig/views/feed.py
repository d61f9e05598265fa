"""What is read of the topics by those who look on, from any machine that reaches Kafka."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from avatarrig.kafka.groups import read_groups
from avatarrig.kafka.reading import (
    PATIENCE_SECONDS,
    Consumer,
    Message,
    Offsets,
    Partition,
    Reader,
    Tell,
    from_beginning,
    from_latest,
    from_time,
    log_refusal,
    partitions_of,
    reading,
)
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import admin_client
from avatarrig.views.board import EVERYTHING, Board
from avatarrig.views.sighting import SIGHTINGS
from avatarrig.views.stream import MINUTE
from avatarrig.wire import Decision, Forget, Observation, Reject
from avatarrig.wire.channels import ESTIMATED, NOTED, OBSERVED, REFERENCES, REJECTED, Channel
from avatarrig.wire.estimate import Estimate
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.topics import HISTORY, IMAGES, OBSERVATIONS, REJECTS, SKELETONS

CHANNELS: Final = (ESTIMATED, SIGHTINGS, REJECTED, REFERENCES, NOTED)

WATCHED: Final = (SKELETONS, OBSERVATIONS, REJECTS, IMAGES, HISTORY)
ESTIMATES: Final = (SKELETONS,)
ESTIMATES_OVER_TIME: Final = (SKELETONS, HISTORY)
ESTIMATES_OF_NOW: Final = (SKELETONS, OBSERVATIONS)
"""The latest photos tell which of a subject's estimates is the one of now."""


LATEST: Final = {OBSERVATIONS: 30, REJECTS: 2000}
"""Of these topics only so many of each partition's latest offsets are read at the start."""

MOST_REFERENCES: Final = 50_000
"""Older ones are counted by their offsets: of so many nobody minds a tombstone."""

MOST_OBSERVATIONS: Final = 5_000
"""More are not read at the start, even where they might take a reject off the list."""

_FETCHED_BYTES: Final = 1 << 20
_POLL_SECONDS: Final = 0.2


@contextmanager
def following(
    kafka: KafkaSettings, topics: Collection[str] = WATCHED, *, tell: Tell = log_refusal
) -> Iterator[Reader]:
    """Reads topics and goes on: estimates from the beginning, photos and rejects from lately on.

    Raises:
        ConnectionRefusedByKafkaError: Address, TLS or credentials were refused.
        TransportError: Kafka does not answer, or no pipeline has used it.
    """
    with reading(kafka, max_partition_fetch_bytes=_FETCHED_BYTES) as consumer:
        starts = {
            partition: offset
            for topic in topics
            for partition, offset in _starts(consumer, topic).items()
        }
        if {OBSERVATIONS, REJECTS} <= set(topics):
            starts |= _since_rejected(consumer, starts)
        yield Reader(consumer, CHANNELS, starts, latest_only=(SKELETONS,), tell=tell)


def advance(reader: Reader, board: Board, seconds: float) -> list[Message]:
    """Waits for messages and has a board take them in.

    Args:
        board: Knows where the reader began.
        seconds: To wait at most.

    Raises:
        TransportError: Kafka answers with an error.
    """
    messages = reader.poll(seconds)
    board.take(messages, reader.positions())
    return messages


def look(kafka: KafkaSettings, *, tell: Tell = log_refusal) -> Board:
    """Reads what the topics say by now: all that is rejected, all estimates, what waits.

    Raises:
        ConnectionRefusedByKafkaError: Address, TLS or credentials were refused.
        TransportError: Kafka does not answer, or no pipeline has used it.
    """
    board = Board(EVERYTHING)
    with reading(kafka) as consumer:
        starts = _starts(consumer, IMAGES) | from_beginning(consumer, REJECTS, SKELETONS)
        _fill(board, consumer, (REFERENCES, REJECTED, ESTIMATED), starts, tell)
        rejects = board.rejects.standing()
        # Only observations younger than the oldest reject can take one off the list.
        oldest = min((photo.latest.rejected_at for photo in rejects), default=time.time())
        recent = from_time(consumer, OBSERVATIONS, min(oldest, time.time() - MINUTE))
        latest = _starts(consumer, OBSERVATIONS)
        starts = {partition: min(at, latest[partition]) for partition, at in recent.items()}
        _fill(board, consumer, (SIGHTINGS,), starts, tell)
        with admin_client(kafka) as admin:
            begun = board.snapshot().stream.found > 0
            board.groups(read_groups(admin, patience=PATIENCE_SECONDS, begun=begun))
    return board


def estimates_by_now(kafka: KafkaSettings) -> dict[str, Estimate]:
    """Reads the latest estimate of each subject.

    Raises:
        ConnectionRefusedByKafkaError: Address, TLS or credentials were refused.
        TransportError: Kafka does not answer, or no pipeline has used it.
    """
    board = Board(EVERYTHING)
    with following(kafka, ESTIMATES_OF_NOW) as reader:
        while reader.behind:
            advance(reader, board, _POLL_SECONDS)
    return {
        subject.name: subject.record.estimate
        for subject in board.snapshot().estimated
        if subject.record is not None
    }


def observations_by_now(
    kafka: KafkaSettings, subject: str, *, tell: Tell = log_refusal
) -> tuple[list[Observation], dict[str, str]]:
    """Reads what was observed of a subject, and what was decided about its photos.

    Returns:
        The latest observation of each photo, and image_id to standing.

    Raises:
        ConnectionRefusedByKafkaError: Address, TLS or credentials were refused.
        TransportError: Kafka does not answer, or no pipeline has used it.
    """
    seen: dict[tuple[int, str], Observation] = {}
    standings: dict[tuple[int, str], str] = {}
    with reading(kafka) as consumer:
        starts = from_beginning(consumer, OBSERVATIONS)
        for message in Reader(consumer, (OBSERVED,), starts, tell=tell).to_end():
            match message.record:
                case Forget(forget=digest) if digest == subject_digest(subject):
                    seen = {key: one for key, one in seen.items() if key[0] != message.partition}
                    standings = {
                        key: one for key, one in standings.items() if key[0] != message.partition
                    }
                case Decision(subject=whose) as decision if whose == subject:
                    for image_id in decision.image_ids:
                        standings[message.partition, image_id] = decision.standing
                case Observation(subject=whose) as observation if whose == subject:
                    seen[message.partition, observation.image_id] = observation
    ordered = sorted(seen.values(), key=lambda one: one.observed_at)
    latest = {one.image_id: one for one in ordered}
    return list(latest.values()), {image_id: one for (_, image_id), one in standings.items()}


def _since_rejected(consumer: Consumer, starts: Offsets) -> dict[Partition, int]:
    """Returns where observations begin that may take a reject off the list, as far as they fit."""
    rejects = {partition: at for partition, at in starts.items() if partition.topic == REJECTS}
    reader = Reader(consumer, (REJECTED,), rejects, tell=lambda *_: None)  # they are read again
    records = (message.record for message in reader.to_end())
    times = [record.rejected_at for record in records if isinstance(record, Reject)]
    if not times:
        return {}
    since = from_time(consumer, OBSERVATIONS, min(times))
    most = from_latest(consumer, OBSERVATIONS, MOST_OBSERVATIONS // len(since))
    return {
        partition: min(starts[partition], max(since[partition], most[partition]))
        for partition in since
    }


def _fill(
    board: Board, consumer: Consumer, channels: Iterable[Channel[Any]], starts: Offsets, tell: Tell
) -> None:
    reader = Reader(consumer, channels, starts, tell=tell)
    board.begin(reader.firsts, reader.starts)
    board.take(reader.to_end())
    board.take((), reader.positions())


def _starts(consumer: Consumer, topic: str) -> dict[Partition, int]:
    if topic == IMAGES:
        partitions = len(partitions_of(consumer, topic))
        return from_latest(consumer, topic, MOST_REFERENCES // partitions)
    if topic in LATEST:
        return from_latest(consumer, topic, LATEST[topic])
    if topic == HISTORY and not consumer.partitions_for_topic(topic):
        return {}  # of an older pipeline
    return from_beginning(consumer, topic)
