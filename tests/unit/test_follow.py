"""A run passes over what others wrote on its topics. No broker here."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
from kafka import TopicPartition
from support.observed import observation

from avatarrig.views.follow import FOLLOWED, Follower
from avatarrig.views.progress import Found, Progress
from avatarrig.wire import MAX_RECORD_BYTES, encode
from avatarrig.wire.topics import OBSERVATIONS

FOREIGN = (b"", b"\xc1", msgspec.msgpack.encode({"version": 999}), bytes(MAX_RECORD_BYTES + 1))


class Consumer:
    """Delivers some records once; the chaos tests have a run follow a real broker."""

    def __init__(self, values: dict[str, tuple[bytes, ...]]) -> None:
        self._values = values

    def assign(self, places: list[TopicPartition]) -> None:
        assert {place.topic for place in places} == set(FOLLOWED)

    def seek_to_beginning(self, *places: TopicPartition) -> None:
        assert places

    def poll(self, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        assert timeout_ms
        return {
            TopicPartition(topic, 0): [
                SimpleNamespace(topic=topic, partition=0, value=value, key=b"key", offset=offset)
                for offset, value in enumerate(values)
            ]
            for topic, values in self._values.items()
        }


def test_records_that_are_none_are_passed_over() -> None:
    photo = observation(1)
    values = dict.fromkeys(FOLLOWED, FOREIGN)
    values[OBSERVATIONS] += (encode(photo),)
    progress = Progress("run", photo.fingerprint)
    progress.found(Found(photo.image_id, photo.path, photo.subject))
    Follower(Consumer(values), 1, progress).poll(0.1)
    assert progress.counts.observed == 1
