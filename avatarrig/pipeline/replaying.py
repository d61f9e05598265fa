"""Has rejected photos tried again, after their cause was mended."""

from __future__ import annotations

import time
from collections.abc import Iterable

from avatarrig.kafka.clients import producing
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.views.rejects import RejectedPhoto, replayable
from producers.publish import publish


def replay(kafka: KafkaSettings, photos: Iterable[RejectedPhoto]) -> int:
    """Publishes rejected photos again.

    Returns:
        How many; what could not be read, or is no photo, cannot be published again.

    Raises:
        TransportError, PublishError: Kafka does not take them.
    """
    references = replayable(photos, now=time.time())
    with producing(kafka) as producer:
        publish(references, producer)
    return len(references)
