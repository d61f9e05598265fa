"""What the state of a partition keeps beside its statistics, the same at both levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from aggregators.partitions.checkpoint import Checkpoint, Checkpoints
from aggregators.partitions.forgetting import Forgotten
from aggregators.partitions.keys import Marker, marker_key
from aggregators.partitions.latency import LatencyClock
from aggregators.partitions.recovery import restore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from avatarrig.wire.keys import Series

Entry = tuple[bytes, bytes | None]
ReadT = TypeVar("ReadT")


class Rejection(msgspec.Struct, frozen=True):
    """A message that could not be taken in.

    Attributes:
        reason: Short code: ``malformed``, ``evidence`` or ``unexpected``.
    """

    offset: int
    reason: str
    message: str


class Intake:
    """Knows which messages were taken in, and what has to be told and saved of them.

    Args:
        learned: Versions of what was learned that this program works with.

    Attributes:
        checkpoints: What the next checkpoint must hold.
        latency: Photos that are in nothing yet that was published.
    """

    def __init__(self, partition: int, learned: str) -> None:
        self.partition = partition
        self.checkpoints = Checkpoints(Marker())
        self.latency = LatencyClock()
        self.forgotten = Forgotten(partition)
        self._learned = learned
        self._rejections: list[Rejection] = []
        self._changed: set[Series] = set()

    @property
    def next_offset(self) -> int:
        """Where reading goes on."""
        return self.checkpoints.applied + 1

    def restore(
        self, items: Iterable[tuple[bytes, bytes]], take: Callable[[bytes, bytes], None]
    ) -> Recovered:
        """Hands a table's entries to whom they belong; see `recovery.restore`."""
        marker, entries = restore(items, self._learned, self.forgotten, take)
        return Recovered(marker, entries)

    def go_on(self, recovered: Recovered, offsets: dict[Series, int], newest: int) -> bool:
        """Goes on where the recovered state stands.

        Args:
            recovered: As `restore` gave it.
            offsets: Offset of the last change of each series.
            newest: Highest offset that any entry knows.

        Returns:
            Whether the values are known to be what was once written, to the bit.

        Raises:
            StateRefusedError: Entries are missing or old, or were made by another version.
        """
        self.checkpoints = Checkpoints(recovered.marker, recovered.entries, offsets)
        return self.checkpoints.check(recovered.marker, self._learned, newest)

    def take(
        self,
        offsets: Sequence[int],
        messages: Sequence[ReadT],
        apply: Callable[[int, ReadT], Series | None],
    ) -> set[Series]:
        """Takes in messages.

        Args:
            offsets: Of the messages, ascending; what was applied before changes nothing.
            messages: What was read at each.
            apply: Applies one of them; returns the series that changed, None where none did.

        Returns:
            The series that changed.
        """
        changed = set()
        for offset, read in zip(offsets, messages, strict=True):
            if offset <= self.checkpoints.applied:
                continue
            series = apply(offset, read)
            self.checkpoints.applied = offset
            if series is not None:
                changed.add(series)
        return changed

    def reject(self, offset: int, reason: str, message: str) -> None:
        """Notes that a message could not be taken in."""
        self._rejections.append(Rejection(offset, reason, message))

    def take_rejections(self) -> list[Rejection]:
        """Returns the messages that were rejected since the last call."""
        rejections, self._rejections = self._rejections, []
        return rejections

    def changed(self, series: Series) -> None:
        """Notes that a series changed otherwise than by a message of its own."""
        self._changed.add(series)

    def take_changed(self) -> set[Series]:
        """Returns the series that changed so since the last call."""
        changed, self._changed = self._changed, set()
        return changed

    def checkpoint(
        self, value_of: Callable[[bytes], bytes | None], more: Iterable[Entry] = ()
    ) -> Checkpoint:
        """Returns what changed since the last call, for the table.

        Args:
            value_of: Returns the value of a key; None where it is gone.
            more: Entries that the level keeps by itself.
        """
        entries: list[Entry] = [
            (key, value_of(key)) for key in sorted(self.checkpoints.take_unsaved())
        ]
        entries += more
        marker = self.checkpoints.complete(entries, self._learned)
        return Checkpoint(
            entries, (marker_key(self.partition), msgspec.msgpack.encode(marker)), marker.applied
        )


class Recovered(msgspec.Struct, frozen=True):
    """What a table held beside the statistics. `marker`: where the state stands."""

    marker: Marker
    entries: list[tuple[bytes, bytes]]
