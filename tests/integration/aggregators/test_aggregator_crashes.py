"""Whatever crashes, whenever: in the end the estimates are those of an undisturbed run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.aggregators.crashing import (
    LEARNED,
    PARTITIONS,
    WORKERS,
    CrashError,
    Log,
    Worker,
    World,
    append,
    counted_once,
    decision,
    estimator,
    finish,
    measure,
    rebalance,
    share,
)
from support.observed import observation

from aggregators.partitions.keys import MARKER, kind_of
from aggregators.partitions.tallying import ObservedPartition
from avatarrig.body.sums.tally import Tally
from avatarrig.wire import Decision, Forget, Measurements, Observation, encode
from avatarrig.wire.channels import OBSERVED
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.standings import AS_SEEN, COUNTS

_DECIDED = {10: AS_SEEN, 11: COUNTS, 12: Exclusion.ON_REQUEST}
"""What is decided about a photo, by a kind of message that is drawn."""


@st.composite
def observation_logs(draw: st.DrawFn) -> dict[int, Log]:
    """Photos of two subjects: some repeated, decided about, forgotten, some garbage; with gaps."""
    photos = draw(
        st.lists(
            st.tuples(
                st.integers(0, 15),
                st.sampled_from(["anna", "ben"]),
                st.integers(0, 12),
                st.integers(1, 3),
            ),
            min_size=5,
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
        if kind in _DECIDED:  # the same
            for log in logs.values():
                append(log, gap, encode(decision(log, number, subject, standing=_DECIDED[kind])))
            continue
        value = b"\xc1garbage" if kind == 0 else encode(observation(number, subject))
        append(logs[number % PARTITIONS], gap, value)
    return logs


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
    min_size=12,  # shorter ones hardly ever hit what a crash between two writes can break
    max_size=60,
)


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


Measured = Sequence[tuple[int, str, float]]
"""Turn, subject and height."""

measurements = st.lists(
    st.tuples(
        st.integers(0, 60), st.sampled_from(["anna", "ben"]), st.sampled_from([1.5, 1.6, 1.7])
    ),
    max_size=4,
)


async def run_through(
    logs: dict[int, Log], history: list[tuple[Any, ...]], measured: Measured = ()
) -> World:
    world = World()
    world.observations.update(logs)
    workers = [Worker(world) for _ in range(WORKERS)]
    share(workers, 0b010)
    for worker in workers:
        await worker.recover()
    left = sorted(measured, key=lambda one: one[0])
    for turn, action in enumerate(history):
        while left and left[0][0] <= turn:
            measure(world, *left.pop(0)[1:])
        await disturb(workers, action, turn)
    for _, subject, height in left:
        measure(world, subject, height)
    await finish(workers)
    return world


@settings(max_examples=80, deadline=None)
@given(logs=observation_logs(), history=actions, measured=measurements)
def test_no_crash_and_no_rebalance_changes_a_bit(
    logs: dict[int, Log], history: list[tuple[Any, ...]], measured: Measured
) -> None:
    world = asyncio.run(run_through(logs, history, measured))
    undisturbed = asyncio.run(run_through(logs, [], measured))
    last = {subject: height for _, subject, height in sorted(measured, key=lambda one: one[0])}
    assert world.skeletons == undisturbed.skeletons
    assert world.rejects == undisturbed.rejects
    wanted = counted_once(logs)
    assert {record.subject for record in world.skeletons.values()} == set(wanted)
    for record in world.skeletons.values():
        assert record.observations == wanted[record.subject].observations
        told = (
            Measurements(subject=record.subject, height=last[record.subject], measured_at=2.0)
            if record.subject in last
            else None
        )
        assert record.estimate == estimator(wanted[record.subject], record.subject, told)
        for partition, offset in record.applied.items():
            subjects = [
                (at, said.subject)
                for at, value in logs[partition]
                if value is not None and not value.startswith(b"\xc1")
                if isinstance(said := OBSERVED.decode(value), Observation)
                or (isinstance(said, Decision) and said.observed)
            ]
            assert offset == max(at for at, subject in subjects if subject == record.subject)


def test_who_is_seen_again_at_once_after_being_forgotten_has_an_estimate() -> None:
    """Nothing is left of ben for a moment, and the words that say so are sent later."""
    forget = encode(Forget(forget=subject_digest("ben"), forgotten_at=1.0))
    logs: dict[int, Log] = {
        0: [(0, encode(observation(0, "ben"))), (1, forget)],
        1: [(0, forget)],
        2: [(0, forget), (1, encode(observation(2, "ben")))],
    }
    history = [("rebalance", 4), ("read", 0, 0, 1), ("work",)]
    world = asyncio.run(run_through(logs, history))
    assert [record.applied for record in world.skeletons.values()] == [{2: 1}]


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
        before.take([(at, value)])
    writes = before.take_checkpoint().entries
    for survivors in range(2 ** len(writes)):
        kept = [write for place, write in enumerate(writes) if survivors >> place & 1]
        there = [(key, value) for key, value in kept if value is not None]
        after = ObservedPartition.recover(0, LEARNED, there)
        for at, value in log[after.intake.next_offset :]:
            after.take([(at, value)])
        for subject, tally in wanted.items():
            update = after.update((subject, observation(0).fingerprint))
            assert Tally.from_bytes(update.tally) == tally


PHOTOS = [(1, "anna"), (2, "ben"), (3, "anna"), (4, "ben"), (5, "anna"), (6, "ben")]


def photos_of(*photos: tuple[int, str]) -> Log:
    return [(at, encode(observation(*photo))) for at, photo in enumerate(photos)]


async def alone(world: World) -> Worker:
    """A worker that has all partitions to itself."""
    worker = Worker(world)
    worker.assigned = set(range(PARTITIONS))
    await worker.recover()
    return worker


async def whole(world: World) -> dict[bytes, Any]:
    """The skeletons after a new worker has done all there is to do."""
    await finish([await alone(world)])
    return world.skeletons


def test_what_was_saved_and_not_published_is_published_by_whoever_takes_over() -> None:
    async def hand_over() -> World:
        world = World()
        world.observations[0] = photos_of(*PHOTOS)
        worker = await alone(world)
        worker.read(0, 0, len(PHOTOS))
        await worker.release()
        assert not any(world.tallies.values())
        await whole(world)
        return world

    world = asyncio.run(hand_over())
    assert {r.subject: r.observations for r in world.skeletons.values()} == {"anna": 3, "ben": 3}


@pytest.mark.parametrize("survivors", range(2**4))
def test_after_a_save_that_was_cut_short_nothing_is_read_from_the_start(survivors: int) -> None:
    async def cut_short() -> int:
        world = World()
        world.observations[0] = photos_of(*PHOTOS)
        worker = await alone(world)
        worker.read(0, 0, 3)
        await worker.work()
        worker.read(0, 0, 3)
        world.now += 6.0
        level = worker.levels[0]
        await level.publish()
        worker.dice.crash = survivors
        with pytest.raises(CrashError):
            await level.save()
        await worker.crash()
        return int(worker.levels[0].parts[0].intake.next_offset)

    assert asyncio.run(cut_short()) in {3, 6}


@pytest.mark.parametrize("damage", ["cut off", "ahead of its topic"])
def test_state_that_cannot_be_right_is_made_anew_from_the_topic(damage: str) -> None:
    async def spoil() -> tuple[int, int, bool]:
        world = World()
        world.observations[0] = photos_of(*PHOTOS)
        await whole(world)
        if damage == "cut off":
            table = world.tables[0]
            table.update({key: value[:-1] for key, value in table.items()})
        else:  # the topic was lost, and begins anew
            world.observations[0] = photos_of((7, "anna"))
        worker = await alone(world)
        begins = worker.levels[0].parts[0].intake.next_offset
        await finish([worker])
        again = (await alone(world)).levels[0].parts[0]
        return begins, again.intake.next_offset, again.has(("ben", observation(0).fingerprint))

    is_whole = damage == "cut off"
    assert asyncio.run(spoil()) == (0, len(PHOTOS) if is_whole else 1, is_whole)
