"""Whatever crashes, whenever: in the end the estimates are those of an undisturbed run.

The two levels run as they are, on tables and topics of this file's making: a table keeps any part
of what was being written when its worker crashed, a topic any beginning of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections import defaultdict
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.observed import observation

from aggregators.forgetting import forget_in
from aggregators.keys import MARKER, Series, kind_of, message_key, partition_of, tally_message_key
from aggregators.level import Level
from aggregators.merging import TalliedPartition
from aggregators.pace import Tempo
from aggregators.parts import ObservedParts, TalliedParts
from aggregators.refusals import Refusal
from aggregators.roles import Message, Part
from aggregators.tallying import ObservedPartition
from avatarrig.identity import subject_digest
from avatarrig.records import Forget, Observation, SkeletonRecord, encode
from avatarrig.skeleton.learned import load_learned
from avatarrig.skeleton.tally import Tally

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


class Outlet:
    """Sends to the world's topics; a crash leaves a beginning."""

    def __init__(self, world: World, dice: Dice) -> None:
        self.world = world
        self._dice = dice

    def reject(self, part: Part, refusal: Refusal) -> Message:
        return Message("rejects", f"{part.partition}/{refusal.offset}".encode(), b"")

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


class TallyOutlet(Outlet):
    def messages(self, part: ObservedPartition, series: Series) -> list[Message]:
        key = tally_message_key(series, part.partition)
        return [Message("tallies", key, encode(part.update(series)), shard=message_key(series))]

    def farewells(self, part: ObservedPartition) -> list[Message]:
        return [
            Message("tallies", b"forget", encode(forget), partition=number)
            for forget in part.take_farewells()
            for number in range(PARTITIONS)
        ]


class SkeletonOutlet(Outlet):
    def messages(self, part: TalliedPartition, series: Series) -> list[Message]:
        record = part.record(series, 0.0)
        value = msgspec.msgpack.encode(record)
        return [Message("skeletons", message_key(series), value)] if part.is_news(record) else []

    def farewells(self, part: TalliedPartition) -> list[Message]:
        return [
            Message("skeletons", message_key(gone.series), None)
            for gone in part.take_farewells()
            if gone.is_last
        ]


def estimator(tally: Tally, subject: str) -> dict[str, Any]:
    return {"subject": subject, "digest": hashlib.sha256(tally.to_bytes()).hexdigest()}


class Worker:
    """Both levels, as one process runs them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dice = Dice()
        self.assigned: set[int] = set()
        self._start()

    def _start(self) -> None:
        world, tempo = self.world, Tempo(clock=lambda: self.world.now)
        self.levels: tuple[Level[Any], Level[Any]] = (
            Level(
                "observations",
                table=Table(world.tables[0], self.dice),
                parts=ObservedParts(LEARNED),
                outlet=TallyOutlet(world, self.dice),
                tempo=tempo,
            ),
            Level(
                "tallies",
                table=Table(world.tables[1], self.dice),
                parts=TalliedParts(LEARNED, estimator),
                outlet=SkeletonOutlet(world, self.dice),
                tempo=tempo,
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
        log = [entry for entry in self.logs[which][partition] if entry[0] >= part.next_offset]
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


@st.composite
def observation_logs(draw: st.DrawFn) -> dict[int, Log]:
    """Photos of two subjects, some repeated, some garbage, some forgotten; gaps between offsets."""
    photos = draw(
        st.lists(
            st.tuples(
                st.integers(0, 15),
                st.sampled_from(["anna", "ben"]),
                st.integers(0, 9),
                st.integers(1, 3),
            ),
            min_size=1,
            max_size=40,
        )
    )
    logs: dict[int, Log] = {partition: [] for partition in range(PARTITIONS)}
    for number, subject, kind, gap in photos:
        if kind == 1:  # as it is written: to every partition
            forget = encode(Forget(forget=subject_digest(subject), forgotten_at=1.0))
            for log in logs.values():
                append(log, gap, forget)
            continue
        value = b"\xc1garbage" if kind == 0 else encode(observation(number, subject))
        append(logs[number % PARTITIONS], gap, value)
    return logs


def append(log: Log, gap: int, value: bytes) -> None:
    log.append((log[-1][0] + gap if log else gap - 1, value))


actions = st.lists(
    st.one_of(
        st.tuples(
            st.just("read"), st.integers(0, 1), st.integers(0, PARTITIONS - 1), st.integers(1, 9)
        ),
        st.tuples(st.just("wait"), st.sampled_from([0.1, 0.4, 1.5, 6.0])),
        st.tuples(st.just("work")),
        st.tuples(st.just("crash")),
        st.tuples(st.just("crash while writing"), st.integers(0, 255)),
        st.tuples(st.just("rebalance"), st.integers(0, 2**PARTITIONS - 1)),
    ),
    max_size=60,
)


def share(workers: list[Worker], mask: int) -> None:
    for number, worker in enumerate(workers):
        worker.assigned = {p for p in range(PARTITIONS) if (mask >> p & 1) == number}


async def rebalance(workers: list[Worker], mask: int) -> None:
    for worker in workers:
        await worker.release()
    share(workers, mask)
    for worker in workers:
        await worker.recover()


async def disturb(workers: list[Worker], action: tuple[Any, ...], turn: int) -> None:
    worker = workers[turn % WORKERS]
    match action:
        case ("read", which, partition, most):
            for each in workers:
                each.read(which, partition, most)
        case ("wait", seconds):
            worker.world.now += seconds
        case ("work",):
            await worker.work()
        case ("crash",):
            await worker.crash()
        case ("crash while writing", survivors):
            worker.dice.crash = survivors
            worker.world.now += 6.0
            with contextlib.suppress(CrashError):
                await worker.work()
            await worker.crash()
        case ("rebalance", mask):
            await rebalance(workers, mask)


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


async def run_through(logs: dict[int, Log], history: list[tuple[Any, ...]]) -> World:
    world = World()
    world.observations.update(logs)
    workers = [Worker(world) for _ in range(WORKERS)]
    share(workers, 0b010)
    for worker in workers:
        await worker.recover()
    for turn, action in enumerate(history):
        await disturb(workers, action, turn)
    await finish(workers)
    return world


def counted_once(logs: dict[int, Log]) -> dict[str, Tally]:
    """What each subject's tally must be: every photo since it was forgotten last, once."""
    photos: dict[tuple[str, str], Observation] = {}
    for log in logs.values():
        own: dict[tuple[str, str], Observation] = {}
        for _, value in log:
            if value is None or value.startswith(b"\xc1"):
                continue
            if (forget := forget_in(value)) is not None:
                for key in [key for key in own if subject_digest(key[0]) == forget.forget]:
                    del own[key]
                continue
            photo = _decoded(value)
            own.setdefault((photo.subject, photo.image_id), photo)
        photos |= own
    tallies: dict[str, Tally] = {}
    for (subject, _), photo in photos.items():
        tallies.setdefault(subject, Tally.empty()).add(photo)
    return tallies


def _decoded(value: bytes) -> Observation:
    return msgspec.msgpack.decode(value, type=Observation)


@settings(max_examples=80, deadline=None)
@given(logs=observation_logs(), history=actions)
def test_no_crash_and_no_rebalance_changes_a_bit(
    logs: dict[int, Log], history: list[tuple[Any, ...]]
) -> None:
    world = asyncio.run(run_through(logs, history))
    undisturbed = asyncio.run(run_through(logs, []))
    assert world.skeletons == undisturbed.skeletons
    assert world.rejects == undisturbed.rejects
    wanted = counted_once(logs)
    assert {record.subject for record in world.skeletons.values()} == set(wanted)
    for record in world.skeletons.values():
        assert record.observations == wanted[record.subject].observations
        assert record.estimate == estimator(wanted[record.subject], record.subject)
        for partition, offset in record.applied.items():
            subjects = [
                (at, _decoded(value).subject)
                for at, value in logs[partition]
                if value is not None and not value.startswith(b"\xc1") and forget_in(value) is None
            ]
            assert offset == max(at for at, subject in subjects if subject == record.subject)


@settings(max_examples=20, deadline=None)
@given(logs=observation_logs(), history=actions, lost=st.sampled_from([(0,), (1,), (0, 1)]))
def test_lost_tables_are_rebuilt_from_the_topics(
    logs: dict[int, Log], history: list[tuple[Any, ...]], lost: tuple[int, ...]
) -> None:
    async def lose() -> World:
        world = await run_through(logs, history)
        for table in lost:
            world.tables[table].clear()
        world.skeletons.clear()
        workers = [Worker(world) for _ in range(WORKERS)]
        share(workers, 0b101)
        for worker in workers:
            await worker.recover()
        await finish(workers)
        return world

    world = asyncio.run(lose())
    if 1 in lost:
        assert world.skeletons == asyncio.run(run_through(logs, [])).skeletons
    for key, value in asyncio.run(run_through(logs, [])).tables[0].items():
        if kind_of(key) != MARKER:  # markers also say what was published when
            assert world.tables[0][key] == value


@pytest.mark.parametrize("saved_after", range(1, 8))
def test_every_part_of_a_save_may_be_lost(saved_after: int) -> None:
    photos = [
        (1, "anna"),
        (1, "ben"),
        (1, "anna"),
        (2, "anna"),
        (1, "ben"),
        (2, "anna"),
        (3, "ben"),
    ]
    log = [(at, encode(observation(*photo))) for at, photo in enumerate(photos)]
    wanted = counted_once({0: list(log)})
    before = ObservedPartition(0, LEARNED)
    for at, value in log[:saved_after]:
        before.apply(at, value)
    writes = before.take_changes().entries
    for survivors in range(2 ** len(writes)):
        kept = [write for place, write in enumerate(writes) if survivors >> place & 1]
        after = ObservedPartition.recover(0, LEARNED, kept)
        for at, value in log[after.next_offset :]:
            after.apply(at, value)
        for subject, tally in wanted.items():
            update = after.update((subject, observation(0).fingerprint))
            assert Tally.from_bytes(update.tally) == tally
