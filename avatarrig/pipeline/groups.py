"""Consumer groups: where a run's detectors begin, what already waits for them, who leaves."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import structlog
from kafka import KafkaConsumer

from avatarrig.kafka.errors import TransportError
from avatarrig.kafka.groups import leave_group, set_to_end
from avatarrig.kafka.reading import Reader, partitions_of
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.wire import PhotoReference
from avatarrig.wire.channels import REFERENCES
from avatarrig.wire.topics import IMAGES

_log = structlog.get_logger(__name__)


def waiting_photos(consumer: KafkaConsumer, run: str, asked: str = "") -> frozenset[str]:
    """Finds what an earlier start of a run left on the images topic.

    A new run's group is set to the end of the topic, so that its detectors need not read
    what was published for others before.

    Args:
        consumer: In the group of the run's detectors, none of which this start has begun.
        asked: Who is meant now.

    Returns:
        image_ids of the photos that wait, for whoever is meant now.
    """
    places = partitions_of(consumer, IMAGES)
    committed = {place: consumer.committed(place) for place in places}
    # It cannot be set while it has members: those of a start that was killed before it committed
    # anything. They began at the beginning, and so do their successors.
    if all(offset is None for offset in committed.values()) and set_to_end(consumer, places):
        return frozenset()
    starts = {place: offset or 0 for place, offset in committed.items()}
    records = (message.record for message in Reader(consumer, (REFERENCES,), starts).to_end())
    return frozenset(
        record.image_id
        for record in records
        if isinstance(record, PhotoReference) and (record.run, _asked(record)) == (run, asked)
    )


def _asked(reference: PhotoReference) -> str:
    return "" if reference.sought is None else reference.sought.asked


@contextlib.contextmanager
def membership(kafka: KafkaSettings, group: str, members: Sequence[str]) -> Iterator[None]:
    """Leaves a group for parts that have ended in order, so that others go on with their share.

    Members are static: they keep their place over a crash, and only this gives it up.
    """
    yield
    try:
        leave_group(kafka, group, members)
    except TransportError as error:
        # It misses them by itself, after some seconds.
        _log.info("the group was not left", group=group, why=str(error))
