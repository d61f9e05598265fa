"""One level of the aggregator: what it publishes together."""

from __future__ import annotations

import asyncio

from support.aggregators.crashing import Dice, Table, TallyPublisher, World
from support.observed import observation

from aggregators.debounce import PublishingSettings, Schedule
from aggregators.level import Level
from aggregators.partitions.tallying import ObservedPartition, observed_partitions
from aggregators.protocols import Message
from avatarrig.body.evidence.learned import load_learned
from avatarrig.wire import encode

LEARNED = load_learned("full").version
PARTITIONS = 4


class Watched(TallyPublisher):
    """Remembers what was sent together."""

    def __init__(self) -> None:
        super().__init__(World(), Dice())
        self.sent: list[list[bytes | None]] = []

    async def send(self, messages: list[Message]) -> None:
        self.sent.append([message.shard for message in messages])


def level_of(
    publisher: Watched, now: list[float], portion: int = PARTITIONS
) -> Level[ObservedPartition]:
    """A level with nothing in it. `now`: what its clock says."""
    level: Level[ObservedPartition] = Level(
        "observations",
        table=Table({}, Dice()),
        parts=observed_partitions(LEARNED),
        publisher=publisher,
        schedule=Schedule(publishing=PublishingSettings(portion=portion), clock=lambda: now[0]),
    )
    asyncio.run(level.recover(dict.fromkeys(range(PARTITIONS), 0)))
    return level


def published(subjects: list[str], portion: int) -> list[list[bytes | None]]:
    """What a level sends that took in a photo of each subject on each partition."""
    now = [0.0]
    publisher = Watched()
    level = level_of(publisher, now, portion)
    for partition in range(PARTITIONS):
        photos = [encode(observation(partition, subject)) for subject in subjects]
        level.take(partition, list(enumerate(photos)))
    while level._debounce.pending:
        now[0] += 10.0
        asyncio.run(level.publish())
    return publisher.sent


def test_what_all_partitions_say_about_a_series_is_sent_together() -> None:
    sent = published(["anna", "ben", "carl"], portion=PARTITIONS + 1)
    assert [len(messages) for messages in sent] == [2 * PARTITIONS, PARTITIONS]
    assert [len(set(messages)) for messages in sent] == [2, 1]


def test_what_changes_while_it_is_sent_is_sent_again_however_coarse_the_clock() -> None:
    """Clocks of some systems tick 64 times a second."""
    now = [0.0]

    class Interrupted(Watched):
        async def send(self, messages: list[Message]) -> None:
            if not self.sent:
                level.take(0, [(1, encode(observation(1, "anna")))])
            await super().send(messages)

    publisher = Interrupted()
    level = level_of(publisher, now)
    level.take(0, [(0, encode(observation(0, "anna")))])
    asyncio.run(level.publish())
    assert level._debounce.pending
    now[0] += 10.0
    asyncio.run(level.publish())
    assert len(publisher.sent) == 2
    assert not level._debounce.pending
