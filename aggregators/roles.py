"""What a level needs from others: state, a table, something that publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from aggregators.ledger import Changes, Ledger
    from aggregators.refusals import Refusal
    from avatarrig.wire.keys import Series


class Part(Protocol):
    """The state of one partition."""

    partition: int
    ledger: Ledger

    @property
    def next_offset(self) -> int:
        """Where reading goes on."""

    def apply(self, offset: int, value: bytes | None) -> Series | None:
        """Takes in a message; returns the series that changed."""

    def newest(self, series: Series) -> int:
        """Returns the offset of the last change of a series."""

    def has(self, series: Series) -> bool:
        """Whether anything is known of a series."""

    def take_disturbed(self) -> set[Series]:
        """Returns series that changed otherwise than by `apply` since the last call."""

    def take_refusals(self) -> list[Refusal]:
        """Returns the messages that were set aside since the last call."""

    def take_changes(self) -> Changes:
        """Returns what changed since the last call."""


PartT = TypeVar("PartT", bound=Part)
_Taken_contra = TypeVar("_Taken_contra", bound=Part, contravariant=True)
_Made_co = TypeVar("_Made_co", bound=Part, covariant=True)


class Table(Protocol):
    """Where state is kept. What is written is safe when `confirm` returns."""

    def entries(self, partition: int) -> list[tuple[bytes, bytes]]:
        """Returns the keys and values of a partition."""

    def __setitem__(self, key: bytes, value: bytes) -> None: ...

    def __delitem__(self, key: bytes) -> None: ...

    def __contains__(self, key: object) -> bool: ...

    async def confirm(self) -> None:
        """Waits until everything that was written is safe."""


class PartMaker(Protocol[_Made_co]):
    """Makes the state of partitions."""

    def new(self, partition: int) -> _Made_co:
        """Returns the state before the first message."""

    def recover(self, partition: int, items: Iterable[tuple[bytes, bytes]]) -> _Made_co:
        """Returns the state that a table holds, or raises StateRefusedError."""


class Message(msgspec.Struct, frozen=True):
    """A message to send.

    Attributes:
        topic: Name of the topic.
        key: Its key.
        value: Its value; None deletes what the key stands for.
        shard: Key that decides on the partition; None where ``key`` does.
        partition: The partition itself, where that is known.
    """

    topic: str
    key: bytes
    value: bytes | None
    shard: bytes | None = None
    partition: int | None = None


class Outlet(Protocol[_Taken_contra]):
    """Turns what changed into messages, and sends them."""

    def messages(self, part: _Taken_contra, series: Series) -> list[Message]:
        """Returns the messages about a series; none where nothing is new."""

    def farewells(self, part: _Taken_contra) -> list[Message]:
        """Returns the messages about subjects that were forgotten since the last call."""

    def reject(self, part: _Taken_contra, refusal: Refusal) -> Message:
        """Returns the message that sets another one aside."""

    def send(self, messages: list[Message]) -> Awaitable[None]:
        """Sends messages; they are safe when it is done."""
