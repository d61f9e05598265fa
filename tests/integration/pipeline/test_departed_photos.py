"""What is gone or replaced in a watched folder stops counting, and comes back, through kills."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from support.aggregators import aggregating
from support.aggregators.aggregating import Aggregator
from support.kafka import with_topics
from support.observed import observation
from support.waiting import wait_for

from avatarrig.body.evidence.decided import ONLY_COPY, as_decided
from avatarrig.kafka import KafkaSettings, Reader, from_beginning, open_producer, reading
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.wire import Observation, PhotoReference, SkeletonRecord, encode, record_key
from avatarrig.wire.channels import ESTIMATED, REFERENCES
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.topics import IMAGES, OBSERVATIONS, SKELETONS
from producers.references import Dataset
from producers.service import ingest
from producers.settings import IngestSettings

GONE, DUPLICATE = Exclusion.GONE.value, Exclusion.DUPLICATE.value
PARTITIONS = 3
JPEG = b"\xff\xd8\xff%s\xff\xd9"


class Service:
    """A watched folder, with detector and aggregator; photos named ``same`` have equal pixels."""

    def __init__(self, kafka: KafkaSettings, folder: Path) -> None:
        self.kafka = kafka
        self.photos = folder / "photos"
        self._folder = folder
        self._seen: dict[tuple[str, str], Observation] = {}

    def write(self, path: str, content: str = "") -> None:
        file = self.photos / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(JPEG % f"{path} {content}".encode())

    def settings(self, *, watch: bool = True, prune: bool = False) -> IngestSettings:
        return IngestSettings(
            kafka=self.kafka,
            location=str(self.photos),
            dataset=Dataset(name="d", subject_per_folder=True),
            watch=watch,
            prune=prune,
            rescan=0.3,
        )

    @contextmanager
    def watching(self, *, prune: bool = False) -> Iterator[Aggregator]:
        """Runs an ingest, which is killed at the end."""
        settings = self.settings(prune=prune)
        process = Aggregator(settings, self._folder, ("-m", "producers"))
        try:
            yield process
        finally:
            process.close()

    @contextmanager
    def detecting(self) -> Iterator[None]:
        """Observes what is published."""
        with reading(self.kafka) as consumer:
            producer = open_producer(self.kafka)
            topics = (REFERENCES, ESTIMATED)
            starts = from_beginning(consumer, IMAGES, SKELETONS)
            self._reader, self._producer = Reader(consumer, topics, starts), producer
            self._estimates: dict[str, SkeletonRecord] = {}
            yield
            producer.close()

    def _take(self) -> None:
        for message in self._reader.poll(0.05):
            if isinstance(message.record, SkeletonRecord):
                self._estimates[message.record.subject] = message.record
            elif isinstance(message.record, PhotoReference):
                seen = observe(message.record)
                self._seen[seen.path, seen.image_id] = seen
                self._producer.send(OBSERVATIONS, value=encode(seen), key=record_key(seen))

    def until(self, *, photos: int, **standings: dict[str, str]) -> None:
        """Waits for the estimates that follow if some photos stand otherwise.

        Args:
            photos: How many versions of photos there are by then.
            standings: Subject to path, or path and number of its version, to standing.
        """
        state: list[object] = []

        def holds() -> bool:
            self._take()
            state[:] = [len(self._seen)]
            if len(self._seen) != photos:
                return False
            for subject, expected in self._expected(standings).items():
                record = self._estimates.get(subject)
                state.append((subject, record and (record.observations, record.estimate.used)))
                if record is None or plain(record.estimate) != plain(expected):
                    return False
            return True

        wait_for(holds, every=0.01, why=lambda: state)

    def _expected(self, standings: dict[str, dict[str, str]]) -> dict[str, object]:
        standing: dict[str, list[Observation]] = {}
        versions: dict[str, int] = {}
        for (path, _), seen in self._seen.items():
            number = versions[path] = versions.get(path, 0) + 1
            given = standings.get(seen.subject, {})
            to = given.get(f"{path} {number}", given.get(path, ""))
            standing.setdefault(seen.subject, []).append(as_decided(seen, to))
        return {
            subject: aggregating.document(photos, subject) for subject, photos in standing.items()
        }


def plain(estimate: object) -> object:
    return msgspec.json.decode(msgspec.json.encode(estimate))


def observe(reference: PhotoReference) -> Observation:
    copied = reference.duplicate_of
    seen = observation(int(reference.content_hash[:4], 16), reference.subject)
    return msgspec.structs.replace(
        seen,
        image_id=reference.image_id,
        path=reference.path,
        dataset=reference.dataset,
        content_hash=reference.content_hash,
        pixels="same" if "same" in reference.path else "",
        excluded=None if copied is None else f"{Exclusion.DUPLICATE} of {copied}",
    )


@pytest.fixture
def service(fresh_kafka: EmbeddedBroker, tmp_path: Path) -> Iterator[Service]:
    service = Service(with_topics(fresh_kafka, PARTITIONS), tmp_path)
    for number in range(20):
        service.write(f"anna/{number}.jpg")
    with aggregating.aggregator(service.kafka, tmp_path), service.detecting():
        yield service


def test_what_is_replaced_gone_moved_or_the_same_counts_as_it_lies_there(service: Service) -> None:
    for number in range(2):
        service.write(f"anna/same-{number}.jpg")
    with service.watching():
        service.until(photos=22, anna={"anna/same-1.jpg": DUPLICATE})
        for number in range(5):
            service.write(f"anna/{number}.jpg", "newer")
    # The ingest was killed, perhaps before it had seen them all.
    stands = {f"anna/{number}.jpg 1": GONE for number in range(5)}
    (service.photos / "anna/19.jpg").unlink()
    (service.photos / "anna/same-0.jpg").unlink()
    shutil.move(service.photos / "anna/18.jpg", service.photos / "18.jpg")
    (service.photos / "bert").mkdir()
    for number in range(10, 14):
        shutil.move(service.photos / f"anna/{number}.jpg", service.photos / "bert")
        stands[f"anna/{number}.jpg"] = GONE
    stands |= {"anna/18.jpg": GONE, "anna/19.jpg": GONE, "anna/same-0.jpg": GONE}
    with service.watching():
        service.until(photos=22 + 5 + 1 + 4, anna=stands)
        service.write("anna/0.jpg")  # as it was before
        stands |= {"anna/0.jpg 1": "", "anna/0.jpg 2": GONE}
        service.until(photos=22 + 5 + 1 + 4, anna=stands)
    with service.watching():
        service.write("anna/19.jpg")
        service.until(photos=22 + 5 + 1 + 4, anna=stands | {"anna/19.jpg": ""})


def test_many_that_are_gone_at_once_count_on_until_it_is_said_that_they_are_gone(
    service: Service,
) -> None:
    away = service.photos.parent / "away"
    away.mkdir()
    with service.watching() as process:
        service.until(photos=20)
        for number in range(3):
            shutil.move(service.photos / f"anna/{number}.jpg", away)
        wait_for(lambda: "give --prune" in process.words())
        service.write("anna/20.jpg")
        service.until(photos=21)
    gone = {f"anna/{number}.jpg": GONE for number in range(3)}
    with service.watching(prune=True):
        service.until(photos=21, anna=gone)
    with service.watching():
        for number in range(3):
            shutil.move(away / f"{number}.jpg", service.photos / "anna")
        service.until(photos=21)


def test_an_ingest_that_ends_decides_about_what_is_observed_only_later(service: Service) -> None:
    ingest(service.settings(watch=False), threading.Event())
    service.write("anna/0.jpg", "newer")
    service.write("anna/copy.jpg", "x")
    (service.photos / "anna/1.jpg").write_bytes((service.photos / "anna/2.jpg").read_bytes())
    ingest(service.settings(watch=False), threading.Event())
    service.until(photos=23, anna={"anna/0.jpg 1": GONE, "anna/1.jpg 1": GONE})
    (service.photos / "anna/2.jpg").unlink()
    ingest(service.settings(watch=False), threading.Event())
    only = {"anna/0.jpg 1": GONE, "anna/1.jpg 1": GONE}
    service.until(photos=23, anna=only | {"anna/2.jpg": GONE, "anna/1.jpg 2": ONLY_COPY})
