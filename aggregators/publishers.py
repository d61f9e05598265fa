"""What each level publishes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import msgspec
from aiokafka.partitioner import murmur2
from faust.types import AppT

from aggregators.partitions.intake import Rejection
from aggregators.protocols import Message
from avatarrig.body.refused import ImpossibleEstimateError
from avatarrig.wire import MOST_SAID, Reject, encode, keys, shortened
from avatarrig.wire.history import history_of, slot_of
from avatarrig.wire.reasons import RejectReason
from avatarrig.wire.topics import HISTORY, REJECTS, SKELETONS, TALLIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregators.partitions.intake import Rejection
    from aggregators.partitions.merging import TalliedPartition
    from aggregators.partitions.tallying import ObservedPartition
    from avatarrig.metrics.aggregate import AggregateMetrics
    from avatarrig.wire import SkeletonRecord
    from avatarrig.wire.keys import Series


class Sender:
    """Sends messages and waits until the broker has them all.

    Args:
        partitions: Topic to its number of partitions.
    """

    def __init__(self, app: AppT, partitions: dict[str, int]) -> None:
        self._partitions = partitions
        self._topics = {
            name: app.topic(name, key_serializer="raw", value_serializer="raw")
            for name in (TALLIES, SKELETONS, HISTORY, REJECTS)
        }

    async def __call__(self, messages: list[Message]) -> None:
        """Sends messages in order.

        Raises:
            Exception: What the producer raised; none may count as sent then.
        """
        sent = [
            await self._topics[message.topic].send(
                key=message.key, value=message.value, partition=self._partition(message)
            )
            for message in messages
        ]
        await asyncio.gather(*sent)

    @property
    def partitions(self) -> dict[str, int]:
        """Topic to its number of partitions."""
        return self._partitions

    def _partition(self, message: Message) -> int | None:
        if message.partition is not None:
            return message.partition
        if message.shard is None:
            return None
        return int(murmur2(message.shard) & 0x7FFFFFFF) % self._partitions[message.topic]


@dataclass(frozen=True)
class TallyPublisher:
    """Level 1 publishes tallies, all of a series to one partition. `wall_clock`: Unix seconds."""

    topic: str
    send: Sender
    wall_clock: Callable[[], float]
    metrics: AggregateMetrics

    def messages(self, part: ObservedPartition, series: Series) -> list[Message]:
        """Returns the message with all that a partition has said about a series."""
        key = keys.tally_key(series, part.partition)
        found_at = part.intake.latency.take(series)
        update = msgspec.structs.replace(part.update(series), found_at=found_at)
        return [Message(TALLIES, key, encode(update), shard=keys.series_key(series))]

    def tombstones(self, part: ObservedPartition) -> list[Message]:
        """Has level 2 take back what this partition has said about forgotten subjects.

        Which partitions have tallies of theirs is not known any more, so all are told.
        """
        return [
            Message(
                TALLIES, keys.forget_key(forget, forget.partition), encode(forget), partition=number
            )
            for forget in part.take_tombstones()
            for number in range(self.send.partitions[TALLIES])
        ]

    def reject(self, part: ObservedPartition, rejection: Rejection) -> Message:
        """Returns the message that rejects another one."""
        self.metrics.rejected(rejection.reason)
        return _reject(self.topic, part.partition, rejection, self.wall_clock())


@dataclass(frozen=True)
class SkeletonPublisher:
    """Level 2 publishes estimates that say something new, and notes them in the history.

    Attributes:
        wall_clock: Unix seconds.
        metrics: Hears of estimates, and of what is rejected.
    """

    topic: str
    send: Sender
    wall_clock: Callable[[], float]
    metrics: AggregateMetrics

    def messages(self, part: TalliedPartition, series: Series) -> list[Message]:
        """Returns the messages about a new estimate; none where nothing is new."""
        begun = time.perf_counter()
        try:
            record = part.record(series, self.wall_clock())
        except ImpossibleEstimateError as error:
            return self._without_estimate(part, series, error)
        self.metrics.estimated(time.perf_counter() - begun)
        if not part.is_news(record):
            return []
        self._note(part, series, record)
        shard = keys.series_key(series)
        noted = history_of(record)
        note_key = keys.history_key(series, slot_of(noted))
        return [
            Message(SKELETONS, shard, encode(record)),
            Message(HISTORY, note_key, encode(noted), shard=shard),
        ]

    def _without_estimate(
        self, part: TalliedPartition, series: Series, error: ImpossibleEstimateError
    ) -> list[Message]:
        """Says of a series that it has no estimate, once for each state of it."""
        subject, fingerprint = series
        if not part.is_new_refusal(series, str(error)):
            return []
        rejection = Rejection(part.newest(series), RejectReason.ESTIMATE, f"{subject!r}: {error}")
        self.metrics.rejected(rejection.reason)
        reject = _reject_of(self.topic, part.partition, rejection, self.wall_clock())
        told = msgspec.structs.replace(
            reject, subject=subject, fingerprint=fingerprint, applied=part.applied(series)
        )
        return [Message(REJECTS, told.origin.encode(), encode(told))]

    def tombstones(self, part: TalliedPartition) -> list[Message]:
        """Writes tombstones for the tallies and estimates that were taken back."""
        messages = []
        for gone in part.take_tombstones():
            shard = keys.series_key(gone.series)
            messages.append(
                Message(TALLIES, keys.tally_key(gone.series, gone.part), None, shard=shard)
            )
            if gone.is_last:
                messages.append(Message(SKELETONS, shard, None))
        return messages

    def reject(self, part: TalliedPartition, rejection: Rejection) -> Message:
        """Returns the message that rejects another one."""
        self.metrics.rejected(rejection.reason)
        return _reject(self.topic, part.partition, rejection, self.wall_clock())

    def _note(self, part: TalliedPartition, series: Series, record: SkeletonRecord) -> None:
        found_at = part.intake.latency.take(series)
        self.metrics.published(
            at=record.estimated_at,
            width=_width(record),
            latency=None if found_at is None else record.estimated_at - found_at,
        )


def _width(record: SkeletonRecord) -> float | None:
    bones = [bone for bone in record.estimate.stats.values() if bone.n and bone.high > bone.low]
    widths = [(bone.high - bone.low) / bone.value for bone in bones]
    return median(widths) if widths else None


def _reject(topic: str, partition: int, rejection: Rejection, now: float) -> Message:
    reject = _reject_of(topic, partition, rejection, now)
    return Message(REJECTS, reject.origin.encode(), encode(reject))


def _reject_of(topic: str, partition: int, rejection: Rejection, now: float) -> Reject:
    origin = keys.origin(topic, partition, rejection.offset)
    return Reject(
        reason=rejection.reason,
        message=shortened(f"{origin}: {rejection.message}", MOST_SAID),
        attempts=1,
        rejected_at=now,
        origin=origin,
    )
