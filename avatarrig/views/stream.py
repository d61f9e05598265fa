"""The flow of photos: how fast, how many wait, who works on them."""

from __future__ import annotations

from collections import deque
from typing import Final

import msgspec

RATE_SECONDS: Final = 15


class GroupStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A consumer group.

    Attributes:
        group: Its name.
        members: Processes that are in it now.
        lag: Topic to messages not yet consumed.
    """

    group: str
    members: int
    lag: dict[str, int]


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """Where the photos of a pipeline are.

    Attributes:
        found: References published.
        waiting: Photos not yet processed, those in work included; never failed.
        in_work: Of those, how many the replicas that are alive can have in hand: one each.
        replicas: Detector replicas alive.
        groups: Consumer groups with their lag.
    """

    found: int = 0
    waiting: int = 0
    in_work: int = 0
    replicas: int = 0
    groups: tuple[GroupStatus, ...] = ()


class Rate:
    """Counts what happened in each of the last seconds."""

    def __init__(self) -> None:
        self._seconds: deque[tuple[int, int]] = deque()

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
        while len(self._seconds) > 2 * RATE_SECONDS:
            self._seconds.popleft()

    def per_second(self, now: float) -> float:
        """Average over the last full `RATE_SECONDS`, or since the first of them."""
        end = int(now)
        recent = [(at, number) for at, number in self._seconds if end - RATE_SECONDS <= at < end]
        if not recent:
            return 0.0
        span = end - recent[0][0]
        return sum(number for _, number in recent) / span
