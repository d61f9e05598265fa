"""What a level needs from others: state, a table, something that publishes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from aggregators.partitions.checkpoint import Checkpoint
    from aggregators.partitions.intake import Intake, Rejection
    from avatarrig.wire.keys import Series


class Partition(Protocol):
    """The state of one partition."""

    partition: int
    intake: Intake

    def take(self, messages: Sequence[tuple[int, bytes | None]]) -> set[Series]:
        """Takes in messages, in the order of their offsets; returns the series that changed."""

    def newest(self, series: Series) -> int:
        """Returns the offset of the last change of a series."""

    def has(self, series: Series) -> bool:
        """Whether anything is known of a series."""

    def take_changed(self) -> set[Series]:
        """Returns series that changed otherwise than by their own messages since the last call."""

    def take_checkpoint(self) -> Checkpoint:
        """Returns what changed since the last call."""


PartitionT = TypeVar("PartitionT", bound=Partition)
_Taken_contra = TypeVar("_Taken_contra", bound=Partition, contravariant=True)


class Table(Protocol):
    """Where state is kept. What is written is safe when `confirm` returns."""

    def entries(self, partition: int) -> list[tuple[bytes, bytes]]:
        """Returns the keys and values of a partition."""

    def __setitem__(self, key: bytes, value: bytes) -> None: ...

    def __delitem__(self, key: bytes) -> None: ...

    def __contains__(self, key: object) -> bool: ...

    async def confirm(self) -> None:
        """Waits until everything that was written is safe."""


@dataclass(frozen=True)
class PartitionMaker(Generic[PartitionT]):
    """Makes the state of partitions.

    Attributes:
        new: Returns the state before the first message.
        recover: Returns the state that a table holds, or raises StateRefusedError.
    """

    new: Callable[[int], PartitionT]
    recover: Callable[[int, Iterable[tuple[bytes, bytes]]], PartitionT]


class Message(msgspec.Struct, frozen=True):
    """A message to send.

    Attributes:
        value: Its value; None deletes what the key stands for.
        shard: Key that decides on the partition; None where ``key`` does.
        partition: The partition itself, where that is known.
    """

    topic: str
    key: bytes
    value: bytes | None
    shard: bytes | None = None
    partition: int | None = None


class Publisher(Protocol[_Taken_contra]):
    """Turns what changed into messages, and sends them."""

    def messages(self, part: _Taken_contra, series: Series) -> list[Message]:
        """Returns the messages about a series; none where nothing is new."""

    def tombstones(self, part: _Taken_contra) -> list[Message]:
        """Returns the messages about subjects that were forgotten since the last call."""

    def reject(self, part: _Taken_contra, rejection: Rejection) -> Message:
        """Returns the message that rejects another one."""

    def send(self, messages: list[Message]) -> Awaitable[None]:
        """Sends messages; they are safe when it is done."""
