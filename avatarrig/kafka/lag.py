"""Watches how far consumer groups are behind; Kafka is asked, so it is known when none runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, Self

import structlog

from avatarrig.kafka.errors import TransportError
from avatarrig.kafka.groups import GroupState, read_groups
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import admin_client

WATCH_SECONDS = 5.0
_STOP_SECONDS = 1.0
_log = structlog.get_logger(__name__)

Lag = Mapping[tuple[str, str], int]
"""Group and topic to messages that the group has not done with."""


class Watched(Protocol):
    """Who wants to know how Kafka is; `avatarrig.metrics.KafkaMetrics` does."""

    def answered(self, lag: Lag) -> None:
        """Kafka answered."""

    def silent(self) -> None:
        """Kafka did not answer."""


class KafkaWatch:
    """Asks Kafka every few seconds, on a thread of its own.

    Args:
        expected: Groups to what they read, also while they have no offsets.
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
                    self._ask_on(lambda: _lag(read_groups(admin, self._expected)))
            except TransportError as error:
                _log.debug("Kafka does not answer", why=str(error))
                self._watched.silent()
            self._stopping.wait(self._seconds)

    def _ask_on(self, ask: Callable[[], Lag]) -> None:
        while not self._stopping.is_set():
            self._watched.answered(ask())
            self._stopping.wait(self._seconds)


def _lag(groups: Iterable[GroupState]) -> Lag:
    return {(group.name, topic): number for group in groups for topic, number in group.lag.items()}
