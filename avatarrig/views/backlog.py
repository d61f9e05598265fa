"""How many messages lie behind an offset: of what was read by counting, of the rest by offsets.

Offsets alone count too many: tombstones, the end of each transaction and what was compacted away
have some as well.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Mapping
from typing import Final

import msgspec

Place = tuple[str, int]
"""Topic and partition; a TopicPartition is one."""

MOST_KEPT: Final = 50_000
"""Messages of a partition that are remembered; older ones are counted by offsets."""


class Waiting(msgspec.Struct, frozen=True):
    """Messages that wait.

    Attributes:
        oldest: When the first of those that were read was written, Unix seconds; None where
            none waits.
    """

    count: int = 0
    oldest: float | None = None

    def __add__(self, other: Waiting) -> Waiting:
        known = [at for at in (self.oldest, other.oldest) if at is not None]
        return Waiting(self.count + other.count, min(known, default=None))


class _Run:
    """Messages of a partition that belong together, by offset and time."""

    def __init__(self) -> None:
        self.offsets = array("q")
        self.times = array("d")

    def from_offset(self, offset: int) -> Waiting:
        at = bisect_left(self.offsets, offset)
        return Waiting(len(self.offsets) - at, self.times[at] if at < len(self.times) else None)

    def drop_before(self, offset: int) -> int:
        at = bisect_left(self.offsets, offset)
        del self.offsets[:at], self.times[:at]
        return at


class _Log:
    """What was read of a partition."""

    def __init__(self, first: int, start: int) -> None:
        self.first = first
        self.start = start
        self.reached = start
        self.left_behind = max(0, start - first)
        self.runs: dict[str, _Run] = {}

    def note(self, offset: int, at: float, owner: str) -> None:
        if offset < self.reached:  # read again
            return
        self.reached = offset + 1
        run = self.runs.setdefault(owner, _Run())
        run.offsets.append(offset)
        run.times.append(at)
        if len(run.offsets) > 2 * MOST_KEPT:
            self.start = run.offsets[MOST_KEPT]
            self.left_behind += sum(each.drop_before(self.start) for each in self.runs.values())

    def waiting(self, committed: int, end: int, owner: str | None) -> Waiting:
        unread = max(0, self.start - max(committed, self.first))
        unread += max(0, end - max(self.reached, committed))
        return Waiting(unread) + self.from_offset(committed, owner)

    def from_offset(self, offset: int, owner: str | None) -> Waiting:
        chosen = [run for name, run in self.runs.items() if owner in {None, name}]
        return sum((run.from_offset(offset) for run in chosen), Waiting())


class Backlog:
    """Knows the messages of some topics by their offsets."""

    def __init__(self) -> None:
        self._logs: dict[Place, _Log] = {}

    def begin(self, firsts: Mapping[Place, int], starts: Mapping[Place, int]) -> None:
        """Notes where reading begins.

        Args:
            firsts: First offset that each partition still has.
            starts: First offset that is read.
        """
        for place, start in starts.items():
            self._logs[place] = _Log(firsts.get(place, start), start)

    def message(self, place: Place, offset: int, at: float, owner: str = "") -> None:
        """Notes a message; those of a partition come in their order.

        Args:
            at: When it was written, Unix seconds.
        """
        log = self._logs.get(place)
        if log is not None:
            log.note(offset, at, owner)

    def reached(self, positions: Mapping[Place, int]) -> bool:
        """Notes how far was read: what lies before and is no message waits for nobody.

        Returns:
            Whether that is news.
        """
        further = [
            (log, position)
            for place, position in positions.items()
            if (log := self._logs.get(place)) is not None and position > log.reached
        ]
        for log, position in further:
            log.reached = position
        return bool(further)

    def everything(self, topic: str, owner: str | None = None) -> Waiting:
        """Counts all messages of a topic; of an owner alone, those that were read."""
        logs = [log for (name, _), log in self._logs.items() if name == topic]
        unread = sum(log.left_behind for log in logs) if owner is None else 0
        return sum((log.from_offset(0, owner) for log in logs), Waiting(unread))

    def waiting(
        self,
        topic: str,
        committed: Mapping[Place, int],
        ends: Mapping[Place, int],
        owner: str | None = None,
    ) -> Waiting:
        """Counts the messages of a topic from some offsets on.

        Args:
            ends: Where each partition ends.
            owner: Only this run's, as far as they were read; None for all.
        """
        places = [place for place in committed if place[0] == topic]
        return sum(
            (self._waiting(each, committed[each], ends.get(each, 0), owner) for each in places),
            Waiting(),
        )

    def _waiting(self, place: Place, committed: int, end: int, owner: str | None) -> Waiting:
        log = self._logs.get(place)
        if log is None:
            return Waiting(max(0, end - committed))
        return log.waiting(committed, end, owner)
