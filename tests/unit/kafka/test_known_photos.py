"""Photos are decided about by what is known of them; what is not known is read."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from kafka import TopicPartition
from support.kafka_parts.held_topics import HeldTopics
from support.observed import observation

from avatarrig.body.evidence.standing import leave_out
from avatarrig.errors import CommandError
from avatarrig.kafka.deciding import service
from avatarrig.kafka.deciding.known import Known, Reference
from avatarrig.kafka.reading import Message
from avatarrig.views import feed
from avatarrig.views.catalogue import Catalogue
from avatarrig.wire import Decision, Forget, Observation, encode
from avatarrig.wire.channels import OBSERVED
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.standings import COUNTS
from avatarrig.wire.topics import OBSERVATIONS

PLACE = TopicPartition(OBSERVATIONS, 0)
LEFT_OUT = Exclusion.ON_REQUEST.value
FORGET = Forget(forget=subject_digest("anna"), forgotten_at=10.0)
PHOTOS = [observation(number) for number in range(12)]
PHOTO = PHOTOS[7]
ANEW = msgspec.structs.replace(PHOTO, fingerprint="f" * 16)

Record = Observation | Decision | Forget


class Topic(HeldTopics):
    """The observations topic, to which decisions are written."""

    def __init__(self, *records: Record) -> None:
        self.values: list[bytes | None] = [encode(record) for record in records]
        super().__init__({OBSERVATIONS: []})
        self._values[PLACE] = self.values
        self.read: set[int] = set()

    def poll(self, timeout_ms: int, max_records: int = 1) -> dict[TopicPartition, list[Any]]:
        batches = super().poll(timeout_ms, min(max_records, 1))
        self.read |= {message.offset for batch in batches.values() for message in batch}
        return batches

    def send(self, topic: str, *, value: bytes, key: bytes, partition: int) -> SimpleNamespace:
        assert topic == OBSERVATIONS
        assert key
        self.values.append(value)
        written = SimpleNamespace(partition=partition, offset=len(self.values) - 1)
        return SimpleNamespace(get=lambda **_: written)

    def flush(self) -> None:
        """All is written at once."""

    def close(self) -> None:
        """There is nothing to close."""

    @property
    def kafka(self) -> Any:  # noqa: ANN401 - stands for the settings; see `_no_broker`
        return self

    def catalogue(self, count: int) -> Catalogue:
        made = Catalogue()
        made.take(
            [
                Message(OBSERVATIONS, 0, offset, 0.0, b"", OBSERVED.decode(value))
                for offset, value in enumerate(self.values[:count])
            ],
            {PLACE: count},
        )
        return made


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def reading(topic: HeldTopics) -> Iterator[HeldTopics]:
        yield topic

    monkeypatch.setattr(service, "reading", reading)
    monkeypatch.setattr(service, "producing", reading)
    monkeypatch.setattr(feed, "reading", reading)


def decided(topic: Topic, known: int | None, photo: Observation = PHOTO) -> list[Observation]:
    """What the decision that was published brings along.

    Args:
        known: How many messages a catalogue knows; None where there is none.
    """
    before = len(topic.values)

    def look_up(subject: str, photos: Collection[str]) -> Known | None:
        return None if known is None else topic.catalogue(known).known(subject, photos)

    asked = service.Deciding("anna", [photo.image_id], "", leave_out)
    service.decide_about(topic.kafka, look_up, asked)
    published = [OBSERVED.decode(value) for value in topic.values[before:]]
    (decision,) = published
    assert isinstance(decision, Decision)
    assert (decision.image_ids, decision.standing) == ((photo.image_id,), LEFT_OUT)
    return list(decision.observed)


def whole(*records: Record) -> list[Observation]:
    return decided(Topic(*records), None)


def test_a_photo_that_is_known_is_fetched_and_the_past_not_read() -> None:
    topic = Topic(*PHOTOS)
    assert decided(topic, len(PHOTOS)) == whole(*PHOTOS)
    assert topic.read == {PHOTOS.index(PHOTO), len(PHOTOS)}, "the photo, and the decision"


@pytest.mark.parametrize("known", range(7, 16))
@pytest.mark.parametrize("last", [(), (FORGET, PHOTO), (FORGET, ANEW, PHOTO)])
def test_what_was_said_since_is_read(known: int, last: tuple[Record, ...]) -> None:
    records = [*PHOTOS, PHOTO, ANEW, *last]
    assert decided(Topic(*records), min(known, len(records))) == whole(*records)


def test_where_the_topic_was_made_anew_it_is_read() -> None:
    before = Topic(*PHOTOS)
    for records in (PHOTOS[5:], PHOTOS[::-1], [*PHOTOS[5:], *PHOTOS[:5]]):
        topic = Topic(*records)
        topic.catalogue = before.catalogue  # type: ignore[method-assign]
        assert decided(topic, len(PHOTOS)) == whole(*records)


def test_a_photo_that_nobody_saw_is_refused() -> None:
    topic = Topic(*PHOTOS[:3])
    with pytest.raises(CommandError, match="is called"):
        decided(topic, 3)
    assert len(topic.values) == 3


@pytest.mark.parametrize("known", [None, 2, 3, 4])
def test_what_was_decided_before_somebody_was_forgotten_is_forgotten(known: int | None) -> None:
    before = Decision(
        subject="anna", image_ids=(PHOTO.image_id,), standing=LEFT_OUT, decided_at=1.0
    )
    topic = Topic(PHOTO, before, FORGET, PHOTO)
    assert feed.observations_by_now(topic.kafka, "anna")[1] == {}
    assert len(decided(topic, known)) == 1
    assert feed.observations_by_now(topic.kafka, "anna")[1] == {PHOTO.image_id: LEFT_OUT}


class Pointing:
    """Somebody who points at faces in a photo, and undoes that."""

    def __init__(self, *, is_catalogued: bool) -> None:
        self.topic = Topic(PHOTO)
        self._is_catalogued = is_catalogued

    def decide(
        self, to: str, reference: Reference | None = None
    ) -> tuple[service.Outcome, list[Decision]]:
        before = len(self.topic.values)
        known = self.topic.catalogue(before).known("anna", [PHOTO.image_id])
        outcome = service.decide_about(
            self.topic.kafka,
            lambda *_: known if self._is_catalogued else None,
            service.Deciding("anna", [PHOTO.image_id], "", lambda *_: to, reference),
        )
        published = [OBSERVED.decode(value) for value in self.topic.values[before:]]
        return outcome, [each for each in published if isinstance(each, Decision)]

    def undo(self, outcome: service.Outcome) -> bytes:
        """Has the photo stand as before; returns the face that is the reference then."""
        back = Reference(digest=outcome.faces[PHOTO.image_id])
        _, (decision,) = self.decide(outcome.before[PHOTO.image_id], back)
        return decision.face


@pytest.fixture(params=[True, False], ids=["catalogued", "read"])
def pointing(request: pytest.FixtureRequest) -> Pointing:
    return Pointing(is_catalogued=request.param)


def test_a_face_is_taken_back_though_the_photo_stands_as_it_stood(pointing: Pointing) -> None:
    assert pointing.decide(COUNTS)[0].before == {PHOTO.image_id: ""}
    outcome, published = pointing.decide(COUNTS)
    assert (outcome.before, published) == ({}, [])
    for face in (b"a face", b""):
        outcome, (decision,) = pointing.decide(COUNTS, Reference(face))
        assert outcome.before == {PHOTO.image_id: COUNTS}
        assert (decision.standing, decision.face) == (COUNTS, face)


def test_undoing_brings_back_the_face_that_was_the_reference(pointing: Pointing) -> None:
    """Pointed at one face, then at another one, then said that it is somebody else."""
    first, _ = pointing.decide(COUNTS, Reference(b"one"))
    second, _ = pointing.decide(COUNTS, Reference(b"two"))
    third, _ = pointing.decide(Exclusion.SOMEBODY_ELSE.value)
    assert b"one" not in repr(second.faces).encode()
    assert [pointing.undo(outcome) for outcome in (third, second, first)] == [b"two", b"one", b""]


def test_a_forgotten_face_is_not_brought_back(pointing: Pointing) -> None:
    pointing.decide(COUNTS, Reference(b"one"))
    second, _ = pointing.decide(COUNTS, Reference(b"two"))
    forget = msgspec.structs.replace(FORGET, forgotten_at=2e11)
    pointing.topic.values += [encode(forget), encode(PHOTO)]
    assert pointing.undo(second) == b""
