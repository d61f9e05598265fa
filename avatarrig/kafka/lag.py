"""How far consumer groups are behind, asked of Kafka: so it is known when no consumer runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol, Self

import structlog
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec

from avatarrig.kafka.errors import TransportError
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import admin_client

PREFIX = "avatarrig."
"""What the names of all groups and topics of a pipeline begin with."""

WATCH_SECONDS = 5.0
_STOP_SECONDS = 1.0
_log = structlog.get_logger(__name__)

Lag = Mapping[tuple[str, str], int]
"""Group and topic to messages that the group has not done with."""


def read_lag(admin: KafkaAdminClient, expected: Mapping[str, str]) -> dict[tuple[str, str], int]:
    """Asks how far every group of the pipeline is behind.

    Args:
        admin: Connected.
        expected: Groups to what they read; for one that never committed, everything counts.

    Raises:
        KafkaError: Kafka does not answer, or a topic is missing.
    """
    groups = {group["group_id"] for group in admin.list_groups()}
    ours = sorted(name for name in groups if name.startswith(PREFIX))
    committed = admin.list_group_offsets(ours) if ours else {}
    places = {
        group: {place: max(offset.offset, 0) for place, offset in offsets.items()}
        for group, offsets in committed.items()
    }
    for group, topic in expected.items():
        known = places.setdefault(group, {})
        untouched = [place for place in _places(admin, topic) if place not in known]
        known.update(_offsets(admin, untouched, OffsetSpec.EARLIEST))
    ends = _offsets(
        admin, sorted({place for known in places.values() for place in known}), OffsetSpec.LATEST
    )
    lag: dict[tuple[str, str], int] = {}
    for group, known in places.items():
        for place, offset in known.items():
            where = (group, place.topic)
            lag[where] = lag.get(where, 0) + max(0, ends.get(place, offset) - offset)
    return lag


class Watched(Protocol):
    """Who wants to know how Kafka is; `avatarrig.metrics.KafkaMetrics` does."""

    def answered(self, lag: Lag) -> None:
        """Kafka answered."""

    def silent(self) -> None:
        """Kafka did not answer."""


class KafkaWatch:
    """Asks Kafka every few seconds, on a thread of its own.

    Args:
        settings: Where Kafka is.
        watched: Is told.
        expected: Groups to what they read, also while they have no offsets.
        seconds: Between questions.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        watched: Watched,
        expected: Mapping[str, str],
        *,
        seconds: float = WATCH_SECONDS,
    ) -> None:
        self._settings = settings
        self._watched = watched
        self._expected = expected
        self._seconds = seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kafka-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with admin_client(self._settings) as admin:
                    self._ask_on(lambda: read_lag(admin, self._expected))
            except TransportError as error:
                _log.info("Kafka does not answer", why=str(error))
                self._watched.silent()
            self._stopping.wait(self._seconds)

    def _ask_on(self, ask: Callable[[], Lag]) -> None:
        while not self._stopping.is_set():
            self._watched.answered(ask())
            self._stopping.wait(self._seconds)


def _places(admin: KafkaAdminClient, topic: str) -> list[TopicPartition]:
    described = admin.describe_topics([topic])
    return [
        TopicPartition(topic, partition["partition_index"])
        for each in described
        if each["error_code"] == 0
        for partition in each["partitions"]
    ]


def _offsets(
    admin: KafkaAdminClient,
    places: list[TopicPartition],
    which: Any,  # noqa: ANN401 - kafka-python's
) -> dict[TopicPartition, int]:
    if not places:
        return {}
    found = admin.list_partition_offsets(dict.fromkeys(places, which))
    return {place: each.offset for place, each in found.items()}
