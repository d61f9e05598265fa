"""Every consumer of a topic survives every message: it refuses what is no record, and goes on.

What is refused is told with topic, partition and offset, and what follows it is taken in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.kafka_parts.held_topics import HeldTopics
from support.wire.hostile import hostile, sound

import producers.service
from aggregators.partitions.merging import TalliedPartition
from aggregators.partitions.tallying import ObservedPartition
from aggregators.worker import estimator
from avatarrig.body.estimate import EstimateOptions
from avatarrig.body.evidence.learned import load_learned
from avatarrig.kafka.reading import Reader
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.pipeline import forgetting, groups
from avatarrig.views.board import EVERYTHING, Board
from avatarrig.views.feed import CHANNELS as SHOWN
from avatarrig.views.progress import FOLLOWED, Progress
from avatarrig.wire import Observation, Reject, decode, encode
from avatarrig.wire.channels import CHANNELS
from avatarrig.wire.topics import (
    HISTORY,
    IMAGES,
    OBSERVATIONS,
    REJECTS,
    SKELETONS,
    TALLIES,
)
from processors.outcome import take

LEARNED = load_learned("full").version
NOWHERE = KafkaSettings(bootstrap_servers="127.0.0.1:1")
RUN = "0123456789ab"

UNREAD = {"captured_at is no number", "captured_at never was", "a number too many"}
"""What is wrong with parts of an observation that the page does not read."""

Taken = tuple[list[str], bool]
"""Origins of what was told to be refused, and whether the sound record was taken in."""


def replica(topic: str, values: list[bytes]) -> Taken:
    told, took = [], False
    for offset, value in enumerate(values):
        taken = take(value, origin=(topic, 0, offset), run=RUN, now=1.0)
        if taken.output is not None:
            told.append(decode(taken.output.value, Reject).origin)
        took |= taken.reference is not None
    return told, took


def level_one(topic: str, values: list[bytes]) -> Taken:
    part = ObservedPartition(0, LEARNED)
    changed = [part.take([(offset, value)]) for offset, value in enumerate(values)]
    assert part.intake.next_offset == len(values)
    told = [f"{topic}/0/{refusal.offset}" for refusal in part.intake.take_rejections()]
    return told, bool(changed[-1])


def level_two(topic: str, values: list[bytes]) -> Taken:
    part = TalliedPartition(0, LEARNED, estimator(EstimateOptions()))
    changed = [part.take([(offset, value)]) for offset, value in enumerate(values)]
    assert part.intake.next_offset == len(values)
    told = [f"{topic}/0/{refusal.offset}" for refusal in part.intake.take_rejections()]
    return told, bool(changed[-1])


def run(topic: str, values: list[bytes]) -> Taken:
    seen = sound()[OBSERVATIONS]
    assert isinstance(seen, Observation)
    progress = Progress(RUN, seen.fingerprint, LEARNED)

    def look(topics: HeldTopics, starts: dict[Any, int]) -> bool:
        channels = [channel for channel in FOLLOWED if channel.topic == topic]
        messages = list(Reader(topics, channels, starts).to_end())
        progress.take(messages, 1.0)
        return messages[-1].record is not None

    return _logged(topic, values, look)


def page_tail_and_status(topic: str, values: list[bytes]) -> Taken:
    def look(topics: HeldTopics, starts: dict[Any, int]) -> bool:
        board = Board(EVERYTHING)
        channels = [channel for channel in SHOWN if channel.topic == topic]
        reader = Reader(topics, channels, starts)
        board.begin(reader.firsts, reader.starts)
        messages = list(reader.to_end())
        board.take(messages)
        board.snapshot()
        return messages[-1].record is not None

    return _logged(topic, values, look)


def waiting_photos(topic: str, values: list[bytes]) -> Taken:
    return _logged(topic, values, lambda topics, _: bool(groups.waiting_photos(topics, RUN)))


def forget(topic: str, values: list[bytes]) -> Taken:
    (channel,) = (channel for channel in CHANNELS if channel.topic == topic)
    return _logged(
        topic, values, lambda topics, _: bool(forgetting.find_messages(topics, channel, "anna"))
    )


def memory(topic: str, values: list[bytes], patch: pytest.MonkeyPatch) -> Taken:
    def look(topics: HeldTopics, _: object) -> bool:
        @contextmanager
        def reading(_: KafkaSettings) -> Iterator[HeldTopics]:
            yield topics

        patch.setattr(producers.service, "reading", reading)
        memory = producers.service.recall(NOWHERE, "d")
        return bool(memory) or topic == REJECTS

    others: dict[str, list[bytes]] = {REJECTS: [], IMAGES: []}
    return _logged(topic, values, look, others)


def _logged(
    topic: str,
    values: list[bytes],
    look: Callable[[HeldTopics, dict[Any, int]], bool],
    others: dict[str, list[bytes]] | None = None,
) -> Taken:
    topics = HeldTopics((others or {}) | {topic: values})
    starts = topics.beginning_offsets([place for place in topics.places if place.topic == topic])
    with capture_logs() as logs:
        took = look(topics, starts)
    told = [f"{log['topic']}/{log['partition']}/{log['offset']}" for log in logs if "offset" in log]
    return told, took


CONSUMERS: list[tuple[Callable[..., Taken], tuple[str, ...]]] = [
    (replica, (IMAGES,)),
    (level_one, (OBSERVATIONS,)),
    (level_two, (TALLIES,)),
    (run, (OBSERVATIONS, REJECTS, SKELETONS)),
    (page_tail_and_status, (SKELETONS, OBSERVATIONS, REJECTS, IMAGES, HISTORY)),
    (waiting_photos, (IMAGES,)),
    (forget, (IMAGES, OBSERVATIONS, REJECTS, TALLIES, SKELETONS, HISTORY)),
    (memory, (IMAGES, REJECTS)),
]


@pytest.mark.parametrize(
    ("consume", "topic"),
    [
        pytest.param(consume, topic, id=f"{consume.__name__}-{re.sub('.*[.]', '', topic)}")
        for consume, topics in CONSUMERS
        for topic in topics
    ],
)
def test_what_is_no_record_is_refused_and_what_follows_is_taken_in(
    consume: Callable[..., Taken], topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_of = RUN if consume in {replica, waiting_photos} else ""
    good = encode(sound(run=run_of)[topic])
    for what, bad in hostile(topic).items():
        arguments = (monkeypatch,) if consume is memory else ()
        told, took = consume(topic, [bad, good], *arguments)
        if (consume, topic) != (page_tail_and_status, OBSERVATIONS) or what not in UNREAD:
            assert told == [f"{topic}/0/0"], what
        assert took, what
