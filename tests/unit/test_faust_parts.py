"""What the aggregator's consumer hands on, and when. No broker here."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import pytest
from faust.types import TP

from aggregators.faust_parts import App, Consumer, StateTable, TableManager

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
    consumer = app.consumer
    consumer.positions = lambda: {(OBSERVED.topic, OBSERVED.partition): 30}
    app.consumer_generation_id = GENERATION
    app.tables._changelogs = {CHANGELOG.topic: None}
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

    consumer._wait_next_records = fetched
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
    assert consumer._thread.sought == ({} if is_whole else {OBSERVED: 30})
