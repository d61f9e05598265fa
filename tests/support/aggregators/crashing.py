"""Both levels of the aggregator on tables and topics of memory, to be crashed at any write.

The levels run as they are. A table keeps any part of what was being written when its worker
crashed, a topic any beginning of it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec
from support.body.estimates import said
from support.observed import observation

from aggregators.debounce import Schedule
from aggregators.level import Level
from aggregators.partitions.intake import Rejection
from aggregators.partitions.keys import partition_of
from aggregators.partitions.merging import TalliedPartition, tallied_partitions
from aggregators.partitions.tallying import ObservedPartition, observed_partitions
from aggregators.protocols import Message, Partition
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.sums.tally import Tally
from avatarrig.wire import Decision, Forget, Measurements, Observation, SkeletonRecord, encode
from avatarrig.wire.channels import OBSERVED
from avatarrig.wire.estimate import Estimate
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.keys import Series, series_key, tally_key
from avatarrig.wire.standings import AS_SEEN, as_decided

LEARNED = load_learned("full").version
PARTITIONS = 3
WORKERS = 2
Log = list[tuple[int, bytes | None]]


class CrashError(Exception):
    """The worker's process is gone."""


class Dice:
    """What becomes of the writes under way: None lets them pass, a number crashes."""

    def __init__(self) -> None:
        self.crash: int | None = None

    def kept(self, writes: int) -> list[bool] | None:
        """Which of the writes survive the crash; None where nothing crashes."""
        if self.crash is None:
            return None
        return [bool(self.crash >> place & 1) for place in range(writes)]


class Table:
    """A table over what its changelog holds; shared by whoever recovers from it next."""

    def __init__(self, durable: dict[bytes, bytes], dice: Dice) -> None:
        self._durable = durable
        self._dice = dice
        self._pending: list[tuple[bytes, bytes | None]] = []

    def entries(self, partition: int) -> list[tuple[bytes, bytes]]:
        return [item for item in self._durable.items() if partition_of(item[0]) == partition]

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._pending.append((key, value))

    def __delitem__(self, key: bytes) -> None:
        self._pending.append((key, None))

    def __contains__(self, key: object) -> bool:
        pending = [value for name, value in self._pending if name == key]
        return pending[-1] is not None if pending else key in self._durable

    async def confirm(self) -> None:
        kept = self._dice.kept(len(self._pending)) if self._pending else None
        for place, (key, value) in enumerate(self._pending):
            if kept is None or kept[place]:
                if value is None:
                    self._durable.pop(key, None)
                else:
                    self._durable[key] = value
        self._pending.clear()
        if kept is not None:
            raise CrashError


class World:
    """Topics and changelogs: what survives all crashes."""

    def __init__(self) -> None:
        self.observations: dict[int, Log] = defaultdict(list)
        self.tallies: dict[int, Log] = defaultdict(list)
        self.skeletons: dict[bytes, SkeletonRecord] = {}
        self.rejects: set[bytes] = set()
        self.tables: tuple[dict[bytes, bytes], dict[bytes, bytes]] = ({}, {})
        self.now = 0.0


class Publisher:
    """Sends to the world's topics; a crash leaves a beginning."""

    def __init__(self, world: World, dice: Dice) -> None:
        self.world = world
        self._dice = dice

    def reject(self, part: Partition, rejection: Rejection) -> Message:
        return Message("rejects", f"{part.partition}/{rejection.offset}".encode(), b"")

    async def send(self, messages: list[Message]) -> None:
        kept = self._dice.kept(len(messages)) if messages else None
        for place, message in enumerate(messages):
            if kept is not None and not kept[place]:
                raise CrashError
            self._deliver(message)
        if kept is not None:
            raise CrashError

    def _deliver(self, message: Message) -> None:
        if message.topic == "rejects":
            self.world.rejects.add(message.key)
        elif message.topic == "tallies":
            sharded = sum(message.shard or b"") % PARTITIONS
            number = sharded if message.partition is None else message.partition
            log = self.world.tallies[number]
            log.append((len(log), message.value))
        elif message.value is None:
            self.world.skeletons.pop(message.key, None)
        else:
            self.world.skeletons[message.key] = msgspec.msgpack.decode(
                message.value, type=SkeletonRecord
            )


class TallyPublisher(Publisher):
    def messages(self, part: ObservedPartition, series: Series) -> list[Message]:
        key = tally_key(series, part.partition)
        return [Message("tallies", key, encode(part.update(series)), shard=series_key(series))]

    def tombstones(self, part: ObservedPartition) -> list[Message]:
        return [
            Message("tallies", b"forget", encode(forget), partition=number)
            for forget in part.take_tombstones()
            for number in range(PARTITIONS)
        ]


class SkeletonPublisher(Publisher):
    def messages(self, part: TalliedPartition, series: Series) -> list[Message]:
        record = part.record(series, 0.0)
        value = msgspec.msgpack.encode(record)
        return [Message("skeletons", series_key(series), value)] if part.is_news(record) else []

    def tombstones(self, part: TalliedPartition) -> list[Message]:
        return [
            Message("skeletons", series_key(gone.series), None)
            for gone in part.take_tombstones()
            if gone.is_last
        ]


def estimator(tally: Tally, subject: str, measured: Measurements | None) -> Estimate:
    # A tally remembers the newest month that it ever held, also of photos that were taken back.
    what = tally.to_bytes() if tally.used else repr((tally.observations, tally.excluded)).encode()
    height = None if measured is None else measured.height
    return said(subject=subject, notes=[hashlib.sha256(what).hexdigest(), repr(height)])


class Worker:
    """Both levels, as one process runs them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dice = Dice()
        self.assigned: set[int] = set()
        self._start()

    def _start(self) -> None:
        world, schedule = self.world, Schedule(clock=lambda: self.world.now)
        self.levels: tuple[Level[Any], Level[Any]] = (
            Level(
                "observations",
                table=Table(world.tables[0], self.dice),
                parts=observed_partitions(LEARNED),
                publisher=TallyPublisher(world, self.dice),
                schedule=schedule,
            ),
            Level(
                "tallies",
                table=Table(world.tables[1], self.dice),
                parts=tallied_partitions(LEARNED, estimator),
                publisher=SkeletonPublisher(world, self.dice),
                schedule=schedule,
            ),
        )

    @property
    def logs(self) -> tuple[dict[int, Log], dict[int, Log]]:
        return (self.world.observations, self.world.tallies)

    async def recover(self) -> None:
        for level, logs in zip(self.levels, self.logs, strict=True):
            ends = {p: logs[p][-1][0] + 1 if logs[p] else 0 for p in self.assigned}
            await level.recover(ends)

    async def crash(self) -> None:
        self.dice.crash = None
        self._start()
        await self.recover()

    def read(self, which: int, partition: int, most: int) -> int:
        """Takes in what comes next; returns how much that was."""
        part = self.levels[which].parts.get(partition)
        if part is None:
            return 0
        log = [
            entry for entry in self.logs[which][partition] if entry[0] >= part.intake.next_offset
        ]
        self.levels[which].take(partition, log[:most])
        return len(log[:most])

    async def work(self) -> None:
        """Publishes and saves what is due."""
        for level in self.levels:
            await level.publish()
            await level.save()

    async def release(self) -> None:
        for level in self.levels:
            await level.release()


def append(log: Log, gap: int, value: bytes) -> None:
    log.append((log[-1][0] + gap if log else gap - 1, value))


def measure(world: World, subject: str, height: float) -> Measurements:
    """Tells all partitions, as it is written."""
    at = 2.0 + sum(map(len, world.tallies.values()))
    told = Measurements(subject=subject, height=height, measured_at=at)
    for partition in range(PARTITIONS):
        log = world.tallies[partition]
        log.append((len(log), encode(told)))
    return told


def share(workers: list[Worker], mask: int) -> None:
    for number, worker in enumerate(workers):
        worker.assigned = {p for p in range(PARTITIONS) if (mask >> p & 1) == number}


async def rebalance(workers: list[Worker], mask: int) -> None:
    for worker in workers:
        await worker.release()
    share(workers, mask)
    for worker in workers:
        await worker.recover()


async def finish(workers: list[Worker]) -> None:
    busy = True
    while busy:
        busy = False
        for worker in workers:
            for which in (0, 1):
                for partition in range(PARTITIONS):
                    busy |= worker.read(which, partition, 100) > 0
            busy |= any(level.busy for level in worker.levels)
            worker.world.now += 6.0
            await worker.work()


def decision(log: Log, number: int, subject: str, *, standing: str) -> Decision:
    """Decides about a photo, and brings along what a partition first saw of it."""
    image_id = observation(number, subject).image_id
    first: Observation | None = None
    for record in records(log):
        if isinstance(record, Forget) and record.forget == subject_digest(subject):
            first = None
        if isinstance(record, Observation) and (record.subject, record.image_id) == (
            subject,
            image_id,
        ):
            first = first or record
    return Decision(
        subject=subject,
        image_ids=(image_id, "another"),
        standing=standing,
        decided_at=1.0,
        observed=() if first is None else (first,),
    )


def records(log: Log) -> Iterator[Observation | Forget | Decision]:
    """What a log of the observations holds, but for garbage."""
    for _, value in log:
        if value is not None and not value.startswith(b"\xc1"):
            yield OBSERVED.decode(value)


def counted_once(logs: dict[int, Log]) -> dict[str, Tally]:
    """What each subject's tally must be: every photo since it was forgotten last, once.

    As it was seen, or as it was decided last.
    """
    photos: dict[tuple[str, str], Observation] = {}
    for log in logs.values():
        photos |= _counted_in(log)
    tallies: dict[str, Tally] = {}
    for (subject, _), photo in photos.items():
        tallies.setdefault(subject, Tally.empty()).add(photo)
    return tallies


def _counted_in(log: Log) -> dict[tuple[str, str], Observation]:
    own: dict[tuple[str, str], Observation] = {}
    decided: dict[tuple[str, str], str] = {}
    for record in records(log):
        match record:
            case Forget(forget=digest):
                for kept in (own, decided):
                    for key in [key for key in kept if subject_digest(key[0]) == digest]:
                        del kept[key]
            case Decision():
                decided |= {(record.subject, name): record.standing for name in record.image_ids}
            case Observation():
                own.setdefault((record.subject, record.image_id), record)
    return {key: as_decided(photo, decided.get(key, AS_SEEN)) for key, photo in own.items()}
