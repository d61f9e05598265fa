"""The Faust application: two levels, each an agent with a table."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final, cast

from aiokafka.errors import KafkaError
from faust.types import TP, StreamT

from aggregators.connection import OBSERVED_TABLE, TALLIED_TABLE, faust_options
from aggregators.debounce import Schedule
from aggregators.faust_parts import App, Batch, Consumer, StateTable, TableManager
from aggregators.level import Level
from aggregators.partitions.merging import tallied_partitions
from aggregators.partitions.reach import Reach
from aggregators.partitions.tallying import observed_partitions
from aggregators.publishers import Sender, SkeletonPublisher, TallyPublisher
from avatarrig.wire.topics import OBSERVATIONS, TALLIES

if TYPE_CHECKING:
    from pathlib import Path

    from aggregators.partitions.merging import Estimator
    from aggregators.settings import AggregatorSettings
    from avatarrig.metrics.aggregate import AggregateMetrics

_TICK_SECONDS: Final = 0.02
"""Between looks at what is due, while anything is to be done."""
_IDLE_SECONDS: Final = 1.0
"""Between looks where nothing is, and nothing comes."""
_AWAY_SECONDS: Final = 1.0
"""Between questions to a Kafka that does not answer."""


class Aggregation:
    """Both levels on a Faust application.

    Args:
        partitions: Topic to its number of partitions.
        learned: Versions of what was learned that this program works with, spaces between.
        data: An empty folder; Faust insists on one.
    """

    def __init__(  # noqa: PLR0913 - a worker's parts, put together in one place
        self,
        settings: AggregatorSettings,
        partitions: dict[str, int],
        *,
        learned: str,
        estimator: Estimator,
        data: Path,
        metrics: AggregateMetrics,
    ) -> None:
        self._metrics = metrics
        self.app = App(
            settings.group,
            Table=StateTable,
            TableManager=TableManager,
            **faust_options(settings, data),
        )
        self._recovered = 0
        self._news = asyncio.Event()
        self._inputs = [TP(OBSERVATIONS, number) for number in range(partitions[OBSERVATIONS])]
        self._reach = Reach()
        sender = Sender(self.app, partitions)
        observed = self._table(OBSERVED_TABLE, partitions[OBSERVATIONS])
        tallied = self._table(TALLIED_TABLE, partitions[TALLIES])
        self.levels = (
            Level(
                OBSERVATIONS,
                table=observed,
                parts=observed_partitions(learned),
                publisher=TallyPublisher(OBSERVATIONS, sender, time.time, metrics),
                schedule=Schedule(),
            ),
            Level(
                TALLIES,
                table=tallied,
                parts=tallied_partitions(learned, estimator, self._reach),
                publisher=SkeletonPublisher(TALLIES, sender, time.time, metrics),
                schedule=Schedule(),
            ),
        )
        self._attach(self.levels[0], observed)
        self._attach(self.levels[1], tallied)
        self.app.on_partitions_revoked.connect(self._on_revoked)
        self.app.task(self._work)

    @property
    def _consumer(self) -> Consumer:
        return cast("Consumer", self.app.consumer)

    @property
    def is_idle(self) -> bool:
        """Whether everything that Kafka holds has been taken in, published and saved."""
        if self.app.rebalancing or any(level.busy for level in self.levels):
            return False
        return self._consumer.backlog() == 0

    @property
    def progress(self) -> tuple[int, ...]:
        """Numbers that change whenever something moves."""
        recovery = cast("TableManager", self.app.tables).recovery
        return (
            self.app.consumer_generation_id,
            self._recovered,
            *(offset or 0 for offset in list(recovery.active_offsets.values())),
            *(level.steps for level in self.levels),
        )

    async def start(self) -> None:
        """Starts, and returns when the tables are recovered."""
        await self.app.start()

    async def finish(self) -> None:
        """Publishes and saves what was taken in, and takes in no more."""
        await self._on_revoked()

    async def stop(self) -> None:
        """Leaves the group and closes all connections."""
        await self.app.stop()

    def _table(self, name: str, partitions: int) -> StateTable:
        table = self.app.Table(name, key_type=bytes, value_type=bytes, partitions=partitions)
        return cast("StateTable", table)

    def _attach(self, level: Level[Any], table: StateTable) -> None:
        async def recover() -> None:
            await self._recover(level)

        async def take(stream: StreamT[Batch]) -> None:
            async with self._crashing_on_errors():
                async for batch in stream:
                    if level.topic == TALLIES:
                        await self._find_reach(batch)
                    self._take(level, batch)

        table.on_recover(recover)
        source = self.app.topic(
            level.topic, key_serializer="raw", value_serializer="raw", acks=False
        )
        self.app.agent(source, name=f"aggregators.{level.topic}", concurrency=1)(take)

    def _take(self, level: Level[Any], batch: Batch) -> None:
        if self._is_current(batch):
            level.take(batch.partition, batch.messages)
            self._news.set()
            self._metrics.taken(level.topic, len(batch.messages))

    async def _recover(self, level: Level[Any]) -> None:
        async with self._crashing_on_errors():
            consumer = self._consumer
            consumer.positions = self._positions
            mine = [tp for tp in consumer.assignment() if tp.topic == level.topic]
            if level.topic == TALLIES:
                self._reach.restart(await self._ends(self._inputs))
            await level.recover(await self._ends(mine))
            self._recovered += 1
            self._news.set()

    async def _ends(self, places: list[TP]) -> dict[int, int]:
        """Asks Kafka for the offsets after the last messages of partitions of one topic."""
        ends = await self._consumer.highwaters(*places) if places else {}
        return {tp.partition: end or 0 for tp, end in ends.items()}

    async def _find_reach(self, batch: Batch) -> None:
        """Finds out whether what tallies say to contain is there.

        What level 1 of this very process has read is; where others have read more, Kafka knows.
        """
        values = [value for _, value in batch.messages]
        read = self.levels[0].positions()
        self._reach.extend({partition: at for (_, partition), at in read.items()})
        while not self._reach.covers(values) and self._is_current(batch):
            try:
                self._reach.extend(await self._ends(self._inputs))
            except KafkaError:
                await asyncio.sleep(_AWAY_SECONDS)
            else:
                return

    def _is_current(self, batch: Batch) -> bool:
        return batch.generation == self.app.consumer_generation_id

    def _positions(self) -> dict[tuple[str, int], int]:
        first, second = (level.positions() for level in self.levels)
        return first | second

    async def _on_revoked(self, *_: Any, **__: Any) -> None:
        for level in self.levels:
            await level.release()

    async def _work(self) -> None:
        while not self.app.should_stop:
            if any(level.busy for level in self.levels):
                await asyncio.sleep(_TICK_SECONDS)
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), _IDLE_SECONDS)
            self._news.clear()
            for level in self.levels:
                if level.busy:
                    await self._tend(level)
            self._metrics.keeps(sum(part.size for part in self.levels[1].parts.values()))

    async def _tend(self, level: Level[Any]) -> None:
        async with self._crashing_on_errors():
            await level.publish()
            saved = await level.save()
            if saved and not self.app.rebalancing:
                await self._consumer.commit_positions(saved)

    @contextlib.asynccontextmanager
    async def _crashing_on_errors(self) -> AsyncIterator[None]:
        """Ends the worker: Faust would go on, behind the batch or without the state."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is, what is kept is uncertain
            await self.app.crash(error)
