"""The flow of photos: how fast, how many wait, who works on them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

import msgspec

from avatarrig.kafka.groups import GroupState
from avatarrig.views.backlog import Backlog, Waiting
from avatarrig.wire.topics import DETECTOR_GROUPS, IMAGES, run_of_group

RATE_SECONDS: Final = 15
MINUTE: Final = 60


class GroupStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A consumer group. `lag`: Topic to messages not yet consumed."""

    group: str
    members: int
    lag: dict[str, int]


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """Where the photos of a pipeline are.

    Attributes:
        waiting: Photos not yet processed, those in work included; never failed.
        in_work: Of those, how many the replicas that are alive can have in hand: one each.
        oldest_waiting: Since when the first of them waits, Unix seconds; None where none does.
    """

    found: int = 0
    waiting: int = 0
    in_work: int = 0
    oldest_waiting: float | None = None
    replicas: int = 0
    groups: tuple[GroupStatus, ...] = ()


def stream_of(backlog: Backlog, groups: Iterable[GroupState]) -> Stream:
    """Says where the photos are."""
    known = list(groups)
    found = backlog.everything(IMAGES).count
    detecting = [group for group in known if group.name.startswith(DETECTOR_GROUPS)]
    waiting = sum((_waiting(backlog, group) for group in detecting), Waiting())
    if not detecting:
        waiting = backlog.everything(IMAGES)
    elif all(run_of_group(group.name) for group in detecting):
        waiting += backlog.everything(IMAGES, "")  # nobody takes what belongs to no run
    replicas = sum(group.members for group in detecting)
    return Stream(
        found=found,
        waiting=waiting.count,
        in_work=min(waiting.count, replicas),
        oldest_waiting=waiting.oldest,
        replicas=replicas,
        groups=tuple(_status(backlog, group) for group in known),
    )


def _waiting(backlog: Backlog, group: GroupState) -> Waiting:
    """A run's group reads all photos, and passes over those of other runs."""
    return backlog.waiting(IMAGES, group.committed, group.ends, run_of_group(group.name))


def _status(backlog: Backlog, group: GroupState) -> GroupStatus:
    topics = sorted({topic for topic, _ in group.committed})
    owner = run_of_group(group.name) if group.name.startswith(DETECTOR_GROUPS) else None
    return GroupStatus(
        group=group.name,
        members=group.members,
        lag={
            topic: backlog.waiting(topic, group.committed, group.ends, owner).count
            for topic in topics
        },
    )


class Rate:
    """Counts what happened in each of the last seconds."""

    def __init__(self, seconds: Iterable[tuple[int, int]] = ()) -> None:
        self._seconds: deque[tuple[int, int]] = deque(seconds)

    def copy(self) -> Rate:
        """Returns another one that counts on its own."""
        return Rate(self._seconds)

    def count(self, at: float) -> None:
        """Notes that something happened, Unix seconds; order does not matter much."""
        second = int(at)
        for place in range(len(self._seconds) - 1, -1, -1):
            known, number = self._seconds[place]
            if known == second:
                self._seconds[place] = (second, number + 1)
                return
            if known < second:
                self._seconds.insert(place + 1, (second, 1))
                break
        else:
            self._seconds.appendleft((second, 1))
        while len(self._seconds) > 2 * MINUTE:
            self._seconds.popleft()

    def per_second(self, now: float) -> float:
        """Average over the last full `RATE_SECONDS`, or since the first of them."""
        end = int(now)
        recent = [(at, number) for at, number in self._seconds if end - RATE_SECONDS <= at < end]
        if not recent:
            return 0.0
        span = end - recent[0][0]
        return sum(number for _, number in recent) / span

    def last_minute(self, now: float) -> float:
        """Average over the last minute, per second."""
        return sum(number for at, number in self._seconds if now - MINUTE <= at) / MINUTE
