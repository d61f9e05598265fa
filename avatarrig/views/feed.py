"""Reads what somebody who watches a pipeline wants to see, from any machine that reaches Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import structlog
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from avatarrig.kafka.clients import open_reader
from avatarrig.kafka.errors import TransportError
from avatarrig.kafka.lag import read_lag
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.views import GroupStatus, Sighting, Stream, decode_sighting
from avatarrig.wire import (
    Forget,
    HistoryRecord,
    RecordRefusedError,
    Reject,
    SkeletonRecord,
    decode,
)
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.keys import series_of, series_of_history
from avatarrig.wire.topics import DETECTOR_GROUPS, HISTORY, IMAGES, OBSERVATIONS, REJECTS, SKELETONS

LATEST: Final = {OBSERVATIONS: 30, REJECTS: 2000}
"""Of these topics only so many of each partition's latest offsets are read at the start."""

MOST_AT_ONCE: Final = 500
_log = structlog.get_logger(__name__)

News = SkeletonRecord | HistoryRecord | Sighting | Reject | Forget


class Feed:
    """Estimates and their history from the beginning, photos and rejects from lately on.

    Args:
        kafka: Where Kafka is.
        history: Whether the history is wanted.

    Raises:
        ConnectionRefusedByKafkaError: Address, TLS or credentials were refused.
        TransportError: Kafka does not answer, or no pipeline has used it.
    """

    def __init__(self, kafka: KafkaSettings, *, history: bool = True) -> None:
        self._kafka = kafka
        self._consumer: KafkaConsumer = open_reader(
            kafka,
            max_poll_records=MOST_AT_ONCE,
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=1 << 20,
        )
        try:
            self._behind = self._start([SKELETONS, OBSERVATIONS, REJECTS, *[HISTORY] * history])
        except BaseException:
            self._consumer.close()
            raise

    def close(self) -> None:
        """Closes the connection."""
        self._consumer.close()

    @property
    def behind(self) -> bool:
        """Whether it still reads what was there at its start."""
        return bool(self._behind)

    def poll(self, seconds: float) -> list[News]:
        """Waits for news; of estimates that were there at the start, reads the last alone.

        Args:
            seconds: To wait at most.

        Raises:
            TransportError: Kafka answers with an error.
        """
        try:
            batches = self._consumer.poll(timeout_ms=round(seconds * 1000))
            skimming = self.behind
            news = [
                one
                for place, batch in batches.items()
                for one in _decoded(place, batch, skim=skimming)
            ]
            self._behind = {
                p: end for p, end in self._behind.items() if self._consumer.position(p) < end
            }
        except KafkaError as error:
            raise TransportError(f"Kafka at {self._kafka.bootstrap_servers}: {error}") from error
        return news

    def _start(self, topics: list[str]) -> dict[TopicPartition, int]:
        places = [place for topic in topics for place in self._places(topic)]
        self._consumer.assign(places)
        first = self._consumer.beginning_offsets(places)
        ends = self._consumer.end_offsets(places)
        for place in places:
            latest = LATEST.get(place.topic)
            at = first[place] if latest is None else max(first[place], ends[place] - latest)
            self._consumer.seek(place, at)
        return {place: ends[place] for place in places if ends[place] > first[place]}

    def _places(self, topic: str) -> list[TopicPartition]:
        numbers = self._consumer.partitions_for_topic(topic)
        if not numbers and topic != HISTORY:
            raise TransportError(f"there is no topic {topic}: no pipeline has used this Kafka yet")
        return [TopicPartition(topic, number) for number in sorted(numbers or ())]


def _decoded(place: TopicPartition, batch: list[Any], *, skim: bool) -> Iterator[News]:
    if skim and place.topic == SKELETONS:
        batch = list({message.key: message for message in batch}.values())
    for message in batch:
        if message.value is None:
            yield from _forgotten(place.topic, message)
            continue
        try:
            yield _record(place.topic, message)
        except RecordRefusedError as error:
            # The aggregator sets such records aside; who watches passes over them.
            _log.debug("passed over a record", place=str(place), why=str(error))


def _forgotten(topic: str, message: Any) -> Iterator[Forget]:  # noqa: ANN401 - kafka-python's
    """Reads a tombstone: on these topics only forgetting a subject leaves any."""
    named = {SKELETONS: series_of, HISTORY: series_of_history}.get(topic)
    if named is None or message.key is None:
        return
    subject, _ = named(message.key)
    yield Forget(forget=subject_digest(subject), forgotten_at=message.timestamp / 1000)


def _record(topic: str, message: Any) -> News:  # noqa: ANN401 - kafka-python's
    if topic == SKELETONS:
        return decode(message.value, SkeletonRecord)
    if topic == HISTORY:
        return decode(message.value, HistoryRecord)
    if topic == REJECTS:
        return decode(message.value, Reject)
    try:
        return decode_sighting(message.value)
    except RecordRefusedError:
        return decode(message.value, Forget)


def read_stream(admin: KafkaAdminClient, consumer: KafkaConsumer) -> Stream:
    """Asks Kafka where the photos are.

    Args:
        admin: Connected.
        consumer: Any; it is only asked for offsets.

    Raises:
        KafkaError: Kafka does not answer.
    """
    places = [TopicPartition(IMAGES, n) for n in consumer.partitions_for_topic(IMAGES) or ()]
    first, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)
    found = sum(ends.values()) - sum(first.values())
    lag = read_lag(admin, {})
    names = sorted({group for group, _ in lag})
    described = admin.describe_groups(names) if names else {}
    groups = tuple(
        GroupStatus(
            group=name,
            members=len(described[name]["members"]),
            lag={topic: number for (group, topic), number in lag.items() if group == name},
        )
        for name in names
    )
    detecting = [group for group in groups if group.group.startswith(DETECTOR_GROUPS)]
    waiting = sum(group.lag.get(IMAGES, 0) for group in detecting) if detecting else found
    replicas = sum(group.members for group in detecting)
    return Stream(
        found=found,
        waiting=waiting,
        in_work=min(waiting, replicas),
        replicas=replicas,
        groups=groups,
    )
