"""Topics of one partition in memory, as kafka-python's consumer shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from kafka import TopicPartition


class HeldTopics:
    """Holds the values of one partition of each topic.

    Args:
        topics: Name to values, in the order of their offsets.
        key: Makes a message's key of its offset.

    Attributes:
        fails: What a poll raises; None lets it answer.
    """

    def __init__(
        self,
        topics: Mapping[str, Iterable[bytes | None]],
        key: Callable[[int], bytes] = lambda offset: f"key-{offset}".encode(),
    ) -> None:
        self._values = {TopicPartition(topic, 0): list(of) for topic, of in topics.items()}
        self._positions: dict[TopicPartition, int] = {}
        self._key = key
        self.fails: Exception | None = None

    @property
    def starts(self) -> dict[TopicPartition, int]:
        return dict.fromkeys(self._values, 0)

    @property
    def places(self) -> list[TopicPartition]:
        """The partitions."""
        return list(self._values)

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0} if TopicPartition(topic, 0) in self._values else set()

    def assign(self, places: Iterable[TopicPartition]) -> None:
        self._positions = dict.fromkeys(places, 0)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self._positions[place] = offset

    def position(self, place: TopicPartition) -> int:
        return self._positions[place]

    @property
    def _subscription(self) -> SimpleNamespace:
        """Where kafka-python keeps how far each partition was read."""
        return SimpleNamespace(position=lambda at: SimpleNamespace(offset=self._positions[at]))

    def committed(self, place: TopicPartition) -> int:
        assert place in self._values
        return 0

    def beginning_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 0)

    def end_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return {place: len(self._values[place]) for place in places}

    def poll(self, timeout_ms: int, max_records: int = 500) -> dict[TopicPartition, list[Any]]:
        assert timeout_ms
        if self.fails is not None:
            raise self.fails
        batches = {}
        for place, at in self._positions.items():
            values = list(enumerate(self._values[place]))[at : at + max_records]
            batches[place] = [
                SimpleNamespace(value=value, key=self._key(offset), offset=offset, timestamp=1000)
                for offset, value in values
            ]
            self._positions[place] = at + len(values)
        return {place: batch for place, batch in batches.items() if batch}
