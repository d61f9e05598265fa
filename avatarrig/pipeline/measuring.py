"""Tells aggregators what somebody measured of a subject."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from avatarrig.kafka.clients import producing
from avatarrig.kafka.reading import partitions_of, reading
from avatarrig.wire import Measurements, encode
from avatarrig.wire.keys import measurements_key
from avatarrig.wire.topics import TALLIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from avatarrig.kafka.settings import KafkaSettings
    from avatarrig.wire.estimate import Measured

_PATIENCE_SECONDS = 30.0


def tell_measured(
    kafka: KafkaSettings, subject: str, height: float | None, measured: Mapping[str, Measured]
) -> None:
    """Tells every partition of the tallies; what was told before counts no more.

    Args:
        kafka: Where the pipeline runs.
        height: Metres; None where it was not measured.
        measured: Lengths by key; none, and no height, takes back what was told before.

    Raises:
        TransportError: Kafka does not take it.
    """
    record = Measurements(
        subject=subject, height=height, measured=dict(measured), measured_at=time.time()
    )
    with reading(kafka) as reader:
        places = partitions_of(reader, TALLIES)
    key, value = measurements_key(subject), encode(record)
    with producing(kafka) as producer:
        sent = [
            producer.send(TALLIES, value=value, key=key, partition=place.partition)
            for place in places
        ]
        producer.flush()
        for each in sent:
            each.get(timeout=_PATIENCE_SECONDS)
