"""Faces that somebody pointed at reach ingests by the topics, outlive kills, and are forgotten."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import pytest
from support.aggregators.aggregating import Aggregator
from support.kafka import with_topics
from support.kafka_parts.topics import read_to_end
from support.observed import observation
from support.waiting import wait_for

from avatarrig.detectors.faces.template import Template
from avatarrig.kafka.clients import open_producer, open_reader
from avatarrig.kafka.deciding.known import Reference
from avatarrig.kafka.deciding.service import Deciding, decide_about
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.reading import Reader, from_beginning, partitions_of, reading
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.pipeline.forgetting import forget_subject
from avatarrig.wire import Observation, PhotoReference, encode, record_key
from avatarrig.wire.channels import REFERENCES
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.standings import COUNTS
from avatarrig.wire.topics import IMAGES, OBSERVATIONS
from producers.references import Dataset
from producers.service import ingest
from producers.settings import IngestSettings, SourceSettings

PHOTOS = 6
JPEG = b"\xff\xd8\xff%s\xff\xd9"


def face(number: int) -> bytes:
    return Template.mean([np.random.default_rng(number).normal(size=128).astype(np.float32)]).data


class Service:
    """A watched folder of two people, and what was published of it."""

    def __init__(self, kafka: KafkaSettings, folder: Path) -> None:
        self.kafka = kafka
        self._folder = folder
        self.photos = folder / "photos"
        for person in ("Anna", "Bert"):
            (self.photos / person).mkdir(parents=True)
            for number in range(PHOTOS):
                path = self.photos / person / f"{number}.jpg"
                path.write_bytes(JPEG % f"{person} {number}".encode())

    def settings(self, dataset: str = "d", *, watch: bool = True) -> IngestSettings:
        return IngestSettings(
            kafka=self.kafka,
            source=SourceSettings(
                location=str(self.photos),
                dataset=Dataset(name=dataset, subject_per_folder=True),
                rescan=0.3,
            ),
            watch=watch,
        )

    @contextmanager
    def watching(self) -> Iterator[Aggregator]:
        """Runs an ingest, which is killed at the end."""
        process = Aggregator(self.settings(), self._folder, ("-m", "producers"))
        try:
            yield process
        finally:
            process.close()

    def published(self) -> list[PhotoReference]:
        """All that was published, in the order of time."""
        with reading(self.kafka) as consumer:
            starts = from_beginning(consumer, IMAGES)
            messages = list(Reader(consumer, (REFERENCES,), starts).to_end())
        found = [each.record for each in messages if isinstance(each.record, PhotoReference)]
        return sorted(found, key=lambda each: each.found_at)

    def observe(self) -> None:
        """What a detector would have seen."""
        producer = open_producer(self.kafka)
        for number, photo in enumerate(self.published()):
            seen: Observation = msgspec.structs.replace(
                observation(number, photo.subject),
                image_id=photo.image_id,
                path=photo.path,
                dataset=photo.dataset,
            )
            producer.send(OBSERVATIONS, value=encode(seen), key=record_key(seen))
        producer.close()

    def asked(self) -> dict[str, list[bytes]]:
        """Subject to the templates that its photos were published with, in the order of time."""
        told: dict[str, list[bytes]] = {"Anna": [], "Bert": []}
        for photo in self.published():
            told[photo.subject].append(b"" if photo.sought is None else photo.sought.template)
        return told

    def decide(self, photo: str, standing: str, pointed: bytes = b"") -> None:
        def change(_: Observation, __: str) -> str:
            return standing

        reference = Reference(pointed)
        asked = Deciding("Anna", [photo], "", change, reference)
        decide_about(self.kafka, lambda *_: None, asked)


@pytest.fixture
def service(empty_kafka: EmbeddedBroker, tmp_path: Path) -> Service:
    return Service(with_topics(empty_kafka, 3), tmp_path)


def until(service: Service, expected: dict[str, list[bytes]]) -> None:
    wait_for(lambda: service.asked() == expected, every=0.3, why=service.asked)


def stays(service: Service, process: Aggregator, expected: dict[str, list[bytes]]) -> None:
    """Nothing was published anew by the time that a new photo is."""
    (service.photos / "Bert" / "new.jpg").write_bytes(JPEG % b"new")
    wait_for(lambda: len(service.asked()["Bert"]) == PHOTOS + 1, every=0.3, why=process.words)
    assert service.asked() == expected | {"Bert": [b""] * (PHOTOS + 1)}


def test_a_face_is_a_reference_for_its_subject_until_it_is_not(service: Service) -> None:
    plain, mine = [b""] * PHOTOS, [face(1)] * PHOTOS
    with service.watching():
        until(service, {"Anna": plain, "Bert": plain})
        service.observe()
        first, second = (
            photo.image_id
            for photo in service.published()
            if photo.path in {"Anna/0.jpg", "Anna/1.jpg"}
        )
        service.decide(first, COUNTS, face(1))
        until(service, {"Anna": plain + mine, "Bert": plain})
    # Whoever starts anew knows who is meant before anything is published.
    with service.watching() as process:
        stays(service, process, {"Anna": plain + mine})
        bert = [b""] * (PHOTOS + 1)
        service.decide(second, COUNTS, face(2))
        both = [Template.of_all([face(1), face(2)]).data] * PHOTOS
        until(service, {"Anna": plain + mine + both, "Bert": bert})
        service.decide(first, Exclusion.SOMEBODY_ELSE.value)
        other = [face(2)] * PHOTOS
        until(service, {"Anna": plain + mine + both + other, "Bert": bert})
        service.decide(second, "")
        until(service, {"Anna": plain + mine + both + other + plain, "Bert": bert})


def test_a_dataset_that_was_never_published_is_asked_for_the_faces_at_once(
    service: Service,
) -> None:
    plain, mine = [b""] * PHOTOS, [face(1)] * PHOTOS
    assert ingest(service.settings(watch=False), threading.Event()).published == 2 * PHOTOS
    assert service.asked() == {"Anna": plain, "Bert": plain}
    service.observe()
    photo = next(each.image_id for each in service.published() if each.subject == "Anna")
    service.decide(photo, COUNTS, face(1))
    ingest(service.settings("another", watch=False), threading.Event())
    assert service.asked() == {"Anna": plain + mine, "Bert": plain * 2}


def messages(kafka: KafkaSettings) -> Iterator[bytes]:
    """What compaction keeps of images and observations."""
    with contextlib.closing(open_reader(kafka)) as reader:
        for topic in (IMAGES, OBSERVATIONS):
            latest: dict[tuple[int, bytes], bytes | None] = {}
            starts = reader.beginning_offsets(partitions_of(reader, topic))
            for place, message in read_to_end(reader, starts):
                latest[place.partition, message.key] = message.value
            yield from (value for value in latest.values() if value is not None)


def test_whoever_is_forgotten_leaves_no_face(service: Service) -> None:
    def holds() -> bool:
        return any(face(1) in each for each in messages(service.kafka))

    with service.watching():
        until(service, {"Anna": [b""] * PHOTOS, "Bert": [b""] * PHOTOS})
        service.observe()
        photo = next(each.image_id for each in service.published() if each.subject == "Anna")
        service.decide(photo, COUNTS, face(1))
        published = {"Anna": [b""] * PHOTOS + [face(1)] * PHOTOS, "Bert": [b""] * PHOTOS}
        until(service, published)
    assert holds()
    shutil.rmtree(service.photos / "Anna")
    forget_subject(service.kafka, "Anna")
    assert not holds()
    with service.watching() as process:
        stays(service, process, published)
    assert not holds()
