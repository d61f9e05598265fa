"""Whoever reads topics passes over what others wrote there, and says so. No broker here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import pytest
from kafka import TopicPartition
from kafka.errors import KafkaConnectionError
from structlog.testing import capture_logs
from support.body.estimates import skeleton
from support.kafka_parts.held_topics import HeldTopics
from support.observed import observation
from support.references import reference

from avatarrig.kafka.errors import TransportError
from avatarrig.kafka.reading import Reader, Refused, offsets_of
from avatarrig.views.board import Board
from avatarrig.views.feed import CHANNELS
from avatarrig.views.progress import FOLLOWED, Found, Progress
from avatarrig.wire import MAX_RECORD_BYTES, Forget, Observation, encode
from avatarrig.wire.channels import CHANNELS as ALL_CHANNELS
from avatarrig.wire.channels import REFERENCES, Channel
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.topics import IMAGES, OBSERVATIONS, REJECTS, SKELETONS

FOREIGN = (b"", b"\xc1", msgspec.msgpack.encode({"version": 999}), bytes(MAX_RECORD_BYTES + 1))
ESTIMATE = skeleton(estimated_at=1.0)


@pytest.mark.parametrize("channel", ALL_CHANNELS, ids=lambda channel: channel.topic)
def test_bad_messages_are_refused_counted_told_and_passed_over(
    channel: Channel[Any],
) -> None:
    consumer = HeldTopics({channel.topic: [*FOREIGN, None]})
    reader = Reader(consumer, (channel,), consumer.starts)
    with capture_logs() as logs:
        messages = list(reader.to_end())
    assert [isinstance(message.record, Refused) for message in messages] == [True] * 4 + [False]
    assert messages[-1].record is None, "a tombstone is none"
    assert reader.refused == {channel.topic: 4}
    assert [(log["topic"], log["partition"], log["offset"]) for log in logs] == [
        (channel.topic, 0, offset) for offset in range(4)
    ]
    assert not reader.behind


def test_a_flood_of_bad_messages_does_not_flood_the_log() -> None:
    consumer = HeldTopics({IMAGES: [b"\xc1"] * 5000})
    reader = Reader(consumer, (REFERENCES,), consumer.starts)
    with capture_logs() as logs:
        assert len(list(reader.to_end())) == reader.refused[IMAGES] == 5000
    assert len(logs) < 25
    assert logs[-1]["refused"] == 4096


def test_a_fault_of_this_program_is_not_taken_for_a_bad_message() -> None:
    class Broken(Channel[Observation]):
        def decode(self, data: bytes | None) -> Observation:
            raise ZeroDivisionError(data)

    consumer = HeldTopics({OBSERVATIONS: [encode(observation(1))]})
    channel = Broken(OBSERVATIONS, (Observation,))
    reader = Reader(consumer, (channel,), consumer.starts)
    with pytest.raises(ZeroDivisionError):
        reader.poll(0.1)


def test_a_partition_without_a_leader_is_asked_for_again() -> None:
    place = TopicPartition(IMAGES, 0)
    answers: Iterator[KeyError | dict[TopicPartition, int]] = iter([KeyError(place), {place: 7}])

    def ask(_: list[TopicPartition]) -> dict[TopicPartition, int]:
        answer = next(answers)
        if isinstance(answer, KeyError):
            raise answer
        return answer

    assert offsets_of(ask, [place]) == {place: 7}


def test_what_kafka_answers_is_told_in_words() -> None:
    consumer = HeldTopics({IMAGES: []})
    reader = Reader(consumer, (REFERENCES,), consumer.starts)
    consumer.fails = KafkaConnectionError("gone")
    with pytest.raises(TransportError):
        reader.poll(0.1)


def test_a_run_passes_over_what_others_wrote() -> None:
    photo = observation(1)
    values: dict[str, tuple[bytes, ...]] = dict.fromkeys(
        (channel.topic for channel in FOLLOWED), FOREIGN
    )
    values[OBSERVATIONS] += (encode(photo),)
    progress = Progress("run", photo.fingerprint)
    progress.found(Found(photo.image_id, photo.path, photo.subject))
    consumer = HeldTopics(values)
    assert progress.take(Reader(consumer, FOLLOWED, consumer.starts).poll(0.1), now=1.0)
    assert progress.counts.observed == 1


def test_a_run_hears_of_who_is_forgotten() -> None:
    photo = observation(1)
    forget = Forget(forget=subject_digest(photo.subject), forgotten_at=1.0)
    consumer = HeldTopics({OBSERVATIONS: [encode(photo), encode(forget)]})
    progress = Progress("run", photo.fingerprint)
    progress.found(Found(photo.image_id, photo.path, photo.subject))
    progress.take(Reader(consumer, FOLLOWED, consumer.starts).poll(0.1), now=1.0)
    assert progress.counts.observed == 0


def board_of(topics: Mapping[str, Iterable[bytes | None]], key: bytes = b"key") -> Board:
    consumer = HeldTopics(topics, lambda _: key)
    reader = Reader(consumer, CHANNELS, consumer.starts, tell=lambda *_: None)
    board = Board()
    board.begin(reader.firsts, reader.starts)
    board.take(reader.to_end())
    board.take((), reader.positions())
    return board


def test_those_who_look_on_are_shown_what_is_sound() -> None:
    seen = board_of(
        {
            SKELETONS: [*FOREIGN, encode(ESTIMATE)],
            OBSERVATIONS: [*FOREIGN, encode(observation(1))],
            REJECTS: FOREIGN,
            IMAGES: [*FOREIGN, encode(reference())],
        }
    ).snapshot()
    assert seen.observed == 1
    assert seen.refused == dict.fromkeys((SKELETONS, OBSERVATIONS, REJECTS, IMAGES), 4)
    assert seen.reasons == {"malformed": 4}, "a bad reject is a rejected message"


def test_tombstones_are_no_photos() -> None:
    photos = [encode(reference(f"{number}.jpg")) for number in range(6)]
    seen = board_of({IMAGES: [*photos, None, None, None, None]}).snapshot()
    assert (seen.stream.found, seen.stream.waiting) == (6, 6)


def test_an_estimate_that_was_deleted_is_gone() -> None:
    seen = board_of({SKELETONS: [encode(ESTIMATE), None]}, key=b"anna\0f").snapshot()
    assert not seen.subjects


def test_a_reject_that_was_deleted_is_gone() -> None:
    topics = {REJECTS: [b"\xc1", None]}
    assert not board_of(topics).snapshot().reasons
