"""What was measured of subjects: the latest of each counts, and outlives every restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from aggregators.partitions.keys import measured_key, measured_of
from avatarrig.wire import Measurements
from avatarrig.wire.identity import subject_digest

if TYPE_CHECKING:
    from avatarrig.wire import Forget


class Noted(msgspec.Struct, array_like=True):
    """A table value.

    Attributes:
        offset: Where the measurements stood in the topic.
        measurements: What was measured; nothing where it was taken back.
    """

    offset: int
    measurements: Measurements


class Measures:
    """Knows what was measured of whom, by the subject's digest."""

    def __init__(self, partition: int) -> None:
        self._partition = partition
        self._noted: dict[str, Noted] = {}

    @property
    def last(self) -> int:
        """Highest offset of a message; -1 where there is none."""
        return max((noted.offset for noted in self._noted.values()), default=-1)

    def of(self, subject: str) -> Measurements | None:
        """What was measured of a subject."""
        noted = self._of(subject)
        return None if noted is None else noted.measurements

    def offset(self, subject: str) -> int:
        """Offset of the message that says so; -1 where there is none."""
        noted = self._of(subject)
        return -1 if noted is None else noted.offset

    def note(self, offset: int, measurements: Measurements) -> bytes | None:
        """Notes a message; returns the key of its entry, None where it says nothing new."""
        digest = subject_digest(measurements.subject)
        known = self._noted.get(digest)
        if known is not None and not _is_newer(measurements, known.measurements):
            return None
        self._noted[digest] = Noted(offset, measurements)
        return measured_key(self._partition, digest)

    def forget(self, forget: Forget) -> bytes | None:
        """Forgets what was measured before; returns the key of the entry that is gone."""
        known = self._noted.get(forget.forget)
        if known is None or known.measurements.measured_at > forget.forgotten_at:
            return None
        del self._noted[forget.forget]
        return measured_key(self._partition, forget.forget)

    def recover(self, key: bytes, value: bytes) -> None:
        """Takes up an entry of a table. Raises msgspec.DecodeError: The value is none."""
        self._noted[measured_of(key)] = msgspec.msgpack.decode(value, type=Noted)

    def value(self, key: bytes) -> bytes | None:
        """Value of an entry, for the table; None where it is gone."""
        noted = self._noted.get(measured_of(key))
        return None if noted is None else msgspec.msgpack.encode(noted)

    def _of(self, subject: str) -> Noted | None:
        return self._noted.get(subject_digest(subject)) if self._noted else None


def _is_newer(new: Measurements, known: Measurements) -> bool:
    same = (new.height, new.measured) == (known.height, known.measured)
    return not same and new.measured_at >= known.measured_at
