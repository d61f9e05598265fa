"""Consumer groups of a run: where its detectors begin, and what already waits for them."""

from __future__ import annotations

from kafka import KafkaConsumer, OffsetAndMetadata

from avatarrig.kafka import places_of, read_to_end
from avatarrig.wire import PhotoReference, RecordRefusedError, decode
from avatarrig.wire.topics import DETECTOR_GROUPS, IMAGES


def detector_group(run: str) -> str:
    """Name of the consumer group that a run's detector replicas share."""
    return f"{DETECTOR_GROUPS}.{run}"


def waiting_photos(consumer: KafkaConsumer, run: str, asked: str = "") -> frozenset[str]:
    """Finds what an earlier start of a run left on the images topic.

    A new run's group is set to the end of the topic, so that its detectors need not read
    what was published for others before.

    Args:
        consumer: In the group of the run's detectors, none of which is running.
        run: The run's identifier.
        asked: Who is meant now.

    Returns:
        image_ids of the photos that wait, for whoever is meant now.
    """
    places = places_of(consumer, IMAGES)
    committed = {place: consumer.committed(place) for place in places}
    if all(offset is None for offset in committed.values()):
        consumer.assign(places)
        ends = consumer.end_offsets(places)
        consumer.commit({p: OffsetAndMetadata(end, "", -1) for p, end in ends.items()})
        return frozenset()
    starts = {place: offset or 0 for place, offset in committed.items()}
    found = (_image_id(message.value, run, asked) for _, message in read_to_end(consumer, starts))
    return frozenset(image_id for image_id in found if image_id is not None)


def _image_id(value: bytes | None, run: str, asked: str) -> str | None:
    try:
        reference = decode(value, PhotoReference)
    except RecordRefusedError:  # the detector replica sets it aside
        return None
    sought = "" if reference.sought is None else reference.sought.asked
    return reference.image_id if (reference.run, sought) == (run, asked) else None
