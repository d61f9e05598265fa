"""What is gone or replaced in a watched folder stops counting, and comes back, through kills."""

from __future__ import annotations

import datetime as dt
import shutil
import threading
from collections import Counter
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

from avatarrig.kafka.clients import open_producer
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.reading import Reader, from_beginning, reading
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.photos.period import Period
from avatarrig.views.feed import look
from avatarrig.wire import Observation, PhotoReference, SkeletonRecord, encode, record_key
from avatarrig.wire.channels import ESTIMATED, REFERENCES
from avatarrig.wire.estimate import Estimate
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.standings import ONLY_COPY, as_decided
from avatarrig.wire.topics import IMAGES, OBSERVATIONS, SKELETONS
from producers.references import Dataset
from producers.service import ingest
from producers.settings import IngestSettings, SourceSettings

GONE, DUPLICATE = Exclusion.GONE.value, Exclusion.DUPLICATE.value
PARTITIONS = 3
JPEG = b"\xff\xd8\xff%s\xff\xd9"


class Service:
    """A watched folder, with detector and aggregator; photos named ``same`` have equal pixels."""

    def __init__(self, kafka: KafkaSettings, folder: Path, name: str) -> None:
        self.kafka = kafka
        self.anna, self.bert = f"anna of {name}", f"bert of {name}"
        self._name = name
        self.photos = folder / "photos"
        self.person = ""
        self._folder = folder
        self._seen: dict[tuple[str, str], Observation] = {}

    def file(self, name: str) -> Path:
        """A photo of Anna's."""
        return self.photos / self.anna / name

    def write(self, name: str, content: str = "") -> None:
        file = self.file(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(JPEG % f"{name} {content}".encode())

    def settings(self, *, watch: bool = True, prune: bool = False) -> IngestSettings:
        return IngestSettings(
            kafka=self.kafka,
            source=SourceSettings(
                location=str(self.photos),
                dataset=Dataset(
                    name=self._name,
                    subject=self._name,
                    subject_per_folder=True,
                    person=self.person,
                ),
                prune=prune,
                rescan=0.3,
            ),
            watch=watch,
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
            elif (
                isinstance(message.record, PhotoReference) and message.record.dataset == self._name
            ):
                seen = observe(message.record)
                self._seen[seen.path, seen.image_id] = seen
                self._producer.send(OBSERVATIONS, value=encode(seen), key=record_key(seen))

    def said_to_be_gone(self) -> int:
        """How many photos page and status say are gone and go on counting."""
        return look(self.kafka).snapshot().departed.get(self._name, 0)

    def until(self, photos: int, standings: dict[str, str]) -> None:
        """Waits for the estimates that follow if some photos stand otherwise.

        Args:
            photos: How many versions of photos there are by then.
            standings: Name of a photo of Anna's, or name and number of its version, to standing.
        """
        state: list[object] = []

        def holds() -> bool:
            self._take()
            state[:] = [len(self._seen)]
            if len(self._seen) != photos:
                return False
            for subject, expected in self._expected(standings).items():
                record = self._estimates.get(subject)
                state.append((subject, record and record.estimate.photos, expected.photos))
                if record is None or plain(record.estimate) != plain(expected):
                    return False
            return True

        wait_for(holds, every=0.01, why=lambda: state)

    def _expected(self, standings: dict[str, str]) -> dict[str, Estimate]:
        standing: dict[str, list[Observation]] = {}
        versions: Counter[str] = Counter()
        for seen in sorted(self._seen.values(), key=lambda seen: seen.found_at):
            name = seen.path.removeprefix(f"{self.anna}/") if seen.subject == self.anna else ""
            versions[name] += 1
            to = standings.get(f"{name} {versions[name]}", standings.get(name, ""))
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
        found_at=reference.found_at,
        pixels="same" if "same" in reference.path else "",
        excluded=None if copied is None else f"{Exclusion.DUPLICATE} of {copied}",
    )


@pytest.fixture(scope="module")
def kafka_at_work(
    kafka: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KafkaSettings]:
    """A broker with an aggregator; each test has a dataset and people of its own."""
    settings = with_topics(kafka, PARTITIONS)
    with aggregating.aggregator(settings, tmp_path_factory.mktemp("aggregator")):
        yield settings


@pytest.fixture
def service(kafka_at_work: KafkaSettings, tmp_path: Path) -> Iterator[Service]:
    service = Service(kafka_at_work, tmp_path, tmp_path.name)
    for number in range(20):
        service.write(f"{number}.jpg")
    with service.detecting():
        yield service


def test_what_is_replaced_gone_moved_or_the_same_counts_as_it_lies_there(service: Service) -> None:
    for number in range(2):
        service.write(f"same-{number}.jpg")
    with service.watching():
        service.until(22, {"same-1.jpg": DUPLICATE})
        for number in range(5):
            service.write(f"{number}.jpg", "newer")
    # The ingest was killed, perhaps before it had seen them all.
    stands = {f"{number}.jpg 1": GONE for number in range(5)}
    service.file("19.jpg").unlink()
    service.file("same-0.jpg").unlink()
    shutil.move(service.file("18.jpg"), service.photos)
    (service.photos / service.bert).mkdir()
    for number in range(10, 14):
        shutil.move(service.file(f"{number}.jpg"), service.photos / service.bert)
        stands[f"{number}.jpg"] = GONE
    stands |= {"18.jpg": GONE, "19.jpg": GONE, "same-0.jpg": GONE}
    with service.watching():
        service.until(22 + 5 + 1 + 4, stands)
        service.write("0.jpg")  # as it was before
        stands |= {"0.jpg 1": "", "0.jpg 2": GONE}
        service.until(22 + 5 + 1 + 4, stands)
    with service.watching():
        service.write("19.jpg")
        service.until(22 + 5 + 1 + 4, stands | {"19.jpg": ""})


def test_many_that_are_gone_at_once_count_on_until_it_is_said_that_they_are_gone(
    service: Service,
) -> None:
    away = service.photos.parent / "away"
    away.mkdir()
    with service.watching() as process:
        service.until(20, {})
        for number in range(3):
            shutil.move(service.file(f"{number}.jpg"), away)
        wait_for(lambda: "give --prune" in process.words())
        wait_for(lambda: service.said_to_be_gone() == 3)
        service.write("20.jpg")
        service.until(21, {})
    with service.watching(prune=True):
        service.until(21, {f"{number}.jpg": GONE for number in range(3)})
        wait_for(lambda: service.said_to_be_gone() == 0)
    with service.watching():
        for number in range(3):
            shutil.move(away / f"{number}.jpg", service.photos / service.anna)
        service.until(21, {})


def test_an_ingest_that_ends_decides_about_what_is_observed_only_later(service: Service) -> None:
    ingest(service.settings(watch=False), threading.Event())
    service.write("0.jpg", "newer")
    service.write("copy.jpg")
    service.file("1.jpg").write_bytes(service.file("2.jpg").read_bytes())
    ingest(service.settings(watch=False), threading.Event())
    stands = {"0.jpg 1": GONE, "1.jpg 1": GONE}
    service.until(23, stands)
    service.file("2.jpg").unlink()
    ingest(service.settings(watch=False), threading.Event())
    service.until(23, stands | {"2.jpg": GONE, "1.jpg 2": ONLY_COPY})


def test_an_ingest_that_ends_brings_back_what_is_there_again(service: Service) -> None:
    ingest(service.settings(watch=False), threading.Event())
    service.until(20, {})
    away = service.photos.parent / "0.jpg"
    shutil.move(service.file("0.jpg"), away)
    ingest(service.settings(watch=False), threading.Event())
    service.until(20, {"0.jpg": GONE})
    shutil.move(away, service.file("0.jpg"))
    ingest(service.settings(watch=False), threading.Event())
    service.until(20, {})


def test_an_ingest_that_ends_has_photos_outside_of_its_period_not_count(service: Service) -> None:
    settings = service.settings(watch=False)
    summer = Period(dt.date(2019, 7, 1), dt.date(2019, 7, 31))
    of_summer = msgspec.structs.replace(settings.source, period=summer)
    ingest(msgspec.structs.replace(settings, source=of_summer), threading.Event())
    service.until(20, {f"{number}.jpg": Exclusion.OUT_OF_PERIOD.value for number in range(20)})
    ingest(settings, threading.Event())
    service.until(20, {})


def test_photos_count_as_they_are_seen_after_files_beside_them_name_somebody(
    service: Service,
) -> None:
    service.person = "Anna"
    with service.watching():
        service.until(20, {})
        for number in range(15):
            service.file(f"{number}.jpg.json").write_text('{"people": [{"name": "Anna"}]}')
        stands = {f"{number}.jpg 1": GONE for number in range(15)}
        stands |= {f"{number}.jpg 2": ONLY_COPY for number in range(15)}
        service.until(35, stands)
        service.file("0.jpg.json").unlink()
        service.until(35, stands | {"0.jpg 1": "", "0.jpg 2": GONE})
        service.file("0.jpg.json").write_text('{"people": [{"name": "Anna"}]}')
        service.until(35, stands)
    service.file("19.json").write_text('{"people": [{"name": "Jo"}]}')
    with service.watching():
        service.until(36, stands | {"19.jpg 1": GONE, "19.jpg 2": ONLY_COPY})
