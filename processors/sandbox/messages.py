"""What a replica and its detector process say to each other, and how it is framed."""

from __future__ import annotations

from typing import BinaryIO, Final

import msgspec

from avatarrig.wire import PhotoReference
from avatarrig.wire.bounds import Code, Fingerprint
from avatarrig.wire.framing import GarbledError, read_framed, write_framed
from avatarrig.wire.packing import UNREADABLE

_LONGEST: Final = 4 << 20


class Job(msgspec.Struct, frozen=True):
    """Detect this photo. To the detector process, after its settings.

    Attributes:
        number: Echoed by everything that is said about the photo.
    """

    number: int
    reference: PhotoReference


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The models are loaded."""

    fingerprint: Fingerprint


class Unusable(msgspec.Struct, frozen=True, tag=True):
    """The detector cannot be opened on this machine."""

    message: str


class Begun(msgspec.Struct, frozen=True, tag=True):
    """The photo's bytes are read; its detection begins."""

    job: int


class Observed(msgspec.Struct, frozen=True, tag=True):
    """The photo was observed and its files are written.

    Attributes:
        record: The `avatarrig.wire.Observation`, packed.
    """

    job: int
    record: bytes


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The photo can never be observed. `reason`: Code as in `avatarrig.wire.Reject`."""

    job: int
    reason: Code
    message: str


class Unreachable(msgspec.Struct, frozen=True, tag=True):
    """The photo's storage does not answer; later it may."""

    job: int
    message: str


class CannotWrite(msgspec.Struct, frozen=True, tag=True):
    """The run directory takes no more files."""

    message: str


Answer = Ready | Unusable | Begun | Observed | Refused | Unreachable | CannotWrite


def write_frame(stream: BinaryIO, message: msgspec.Struct) -> None:
    """Writes a message. Raises OSError: The other side is gone."""
    write_framed(stream, msgspec.msgpack.encode(message))


def read_frame(stream: BinaryIO) -> bytes | None:
    """Reads one message's bytes: None where the other side is gone. Raises GarbledError."""
    return read_framed(stream, _LONGEST)


def parse_answer(data: bytes) -> Answer:
    """Unpacks what the detector process said. Raises GarbledError: It is no message."""
    try:
        answer: Answer = msgspec.msgpack.decode(data, type=Answer)
    except UNREADABLE as error:
        raise GarbledError(str(error)) from error
    return answer
