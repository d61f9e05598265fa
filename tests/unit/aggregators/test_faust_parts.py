"""What the aggregator's consumer hands on, and when. No broker here."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import MagicMock

import pytest
from faust.types import TP
from prometheus_client import CollectorRegistry
from support.body.estimates import said

from aggregators.app import Aggregation
from aggregators.faust_parts import App, Batch, Consumer, StateTable, TableManager
from aggregators.partitions.keys import marker_key
from aggregators.partitions.tallying import ObservedPartition
from aggregators.settings import AggregatorSettings
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.metrics.aggregate import AggregateMetrics
from avatarrig.wire.topics import HISTORY, OBSERVATIONS, REJECTS, SKELETONS, TALLIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OBSERVED = TP("avatarrig.observations", 0)
CHANGELOG = TP("group-observed-changelog", 0)
GENERATION = 7


class Thread:
    """Stands in for the thread that talks to the broker."""

    def __init__(self) -> None:
        self.beacon = MagicMock()  # of mode's tree of services
        self.sought: dict[TP, int] = {}

    def seek(self, tp: TP, offset: int) -> None:
        self.sought[tp] = offset

    def assignment(self) -> set[TP]:
        return {OBSERVED, CHANGELOG}


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def consumer(loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> Consumer:
    monkeypatch.setattr(Consumer, "_new_consumer_thread", lambda _: Thread())
    app = App("group", broker="kafka://127.0.0.1:1", Table=StateTable, TableManager=TableManager)
    app.loop = loop
    consumer = cast("Consumer", app.consumer)
    consumer.positions = lambda: {(OBSERVED.topic, OBSERVED.partition): 30}
    app.consumer_generation_id = GENERATION
    cast("Any", app.tables)._changelogs = {CHANGELOG.topic: None}
    consumer._set_active_tps({OBSERVED, CHANGELOG})
    consumer.pause_partitions({OBSERVED, CHANGELOG})
    return consumer


def test_observations_are_read_when_the_flow_resumes_and_not_before(consumer: Consumer) -> None:
    consumer.resume_flow()  # the changelogs are read
    consumer.resume_partitions({OBSERVED, CHANGELOG})
    assert consumer._get_active_partitions() == {CHANGELOG}
    consumer.resume_flow()
    assert consumer._get_active_partitions() == {OBSERVED, CHANGELOG}


def test_what_was_to_be_resumed_before_another_rebalance_is_not(consumer: Consumer) -> None:
    consumer.resume_partitions({OBSERVED})
    consumer.pause_partitions({OBSERVED})
    consumer.resume_flow()
    assert consumer._get_active_partitions() == set()


async def hand_on(consumer: Consumer, meanwhile: Callable[[], None]) -> list[TP]:
    """What one fetch hands on, and what happens while it waits."""

    async def fetched(_: float) -> tuple[Any, Any]:
        meanwhile()
        record = SimpleNamespace(offset=31, value=b"", timestamp=0, timestamp_type=0)
        return {OBSERVED: [record]}, consumer._get_active_partitions()

    cast("Any", consumer)._wait_next_records = fetched
    return [tp async for tp, _ in consumer.getmany(1.0)]


@pytest.mark.parametrize("change", ["nothing", "flow", "generation", "partition"])
def test_what_is_not_handed_on_is_read_again(
    consumer: Consumer, loop: asyncio.AbstractEventLoop, change: str
) -> None:
    consumer.resume_partitions({OBSERVED})
    consumer.resume_flow()

    def happen() -> None:
        if change == "flow":
            consumer.stop_flow()
        elif change == "generation":
            consumer.app.consumer_generation_id += 1
        elif change == "partition":
            consumer.pause_partitions({OBSERVED})

    handed_on = loop.run_until_complete(hand_on(consumer, happen))
    is_whole = change == "nothing"
    assert handed_on == ([OBSERVED] if is_whole else [])
    assert cast("Thread", consumer._thread).sought == ({} if is_whole else {OBSERVED: 30})


def test_a_partition_that_went_away_leaves_nothing_behind(
    consumer: Consumer, loop: asyncio.AbstractEventLoop
) -> None:
    made = consumer.app.Table("observed", key_type=bytes, value_type=bytes, partitions=2)
    table = cast("StateTable", made)
    kept, gone = marker_key(0), marker_key(1)
    cast("Any", table.data).data.update({kept: b"", gone: b""})
    revoked = {TP(table.changelog_topic_name, 1)}
    loop.run_until_complete(table.on_rebalance(set(), revoked, set()))
    assert set(table.data.keys()) == {kept}


def test_the_flow_begins_where_the_state_ends(
    consumer: Consumer, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sought: list[dict[TP, int]] = []

    async def seek_wait(positions: dict[TP, int]) -> None:
        sought.append(positions)

    monkeypatch.setattr(consumer, "seek_wait", seek_wait)
    loop.run_until_complete(consumer.seek_to_committed())
    assert sought == [{OBSERVED: 30}]


def test_what_was_read_before_a_rebalance_is_not_taken_in_after_it(
    loop: asyncio.AbstractEventLoop, tmp_path: Path
) -> None:
    kafka = KafkaSettings(bootstrap_servers="127.0.0.1:1")
    topics = dict.fromkeys((OBSERVATIONS, TALLIES, SKELETONS, HISTORY, REJECTS), 1)
    aggregation = Aggregation(
        AggregatorSettings(kafka=kafka),
        topics,
        learned="",
        estimator=lambda *_: said(),
        data=tmp_path,
        metrics=AggregateMetrics(CollectorRegistry()),
    )
    level, _ = aggregation.levels
    part = level.parts[0] = ObservedPartition(0, "")
    aggregation.app.consumer_generation_id = GENERATION
    for generation, next_offset in ((GENERATION - 1, 0), (GENERATION, 1)):
        aggregation._take(level, Batch(OBSERVATIONS, 0, generation, [(0, None)]))
        assert part.intake.next_offset == next_offset


def test_a_foreign_key_in_a_changelog_belongs_to_no_partition(
    consumer: Consumer,
) -> None:
    made = consumer.app.Table("kept", key_type=bytes, value_type=bytes, partitions=6)
    table = cast("StateTable", made)
    own = marker_key(3)
    for key in (own, b"", b"evil", None):
        cast("Any", table.data).data[key] = b"value"
    assert table.entries(3) == [(own, b"value")]
    assert not table.entries(0)
