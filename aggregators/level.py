"""One level at work: takes batches in, saves its state, publishes what changed. No Faust here."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Generic

import structlog

from aggregators.debounce import Debounce, Schedule
from aggregators.protocols import Partition, PartitionMaker, PartitionT, Publisher, Table
from avatarrig.body.refused import StateRefusedError
from avatarrig.wire.keys import Series

if TYPE_CHECKING:
    from collections.abc import Iterable

_log = structlog.get_logger(__name__)


class Level(Generic[PartitionT]):
    """Drives the partitions of one level.

    Args:
        table: Where state is kept.
        schedule: How often to publish and to save.
    """

    def __init__(
        self,
        topic: str,
        *,
        table: Table,
        parts: PartitionMaker[PartitionT],
        publisher: Publisher[PartitionT],
        schedule: Schedule,
    ) -> None:
        self.topic = topic
        self.parts: dict[int, PartitionT] = {}
        self.table = table
        self._maker = parts
        self._publisher = publisher
        self._clock = schedule.clock
        self._debounce: Debounce[Series] = Debounce(schedule.publishing)
        self._portion = schedule.publishing.portion
        self._unsent: defaultdict[Series, set[int]] = defaultdict(set)
        self._saving = schedule.saving
        self.steps = 0
        self._lock = asyncio.Lock()
        self._applied_at = self._saved_at = float("-inf")
        self._not_before = float("-inf")

    async def recover(self, ends: dict[int, int]) -> None:
        """Takes up the state of the partitions that are now this worker's.

        State that is damaged, incomplete, of another version, or ahead of its topic is dropped;
        reading then starts from the beginning, which gives what it should have been.

        Args:
            ends: Partition to the end of its topic: the offset after its last message.
        """
        async with self._lock:
            self._let_go()
            recovered = {}
            for partition, end in sorted(ends.items()):
                recovered[partition] = await self._recovered(partition, end)
            self.parts = recovered
        now = self._clock()
        for part in self.parts.values():
            self._note(part.partition, part.intake.checkpoints.unpublished, now)

    async def release(self) -> None:
        """Saves and lets go of all partitions."""
        async with self._lock:
            await self._save_now()
            self._let_go()

    def _let_go(self) -> None:
        self._debounce.forget_all()
        self._unsent.clear()
        self.parts = {}

    def positions(self) -> dict[tuple[str, int], int]:
        """Returns where reading goes on, by topic and partition."""
        return {
            (self.topic, number): part.intake.next_offset for number, part in self.parts.items()
        }

    def take(self, partition: int, messages: list[tuple[int, bytes | None]]) -> None:
        """Takes in messages of a partition; of one that is not this worker's, nothing."""
        part = self.parts.get(partition)
        if part is None:
            return
        changed = part.take(messages) | part.take_changed()
        self.steps += len(messages)
        now = self._applied_at = self._clock()
        self._note(partition, changed, now)

    def _note(self, partition: int, changed: Iterable[Series], now: float) -> None:
        for series in changed:
            self._unsent[series].add(partition)
            self._debounce.changed(series, now)

    @property
    def busy(self) -> bool:
        """Whether anything waits to be published or saved."""
        return self._debounce.pending or any(
            part.intake.checkpoints.behind for part in self.parts.values()
        )

    async def publish(self) -> None:
        """Publishes what is due."""
        async with self._lock:
            now = self._clock()
            idle = now - self._applied_at >= self._saving.idle
            await self._publish(self._debounce.due(now, idle=idle))

    async def _publish(self, due: list[Series]) -> None:
        """Publishes what all partitions have said about series, as many as are a portion.

        Who reads it works once for each series then, not once for each partition.
        """
        if not due:
            return
        begun = self._clock()
        chosen: list[Series] = []
        stood: list[tuple[PartitionT, Series]] = []
        for series in due:
            if len(stood) >= self._portion:
                break
            chosen.append(series)
            parts = [self.parts[number] for number in sorted(self._unsent.pop(series, ()))]
            stood += [(part, series) for part in parts if part.has(series)]
        offsets = [part.newest(series) for part, series in stood]
        made = [self._publisher.messages(part, series) for part, series in stood]
        spent = self._clock() - begun
        await self._publisher.send([message for messages in made for message in messages])
        self.steps += 1
        self._debounce.published(chosen, begun, spent)
        for series in chosen:
            if series in self._unsent:  # it changed meanwhile, in the same tick of a coarse clock
                self._debounce.changed(series, self._clock())
        for (part, series), offset in zip(stood, offsets, strict=True):
            if not part.has(series):  # forgotten meanwhile
                continue
            part.intake.checkpoints.published(series, offset, part.newest(series))

    async def save(self) -> dict[tuple[str, int], int]:
        """Saves if it is time.

        Returns:
            Where reading would go on after a crash, for the partitions that were saved.
        """
        if not self._is_time_to_save(self._clock()):
            return {}
        async with self._lock:
            return await self._save_now()

    def _is_time_to_save(self, now: float) -> bool:
        if now < self._not_before or not any(
            part.intake.checkpoints.behind for part in self.parts.values()
        ):
            return False
        pace, since = self._saving, now - self._saved_at
        idle = now - self._applied_at >= pace.idle
        return since >= pace.most or (idle and since >= pace.least)

    async def _save_now(self) -> dict[tuple[str, int], int]:
        saved = {}
        spent = 0.0
        for part in [part for part in self.parts.values() if part.intake.checkpoints.behind]:
            begun = self._clock()
            told = [
                self._publisher.reject(part, rejection)
                for rejection in part.intake.take_rejections()
            ]
            told += self._publisher.tombstones(part)
            changes = part.take_checkpoint()
            for key, value in changes.entries:
                _put(self.table, key, value)
            spent += self._clock() - begun
            await self._publisher.send(told)
            await self.table.confirm()
            # Only now: a marker vouches for everything before it.
            self.table[changes.marker[0]] = changes.marker[1]
            await self.table.confirm()
            saved[self.topic, part.partition] = changes.applied + 1
            self.steps += 1
        self._saved_at = self._clock()
        self._not_before = self._saved_at + spent / self._saving.share
        return saved

    async def _recovered(self, partition: int, end: int) -> PartitionT:
        items = self.table.entries(partition)
        try:
            part = self._maker.recover(partition, items)
            _check_within(part, end)
        except StateRefusedError as error:
            _log.warning(
                "state dropped, reading from the start",
                topic=self.topic,
                partition=partition,
                reason=str(error),
            )
            for key, _ in items:
                del self.table[key]
            await self.table.confirm()
            return self._maker.new(partition)
        return part


def _put(table: Table, key: bytes, value: bytes | None) -> None:
    if value is not None:
        table[key] = value
    elif key in table:
        del table[key]


def _check_within(part: Partition, end: int) -> None:
    if part.intake.next_offset > end:
        raise StateRefusedError(
            f"it contains offset {part.intake.next_offset - 1}, the topic ends before {end}"
        )
