"""How records are packed, under which key they travel, and what is refused."""

from __future__ import annotations

import functools
import math
from typing import Any, NoReturn, TypeVar, cast

import msgpack
import msgspec

from avatarrig.records.kinds import (
    SCHEMA_VERSION,
    Forget,
    HistoryRecord,
    Observation,
    PackedArray,
    PhotoReference,
    Reject,
    SkeletonRecord,
    TallyUpdate,
)

MAX_RECORD_BYTES = 1_000_000
"""Larger messages are refused before they are unpacked (Kafka's default limit)."""


class RecordRefusedError(ValueError):
    """A message does not hold the record that its topic promises."""


Record = TypeVar(
    "Record",
    PhotoReference,
    Observation,
    Reject,
    Forget,
    TallyUpdate,
    SkeletonRecord,
    HistoryRecord,
)


PartOfRecord = TypeVar("PartOfRecord", bound=msgspec.Struct)

MOST_SAID = 2000
"""Characters of a reject's message that this program writes."""

_MOST_QUOTED = 500
"""Characters of what a refused message is quoted with: a reject must be smaller than its cause."""


def record_key(record: PhotoReference | Observation | Reject) -> bytes:
    """Key under which a record travels; of records with the same key, the broker keeps the last.

    It begins with the image_id, which spreads any load evenly, and says whose record it is: the
    same photo may be shown for two subjects, to two detectors, by two runs. All that may count
    twice in an estimate has the same key, and so is in the same partition.
    """
    match record:
        case PhotoReference():
            parts = (record.image_id, record.subject, record.run)
        case Observation():
            parts = (record.image_id, record.subject, record.fingerprint)
        case Reject(reference=None):
            parts = (record.origin, "", repr(record.rejected_at))
        case Reject(reference=PhotoReference() as reference):
            # Each counts: how often a photo was set aside is part of its story.
            parts = (reference.image_id, reference.subject, repr(record.rejected_at))
    return "\0".join(parts).encode("utf-8", "surrogateescape")


def encode(record: msgspec.Struct) -> bytes:
    """Packs a record into msgpack bytes."""
    return cast("bytes", msgpack.packb(msgspec.to_builtins(record, builtin_types=(bytes,))))


def decode(data: bytes | None, kind: type[Record]) -> Record:
    """Unpacks a record and checks that it fits.

    Args:
        data: The message's value.
        kind: Record class that the topic promises.

    Raises:
        RecordRefusedError: Naming what does not fit, in few words whatever the message holds.
            Nothing else is raised, whatever the bytes.
    """
    _stamp_of(data)
    return cast("Record", _unpack(data or b"", kind))


def decode_either(data: bytes | None, kind: type[Record]) -> Record | Forget:
    """Unpacks a record of a topic on which subjects are forgotten as well.

    Raises:
        RecordRefusedError: As `decode`.
    """
    return decode_either_part(data, kind)


def decode_part(data: bytes | None, kind: type[PartOfRecord]) -> PartOfRecord:
    """Unpacks those fields of a record that a struct of the caller's names.

    Raises:
        RecordRefusedError: As `decode`.
    """
    _stamp_of(data)
    return cast("PartOfRecord", _unpack(data or b"", kind))


def decode_either_part(data: bytes | None, kind: type[PartOfRecord]) -> PartOfRecord | Forget:
    """Does what `decode_part` does, on a topic on which subjects are forgotten as well.

    Raises:
        RecordRefusedError: As `decode`.
    """
    is_forget = _stamp_of(data).forget is not msgspec.UNSET
    return cast("PartOfRecord | Forget", _unpack(data or b"", Forget if is_forget else kind))


def shortened(text: str, most: int) -> str:
    """Cuts a text that quotes what somebody else wrote, and says so at the cut."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


class _Stamp(msgspec.Struct):
    version: int
    forget: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_UNREADABLE = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError, MemoryError)
"""What msgspec raises for bytes from strangers; UnicodeDecodeError is a ValueError."""


@functools.cache
def _decoder(kind: type[msgspec.Struct]) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind)


def _stamp_of(data: bytes | None) -> _Stamp:
    """Walks through the whole message once, so that it is msgpack and has a version."""
    if not data:
        raise RecordRefusedError("an empty message is no record")
    if len(data) > MAX_RECORD_BYTES:
        raise RecordRefusedError(f"{len(data)} bytes are more than {MAX_RECORD_BYTES}")
    try:
        stamp: _Stamp = _decoder(_Stamp).decode(data)
    except _UNREADABLE:
        _refuse(data)
    if not 1 <= stamp.version <= SCHEMA_VERSION:
        raise RecordRefusedError(_foreign_version(stamp.version))
    return stamp


def _unpack(data: bytes, kind: type[msgspec.Struct]) -> msgspec.Struct:
    try:
        record: msgspec.Struct = _decoder(kind).decode(data)
    except _UNREADABLE as error:
        why = shortened(str(error), _MOST_QUOTED)
        raise RecordRefusedError(f"not a {kind.__name__}: {why}") from error
    _check_arrays(record)
    return record


def _refuse(data: bytes) -> NoReturn:
    """Says what is wrong with a message that has no readable version."""
    try:
        fields = msgpack.unpackb(data, strict_map_key=False)
    # TypeError: a map whose key is a map or a list.
    except (TypeError, msgpack.exceptions.UnpackException, *_UNREADABLE) as error:
        raise RecordRefusedError(f"not msgpack: {shortened(str(error), _MOST_QUOTED)}") from error
    if not isinstance(fields, dict):
        raise RecordRefusedError(f"a record is a map, this is a {type(fields).__name__}")
    raise RecordRefusedError(_foreign_version(fields.get("version")))


def _foreign_version(version: object) -> str:
    is_short = version is None or isinstance(version, int | float | str | bytes)
    what = shortened(repr(version), 40) if is_short else f"of type {type(version).__name__}"
    return f"schema version {what}; this program knows 1 to {SCHEMA_VERSION}: upgrade it"


EXPECTED_SHAPES = {"pose": (33, 5), "world": (33, 3), "face": (478, 3), "blendshapes": (52,)}


def _check_arrays(record: msgspec.Struct) -> None:
    for name, expected in EXPECTED_SHAPES.items():
        array: PackedArray | None = getattr(record, name, None)
        if not isinstance(array, PackedArray):
            continue
        if array.shape != expected or len(array.data) != 4 * math.prod(expected):
            raise RecordRefusedError(
                f"{name} has shape {array.shape} in {len(array.data)} bytes, expected {expected}"
            )
