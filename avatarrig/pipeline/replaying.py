"""Has rejected photos tried again, after their cause was mended."""

from __future__ import annotations

import time
from collections.abc import Iterable

from avatarrig.kafka.clients import open_producer
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.views.rejects import RejectedPhoto, replayable
from producers.publish import publish

_CLOSE_SECONDS = 1


def replay(kafka: KafkaSettings, photos: Iterable[RejectedPhoto]) -> int:
    """Publishes rejected photos again.

    Returns:
        How many; what could not be read, or is no photo, cannot be published again.
    """
    references = replayable(photos, now=time.time())
    producer = open_producer(kafka)
    try:
        publish(references, producer)
    finally:
        producer.close(timeout=_CLOSE_SECONDS)
    return len(references)
