"""What an ingest says of photos that are gone and go on counting, without a broker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition
from support.kafka_parts.held_topics import HeldTopics
from support.observed import observation
from support.references import reference

from avatarrig.kafka.settings import KafkaSettings
from avatarrig.wire import Departed, encode
from avatarrig.wire.channels import REJECTED
from avatarrig.wire.keys import departed_key
from avatarrig.wire.topics import OBSERVATIONS, REJECTS
from producers.departures import keeping
from producers.departures.keeping import Keeping
from producers.departures.presence import Presence
from producers.departures.versions import Versions
from producers.ingest import Listed

PHOTOS = [
    reference(
        f"{number}.jpg",
        f"{number}".encode(),
        subject="s",
        image_id=f"photo-{number}",
        uri=f"file:///p/{number}.jpg",
    )
    for number in range(20)
]
PATHS = {photo.path for photo in PHOTOS}


class Topics(HeldTopics):
    """Answers also whoever waits for nothing."""

    def poll(self, timeout_ms: int, max_records: int = 500) -> dict[TopicPartition, list[Any]]:
        return super().poll(timeout_ms or 1, max_records)


class Service:
    """An ingest of twenty photos, all observed, and what it publishes."""

    def __init__(self, told: int = 0, *, prune: bool = False) -> None:
        self.sent: list[tuple[str, bytes, bytes | None]] = []
        versions = Versions("file:///p", lambda _: "s")
        for photo in PHOTOS:
            versions.note(photo)
        self.keeping = Keeping(
            KafkaSettings(bootstrap_servers="nowhere.invalid:9092"),
            *("d", versions, Presence(2), self),
            prune=prune,
            told=told,
        )

    def send(self, topic: str, *, value: bytes | None, key: bytes, **_: object) -> SimpleNamespace:
        self.sent.append((topic, key, value))
        written = SimpleNamespace(partition=0, offset=100 + len(self.sent))
        return SimpleNamespace(get=lambda **_: written)

    def flush(self) -> None:
        """All is written at once."""

    def look(self, found: set[str]) -> list[Departed | None]:
        """Looks at the folder once; returns what is said of photos that are gone."""
        self.sent.clear()
        listed = Listed()
        listed.paths |= found
        self.keeping.looked(listed)
        self.keeping.work()
        said = [(key, value) for topic, key, value in self.sent if topic == REJECTS]
        assert {key for key, _ in said} <= {departed_key("d")}
        records = [None if value is None else REJECTED.decode(value) for _, value in said]
        assert all(record is None or isinstance(record, Departed) for record in records)
        return records  # type: ignore[return-value]


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [
        encode(observation(number, "s", dataset="d"))  # of the same image_id
        for number in range(len(PHOTOS))
    ]

    @contextmanager
    def reading(_: KafkaSettings) -> Iterator[HeldTopics]:
        yield Topics({OBSERVATIONS: [*values]})

    monkeypatch.setattr(keeping, "reading", reading)
    monkeypatch.setattr(keeping, "_REST", 0)


def told(records: list[Departed | None]) -> list[int]:
    return [0 if record is None else record.photos for record in records]


def test_that_many_are_gone_is_said_once_and_taken_back_when_it_is_over() -> None:
    service = Service()
    most = PATHS - {f"{number}.jpg" for number in range(5)}
    said = [told(service.look(found)) for found in (PATHS, most, most, most, PATHS, PATHS)]
    assert said == [[], [], [5], [], [0], []]


def test_whoever_starts_anew_says_nothing_that_is_said_already() -> None:
    most = PATHS - {f"{number}.jpg" for number in range(5)}
    service = Service(told=5)
    assert [told(service.look(most)) for _ in range(3)] == [[], [], []]
    assert told(Service(told=5).look(PATHS)) == [0]
