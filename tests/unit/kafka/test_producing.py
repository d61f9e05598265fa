"""A producer is closed, and what Kafka's library raises is told for people. No broker here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from kafka.errors import KafkaTimeoutError
from support.kafka_parts.held_topics import HeldTopics
from support.observed import observation
from support.references import reference

from avatarrig.kafka import clients
from avatarrig.kafka.clients import producing
from avatarrig.kafka.errors import TransportError
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.pipeline import measuring
from avatarrig.pipeline.measuring import tell_measured
from avatarrig.pipeline.replaying import replay
from avatarrig.pipeline.restoring import Restorer
from avatarrig.views.progress import Found, Progress
from avatarrig.views.rejects import RejectedPhoto
from avatarrig.wire import Reject, encode
from avatarrig.wire.topics import OBSERVATIONS, TALLIES

KAFKA = KafkaSettings(bootstrap_servers="kafka:9092")


class Silent:
    """A producer whose broker went away after it was opened."""

    closed_after: float | None = None

    def send(self, *_: object, **__: object) -> None:
        raise KafkaTimeoutError("no metadata")

    def close(self, timeout: float | None = None) -> None:
        self.closed_after = timeout


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Silent:
    producer = Silent()
    topics = HeldTopics({TALLIES: []})

    @contextmanager
    def reading(_: KafkaSettings) -> Iterator[HeldTopics]:
        yield topics

    monkeypatch.setattr(clients, "open_producer", lambda _: producer)
    monkeypatch.setattr(measuring, "reading", reading)
    return producer


def send_one() -> None:
    with producing(KAFKA) as producer:
        producer.send("topic", b"value")


def replay_one() -> None:
    photo = reference()
    rejected = Reject(
        reason="missing", message="m", attempts=1, rejected_at=1.0, reference=photo, run=photo.run
    )
    replay(KAFKA, [RejectedPhoto(rejected, frozenset({b"key"}))])


@pytest.mark.parametrize(
    "send", [send_one, replay_one, lambda: tell_measured(KAFKA, "anna", 1.7, {})]
)
def test_a_broker_that_goes_away_is_told_and_not_waited_for(
    silent: Silent, send: Callable[[], None]
) -> None:
    with pytest.raises(TransportError, match=r"kafka:9092.*no metadata"):
        send()
    assert silent.closed_after is not None


def test_an_observation_of_a_kafka_that_is_away_is_not_to_be_had() -> None:
    seen = observation(0)
    progress = Progress("r", seen.fingerprint)
    found = Found(seen.image_id, seen.path, seen.subject)
    progress.found(found)
    progress.observation(seen, 0, 0, 0.0)
    place = progress.observed_at(found)
    assert place is not None
    topic = HeldTopics({OBSERVATIONS: [encode(seen)]})
    assert Restorer(lambda: topic)(found.key, place) == seen
    topic.fails = KafkaTimeoutError("it went away")
    assert Restorer(lambda: topic)(found.key, place) is None

    def away() -> HeldTopics:
        raise TransportError("nothing answers")

    assert Restorer(away)(found.key, place) is None
