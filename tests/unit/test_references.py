"""Photos are counted from several offsets on in one pass. No broker here."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace

import pytest
from kafka import TopicPartition

from avatarrig.views import references
from avatarrig.views.references import References, references_from

FIRST, SECOND = TopicPartition("images", 0), TopicPartition("images", 1)


class Consumer:
    """Stands in for kafka-python's: holds messages by partition, and notes what was read."""

    def __init__(self, **values: Iterable[bytes | None]) -> None:
        self.messages = {FIRST: list(values["first"]), SECOND: list(values["second"])}
        self.read: list[tuple[TopicPartition, int]] = []
        self._positions: dict[TopicPartition, int] = {}

    def assign(self, places: Iterable[TopicPartition]) -> None:
        self._positions = dict.fromkeys(places, 0)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self._positions[place] = offset

    def position(self, place: TopicPartition) -> int:
        return self._positions[place]

    def end_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return {place: len(self.messages[place]) for place in places}

    def poll(self, **_: object) -> dict[TopicPartition, list[SimpleNamespace]]:
        batches = {}
        for place, at in self._positions.items():
            found = enumerate(self.messages[place][at:], at)
            batches[place] = [
                SimpleNamespace(offset=offset, value=value, timestamp=1000 * (offset + 10))
                for offset, value in found
            ]
            self.read += [(place, message.offset) for message in batches[place]]
            self._positions[place] = len(self.messages[place])
        return batches


def test_a_topic_is_read_once_for_all_that_is_counted() -> None:
    consumer = Consumer(first=[b"a", None, b"b", b"c"], second=[b"d", b"e"])
    everything, waiting, nothing = references_from(
        consumer,
        [{FIRST: 0, SECOND: 0}, {FIRST: 3, SECOND: 1}, {FIRST: 4, SECOND: 2}],
    )
    assert everything == References(5, 10.0)
    assert waiting == References(2, 11.0)
    assert nothing == References(0, None)
    assert len(consumer.read) == len(set(consumer.read)) == 6


def test_very_many_are_counted_by_their_offsets_and_few_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(references, "MOST_READ", 3)
    consumer = Consumer(first=[None, b"a", None, b"b"], second=[b"c"])
    everything, waiting = references_from(consumer, [{FIRST: 0, SECOND: 0}, {FIRST: 2, SECOND: 1}])
    assert everything == References(5, 10.0), "tombstones count as photos"
    assert waiting == References(1, 13.0)


def test_an_empty_topic_has_no_photos() -> None:
    consumer = Consumer(first=[], second=[])
    assert references_from(consumer, [{FIRST: 0, SECOND: 0}]) == [References(0, None)]
