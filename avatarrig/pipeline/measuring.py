"""Tells aggregators what somebody measured of a subject."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from avatarrig.kafka.clients import open_producer, open_reader
from avatarrig.kafka.reading import partitions_of
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
    """
    record = Measurements(
        subject=subject, height=height, measured=dict(measured), measured_at=time.time()
    )
    producer = open_producer(kafka)
    try:
        with contextlib.closing(open_reader(kafka)) as reader:
            places = partitions_of(reader, TALLIES)
        key, value = measurements_key(subject), encode(record)
        sent = [
            producer.send(TALLIES, value=value, key=key, partition=place.partition)
            for place in places
        ]
        producer.flush()
        for each in sent:
            each.get(timeout=_PATIENCE_SECONDS)
    finally:
        producer.close(timeout=1)
