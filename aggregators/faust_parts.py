"""The parts of Faust that are replaced by narrower ones, each for one reason.

- `Consumer` reads committed transactions only (Faust does so for exactly-once alone, which
  breaks on rebalances), hands on whole batches (Faust costs some 230 µs a message, most of it
  for delivery), and goes on where the recovered state ends, not where the group committed.
- `TableManager` starts without waiting a second for tables to be declared: they all are.
- `StateTable` writes to the partition that a key names, and knows when its writes are safe.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import faust
import msgspec
from aiokafka import AIOKafkaConsumer
from faust.tables import manager
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, CodecArg, ConsumerMessage, FutureMessage

from aggregators.partitions.keys import partition_of
from avatarrig.wire.keys import KeyRefusedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    Positions = Callable[[], Mapping[tuple[str, int], int]]


class Batch(msgspec.Struct, frozen=True):
    """Messages of one partition in the order of their offsets.

    Attributes:
        generation: Generation of the consumer group that they were read in.
    """

    topic: str
    partition: int
    generation: int
    messages: list[tuple[int, bytes | None]]


class StateTable(faust.Table):  # type: ignore[type-arg] # it takes none when it runs
    """A table whose keys begin with their partition."""

    def partition_for_key(self, key: bytes) -> int:
        """Returns the changelog partition that a key names."""
        return partition_of(key)

    def send_changelog(
        self,
        partition: int | None,
        key: object,
        value: object,
        key_serializer: CodecArg = None,
        value_serializer: CodecArg = None,
    ) -> FutureMessage:
        """Sends a change and remembers to wait for it."""
        sent = super().send_changelog(partition, key, value, key_serializer, value_serializer)
        self.__dict__.setdefault("unconfirmed", []).append(sent)
        return sent

    async def confirm(self) -> None:
        """Waits until the broker has everything that was written.

        Raises:
            Exception: What the producer raised; the table is ahead of its changelog then.
        """
        unconfirmed = self.__dict__.pop("unconfirmed", [])
        await asyncio.gather(*unconfirmed)

    def entries(self, partition: int) -> list[tuple[bytes, bytes]]:
        """Returns the keys and values of a partition."""
        return [(key, value) for key, value in self.data.items() if _is_in(key, {partition})]

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Forgets the partitions that went away: they come back as their changelog has them."""
        gone = {tp.partition for tp in revoked if tp.topic == self.changelog_topic_name}
        for key in [key for key, _ in self.data.items() if _is_in(key, gone)]:
            self.data.data.pop(key, None)
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)


def _is_in(key: bytes | None, partitions: set[int]) -> bool:
    """Whether a key names one of some partitions; what a stranger wrote names none."""
    try:
        return key is not None and partition_of(key) in partitions
    except KeyRefusedError:
        return False


class TableManager(manager.TableManager):
    """Starts at once."""

    async def on_start(self) -> None:
        """Subscribes to the changelogs and begins to recover."""
        await self._update_channels()
        await self.recovery.start()


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Reads committed transactions only."""

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # Faust offers no option
        return consumer


class Consumer(driver.Consumer):
    """Hands on batches, and starts where the state says."""

    positions: Positions | None = None

    def pause_partitions(self, tps: Iterable[TP]) -> None:
        """Stops reading partitions."""
        tps = set(tps)
        self._waiting().difference_update(tps)
        super().pause_partitions(tps)

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Goes on reading changelogs at once, and the others when the flow resumes.

        Faust has them read before it has gone to where they go on, and then empties all queues:
        what was read by then would be lost.
        """
        changelogs = {tp for tp in tps if self._is_changelog_tp(tp)}
        self._waiting().update(set(tps) - changelogs)
        super().resume_partitions(changelogs)

    def resume_flow(self) -> None:
        """Goes on reading."""
        super().resume_flow()
        waiting = self._waiting()
        super().resume_partitions(waiting & self.assignment())
        waiting.clear()

    def _waiting(self) -> set[TP]:
        waiting: set[TP] = self.__dict__.setdefault("waiting", set())
        return waiting

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Goes to where each partition's state ends."""
        wanted = self.positions() if self.positions else {}
        assignment = self.assignment()
        positions = {
            tp: wanted[tp.topic, tp.partition]
            for tp in assignment
            if (tp.topic, tp.partition) in wanted
        }
        if positions:
            await self.seek_wait(positions)
        return positions

    def backlog(self) -> int:
        """Returns how many offsets lie between what was read and what is committed."""
        reader = self._thread._consumer
        subscription = reader and reader._subscription.subscription
        if not subscription or subscription.assignment is None:
            return 0
        states = (
            subscription.assignment.state_value(tp)
            for tp in subscription.assignment.tps
            if tp.topic not in self.app.tables.changelog_topics
        )
        return sum(
            max(0, state.lso - state.position)
            for state in states
            if state is not None and state.lso is not None and state.has_valid_position
        )

    async def commit_positions(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Tells the group how far the state is safe, for whoever watches its lag."""
        await self._commit({TP(*where): offset for where, offset in positions.items()})

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109 - Faust's signature
        """Yields one message for a batch; changelogs message by message, as recovery wants."""
        begun_in = self.app.consumer_generation_id
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        is_whole = True
        for tp, batch in records.items():
            is_changelog = tp.topic in self.app.tables.changelog_topics
            # What was read before a rebalance does not follow on the state after it.
            is_sound = is_changelog or generation == begun_in
            for message in batch if is_changelog else [_joined(tp, batch, generation)]:
                if not (is_sound and self._may_hand_on(TP(*tp), active, generation)):
                    is_whole = False
                    break
                yield TP(*tp), self._to_message(TP(*tp), message)
        if not is_whole:
            self._rewind()

    def _may_hand_on(self, tp: TP, active: set[TP] | None, generation: int) -> bool:
        is_active = active is None or tp in active or tp in self._buffered_partitions
        is_same = self.app.consumer_generation_id == generation
        return bool(self.flow_active and is_active and is_same)

    def _rewind(self) -> None:
        """Has what was read but not handed on be read again, and nothing after it before."""
        wanted = self.positions() if self.positions else {}
        for tp in self.assignment():
            offset = wanted.get((tp.topic, tp.partition))
            if offset is not None:
                self._thread.seek(tp, offset)
                self._read_offset[tp] = offset


class _Joined(msgspec.Struct):
    """A batch in the shape of one record of aiokafka."""

    topic: str
    partition: int
    offset: int
    timestamp: int | None
    timestamp_type: int | None
    key: None
    value: Batch
    headers: tuple[()] = ()
    checksum: None = None
    serialized_key_size: int = 0
    serialized_value_size: int = 0


def _joined(tp: TP, records: list[Any], generation: int) -> _Joined:
    first = records[0]
    messages = [(record.offset, record.value) for record in records]
    batch = Batch(tp.topic, tp.partition, generation, messages)
    return _Joined(
        tp.topic, tp.partition, first.offset, first.timestamp, first.timestamp_type, None, batch
    )


class Transport(driver.Transport):
    """Kafka with this module's consumer."""

    Consumer = Consumer


class App(faust.App):
    """A Faust application on this module's transport."""

    def _new_transport(self) -> Transport:
        return Transport(self.conf.broker_consumer, self)
