"""Consumer groups of a run: where its detectors begin, and what already waits for them."""

from __future__ import annotations

from kafka import KafkaConsumer, OffsetAndMetadata

from avatarrig.records import PhotoReference, RefusingReader, record_of
from avatarrig.topics import DETECTOR_GROUPS, IMAGES
from avatarrig.transport import places_of, read_to_end


def detector_group(run: str) -> str:
    """Name of the consumer group that a run's detector replicas share."""
    return f"{DETECTOR_GROUPS}.{run}"


def waiting_photos(consumer: KafkaConsumer, run: str) -> frozenset[str]:
    """Finds what an earlier start of a run left on the images topic.

    A new run's group is set to the end of the topic, so that its detectors need not read
    what was published for others before.

    Args:
        consumer: In the group of the run's detectors, none of which is running.
        run: The run's identifier.

    Returns:
        image_ids of the photos that wait.
    """
    places = places_of(consumer, IMAGES)
    committed = {place: consumer.committed(place) for place in places}
    if all(offset is None for offset in committed.values()):
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        consumer.commit({p: OffsetAndMetadata(end, "", -1) for p, end in ends.items()})
        return frozenset()
    starts = {place: offset or 0 for place, offset in committed.items()}
    reader = RefusingReader(record_of)
    records = (reader.read(message) for _, message in read_to_end(consumer, starts))
    return frozenset(
        record.image_id
        for record in records
        if isinstance(record, PhotoReference) and record.run == run
    )
