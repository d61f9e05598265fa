"""How records are packed, under which key they travel, and what is refused."""

from __future__ import annotations

import functools
import math
from typing import Any, NoReturn, TypeVar, cast

import msgpack
import msgspec

from avatarrig.wire.kinds import (
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

    Returns:
        The record.

    Raises:
        RecordRefusedError: Naming what does not fit.
    """
    if not data:
        raise RecordRefusedError(f"an empty message is no {kind.__name__}")
    if len(data) > MAX_RECORD_BYTES:
        raise RecordRefusedError(f"{len(data)} bytes are more than {MAX_RECORD_BYTES}")
    _check_version(data)
    try:
        record = _decoder(kind).decode(data)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise RecordRefusedError(f"not a {kind.__name__}: {error}") from error
    _check_arrays(record)
    return cast("Record", record)


class _Stamp(msgspec.Struct):
    version: int


@functools.cache
def _decoder(kind: type[msgspec.Struct]) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind)


def _check_version(data: bytes) -> None:
    try:
        version = _decoder(_Stamp).decode(data).version
    except (msgspec.MsgspecError, RecursionError):
        _refuse(data)
    if not 1 <= version <= SCHEMA_VERSION:
        raise RecordRefusedError(
            f"schema version {version!r}; this program knows 1 to {SCHEMA_VERSION}: upgrade it"
        )


def _refuse(data: bytes) -> NoReturn:
    """Says what is wrong with a message that has no readable version."""
    try:
        fields = msgpack.unpackb(data, strict_map_key=False)
    # TypeError: a map whose key is a map or a list.
    except (TypeError, ValueError, msgpack.exceptions.UnpackException) as error:
        raise RecordRefusedError(f"not msgpack: {error}") from error
    if not isinstance(fields, dict):
        raise RecordRefusedError(f"a record is a map, this is a {type(fields).__name__}")
    raise RecordRefusedError(
        f"schema version {fields.get('version')!r}; this program knows 1 to {SCHEMA_VERSION}: "
        "upgrade it"
    )


EXPECTED_SHAPES = {"pose": (33, 5), "world": (33, 3), "face": (478, 3), "blendshapes": (52,)}


def _check_arrays(record: msgspec.Struct) -> None:
    if not isinstance(record, Observation):
        return
    for name, expected in EXPECTED_SHAPES.items():
        array: PackedArray | None = getattr(record, name)
        if array is None:
            continue
        if array.shape != expected or len(array.data) != 4 * math.prod(expected):
            raise RecordRefusedError(
                f"{name} has shape {array.shape} in {len(array.data)} bytes, expected {expected}"
            )
