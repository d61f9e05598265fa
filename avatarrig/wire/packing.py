"""How records are packed, and what is refused."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NoReturn, TypeVar, cast

import msgpack
import msgspec

from avatarrig.errors import AvatarRigError
from avatarrig.wire.kinds import SCHEMA_VERSION, Decision, PackedArray

MAX_RECORD_BYTES = 1_000_000
"""Larger messages are refused before they are unpacked (Kafka's default limit)."""


class RecordRefusedError(AvatarRigError, ValueError):
    """A message does not hold the record that its topic promises."""


Record = TypeVar("Record", bound=msgspec.Struct)
Document = TypeVar("Document")


MOST_SAID = 2000
"""Characters of a reject's message that this program writes."""

_MOST_QUOTED = 500
"""Characters of what a refused message is quoted with: a reject must be smaller than its cause."""

UNREADABLE = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError, MemoryError)
"""What msgspec raises for bytes from strangers; UnicodeDecodeError is a ValueError."""


def encode(record: msgspec.Struct) -> bytes:
    """Packs a record into msgpack bytes."""
    return cast("bytes", msgpack.packb(msgspec.to_builtins(record, builtin_types=(bytes,))))


def decode(data: bytes | None, kind: type[Record]) -> Record:
    """Unpacks a record of one kind and checks that it fits.

    Args:
        data: The message's value.
        kind: Record class that is expected.

    Raises:
        RecordRefusedError: Naming what does not fit, in few words whatever the message holds.
            Nothing else is raised, whatever the bytes.
    """
    return cast("Record", decode_one_of(data, (kind,)))


def decode_one_of(data: bytes | None, kinds: Sequence[type[msgspec.Struct]]) -> msgspec.Struct:
    """Unpacks a record of one of several kinds and checks that it fits.

    Args:
        data: The message's value.
        kinds: Record classes that are expected; a record of 1.0, which does not tell its kind,
            is of the first, unless it is a `Forget`. A class may name a part of a record's fields
            only.

    Raises:
        RecordRefusedError: As `decode`.
    """
    if not data:
        raise RecordRefusedError(f"an empty message is no {_names(kinds)}")
    if len(data) > MAX_RECORD_BYTES:
        raise RecordRefusedError(f"{len(data)} bytes are more than {MAX_RECORD_BYTES}")
    kind = _kind(_checked_stamp(data), kinds)
    try:
        record: msgspec.Struct = _decoder(kind).decode(data)
    except UNREADABLE as error:
        why = shortened(str(error), _MOST_QUOTED)
        raise RecordRefusedError(f"not a {kind.__name__}: {why}") from error
    _check_arrays(record)
    return record


def decode_json(data: bytes, kind: type[Document]) -> Document:
    """Reads JSON from a file that anybody may have written, or damaged.

    Raises:
        msgspec.DecodeError: It is none, or does not fit. Nothing else is raised.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError:
        raise
    except UNREADABLE as error:
        raise msgspec.DecodeError(str(error)) from error


def shortened(text: str, most: int) -> str:
    """Cuts a text that quotes what somebody else wrote, and says so at the cut."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _kind(stamp: _Stamp, kinds: Sequence[type[msgspec.Struct]]) -> type[msgspec.Struct]:
    tag = stamp.kind or ("forget" if stamp.forget is not None else None)
    if tag is None or len(kinds) == 1:
        return kinds[0]
    for kind in kinds:
        if kind.__struct_config__.tag == tag:
            return kind
    raise RecordRefusedError(f"a record of the kind {tag[:40]!r} is no {_names(kinds)}")


def _names(kinds: Sequence[type[msgspec.Struct]]) -> str:
    return " or ".join(kind.__name__ for kind in kinds)


class _Stamp(msgspec.Struct):
    """What is read of every record before the rest."""

    version: int
    kind: str | None = None
    forget: str | None = None


@functools.cache
def _decoder(kind: type[msgspec.Struct]) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind)


def _checked_stamp(data: bytes) -> _Stamp:
    try:
        stamp: _Stamp = _decoder(_Stamp).decode(data)
    except UNREADABLE:
        _refuse(data)
    if not 1 <= stamp.version <= SCHEMA_VERSION:
        raise RecordRefusedError(_foreign_version(stamp.version))
    return stamp


def _refuse(data: bytes) -> NoReturn:
    """Says what is wrong with a message that has no readable version."""
    try:
        fields = msgpack.unpackb(data, strict_map_key=False)
    # TypeError: a map whose key is a map or a list.
    except (TypeError, msgpack.exceptions.UnpackException, *UNREADABLE) as error:
        raise RecordRefusedError(f"not msgpack: {shortened(str(error), _MOST_QUOTED)}") from error
    if not isinstance(fields, dict):
        raise RecordRefusedError(f"a record is a map, this is a {type(fields).__name__}")
    if isinstance(fields.get("version"), int):
        raise RecordRefusedError("the record's kind is no text")
    raise RecordRefusedError(_foreign_version(fields.get("version")))


def _foreign_version(version: object) -> str:
    is_short = version is None or isinstance(version, int | float | str | bytes)
    what = shortened(repr(version), 40) if is_short else f"of type {type(version).__name__}"
    return f"schema version {what}; this program knows 1 to {SCHEMA_VERSION}: upgrade it"


EXPECTED_SHAPES = {"pose": (33, 5), "world": (33, 3), "face": (478, 3), "blendshapes": (52,)}


_BYTES = {name: 4 * math.prod(shape) for name, shape in EXPECTED_SHAPES.items()}


def _check_arrays(record: msgspec.Struct) -> None:
    if isinstance(record, Decision):
        for observation in record.observed:
            _check_arrays(observation)
    for name, expected in EXPECTED_SHAPES.items():
        array: PackedArray | None = getattr(record, name, None)
        if not isinstance(array, PackedArray):
            continue
        if array.shape != expected or len(array.data) != _BYTES[name]:
            raise RecordRefusedError(
                f"{name} has shape {array.shape} in {len(array.data)} bytes, expected {expected}"
            )
