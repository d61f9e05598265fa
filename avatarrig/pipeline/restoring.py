"""Observations fetched from Kafka one by one, for files of a run that were lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from kafka import KafkaConsumer, TopicPartition

from avatarrig.views.progress import Found, ObservedPhoto
from avatarrig.wire import Observation, RecordRefusedError, decode
from avatarrig.wire.topics import OBSERVATIONS

PATIENCE_SECONDS: Final = 10.0


class Restorer:
    """Reads single observations by their places.

    Args:
        open_consumer: Opens a consumer in no group; called when the first is asked for.
    """

    def __init__(self, open_consumer: Callable[[], KafkaConsumer]) -> None:
        self._open = open_consumer
        self._consumer: KafkaConsumer | None = None

    def __call__(self, photo: Found, seen: ObservedPhoto) -> Observation | None:
        """Reads the observation of a photo.

        Args:
            seen: Where it stood.

        Returns:
            The observation; None where Kafka does not have it there any more.
        """
        if self._consumer is None:
            self._consumer = self._open()
        place = TopicPartition(OBSERVATIONS, seen.partition)
        self._consumer.assign([place])
        self._consumer.seek(place, seen.offset)
        give_up = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up:
            for message in self._consumer.poll(timeout_ms=200, max_records=1).get(place, []):
                return _meant(message.value, photo)
        return None

    def close(self) -> None:
        """Closes the connection."""
        if self._consumer is not None:
            self._consumer.close()


def _meant(value: bytes | None, photo: Found) -> Observation | None:
    try:
        record = decode(value, Observation)
    except RecordRefusedError:  # compaction has taken it, and another message comes next
        return None
    return record if (record.subject, record.image_id) == photo.key else None
