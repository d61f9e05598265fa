"""What a consumer makes of a message: a record, or what was refused, counted and told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import msgspec
import structlog

from avatarrig.records.kinds import (
    Forget,
    HistoryRecord,
    Observation,
    PhotoReference,
    Reject,
    SkeletonRecord,
    TallyUpdate,
)
from avatarrig.records.shape import check_estimate
from avatarrig.records.wire import RecordRefusedError, decode, decode_either
from avatarrig.topics import HISTORY, IMAGES, OBSERVATIONS, REJECTS, SKELETONS, TALLIES

AnyRecord = (
    PhotoReference | Observation | Reject | Forget | TallyUpdate | SkeletonRecord | HistoryRecord
)
ReadT = TypeVar("ReadT")
_MOST_TOLD = 100
"""Lines in a log; a topic full of garbage must not fill a disk."""
_log = structlog.get_logger(__name__)


class Message(Protocol):
    """What a Kafka client hands on."""

    @property
    def topic(self) -> str:
        """Name of the topic."""

    @property
    def partition(self) -> int:
        """Number of the partition."""

    @property
    def offset(self) -> int:
        """Its offset."""

    @property
    def value(self) -> bytes | None:
        """The record, packed; None for a tombstone."""


class Refused(msgspec.Struct, frozen=True):
    """A message that holds no record.

    Attributes:
        why: What does not fit.
    """

    topic: str
    partition: int
    offset: int
    why: str

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}: {self.why}"


def record_of(topic: str, value: bytes | None) -> AnyRecord:
    """Reads a message of one of the pipeline's topics.

    Raises:
        RecordRefusedError: It is not what the topic promises.
        KeyError: The topic is none of the pipeline's.
    """
    return _READERS[topic](value)


class RefusingReader(Generic[ReadT]):
    """Reads messages. What holds no record is refused, counted and told; the next one is read.

    Args:
        read: How a message of a topic is read, such as `record_of`; may raise RecordRefusedError.
        tell: Hears of the first hundred that were refused; they go to the log by default.

    Attributes:
        refused: How many were refused.
        first: The first of them; None while there is none.
    """

    def __init__(
        self,
        read: Callable[[str, bytes | None], ReadT],
        tell: Callable[[Refused], None] | None = None,
    ) -> None:
        self.refused = 0
        self.first: Refused | None = None
        self._tell = tell or _log_refused
        self._read = read

    def read(self, message: Message) -> ReadT | None:
        """Returns the record; None for one that was refused, and for a tombstone."""
        if message.value is None:
            return None
        try:
            return self._read(message.topic, message.value)
        except RecordRefusedError as error:
            self.refuse(message, str(error))
            return None

    def refuse(self, message: Message, why: str) -> None:
        """Notes a message that is refused for another reason than its form."""
        refused = Refused(message.topic, message.partition, message.offset, why)
        self.first = self.first or refused
        self.refused += 1
        if self.refused <= _MOST_TOLD:
            self._tell(refused)

    def summary(self) -> str:
        """Says in a line what was refused; empty where nothing was."""
        if self.first is None:
            return ""
        records = (
            "1 message is no record and was"
            if self.refused == 1
            else (f"{self.refused} messages are no records and were")
        )
        return f"{records} passed over, the first at {self.first}"


def _log_refused(refused: Refused) -> None:
    _log.warning("refused a message", **msgspec.structs.asdict(refused))


def _skeleton(value: bytes | None) -> SkeletonRecord:
    record = decode(value, SkeletonRecord)
    check_estimate(record.estimate)
    return record


_READERS: dict[str, Callable[[bytes | None], AnyRecord]] = {
    IMAGES: lambda value: decode(value, PhotoReference),
    OBSERVATIONS: lambda value: decode_either(value, Observation),
    REJECTS: lambda value: decode(value, Reject),
    TALLIES: lambda value: decode_either(value, TallyUpdate),
    SKELETONS: _skeleton,
    HISTORY: lambda value: decode(value, HistoryRecord),
}
