"""Observations fetched from Kafka one by one, for files of a run that were lost."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from kafka import KafkaConsumer

from avatarrig.kafka.border import told_by
from avatarrig.kafka.deciding.records import fetch_observations
from avatarrig.kafka.errors import TransportError
from avatarrig.views.progress import ObservedPhoto
from avatarrig.wire import Observation
from avatarrig.wire.keys import PhotoKey


class Restorer:
    """Reads single observations by their places.

    Args:
        open_consumer: Opens a consumer in no group; called when the first is asked for.
    """

    def __init__(self, open_consumer: Callable[[], KafkaConsumer]) -> None:
        self._open = open_consumer
        self._consumer: KafkaConsumer | None = None

    def __call__(self, photo: PhotoKey, seen: ObservedPhoto) -> Observation | None:
        """Reads the observation of a photo.

        Returns:
            The observation; None where Kafka does not have it there any more.
        """
        # Nothing comes: then it is detected anew.
        with contextlib.suppress(TransportError), told_by("Kafka answers with an error"):
            if self._consumer is None:
                self._consumer = self._open()
            record = fetch_observations(self._consumer, seen.partition, [seen.offset]).get(
                seen.offset
            )
            if record is not None and (record.subject, record.image_id) == photo:
                return record
        return None

    def close(self) -> None:
        """Closes the connection."""
        if self._consumer is not None:
            self._consumer.close()
