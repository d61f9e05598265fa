"""A network as a TFLite file: reading the metadata that MediaPipe Tasks needs, and adding it.

TFLite files are FlatBuffers, whose offsets only point forward. So a new root is put in front of
the file as it is, and points into it: no tensor is touched, and the same network and metadata
give the same bytes wherever they are put together. Layout: https://flatbuffers.dev/internals/ and
TensorFlow's ``schema.fbs``.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from typing import Final

import msgspec

from avatarrig.errors import AvatarRigError

METADATA_NAME: Final = b"TFLITE_METADATA"

_IDENTIFIER: Final = b"TFL3"
_ALIGNMENT: Final = 16
"""Bytes; tensors lie at multiples of it."""

# The fields of schema.fbs that are read here, by their numbers in their tables.
_MODEL_FIELDS: Final = 8
_VERSION, _SUBGRAPHS, _BUFFERS, _METADATA = 0, 2, 4, 6
_METADATA_NAME, _METADATA_BUFFER = 0, 1
_BUFFER_DATA: Final = 0
_SUBGRAPH_TENSORS: Final = 0
_TENSOR_SHAPE, _TENSOR_TYPE, _TENSOR_BUFFER, _TENSOR_NAME = 0, 1, 2, 3


class NetworkFileError(AvatarRigError, ValueError):
    """The bytes are no TFLite file of the form that is expected."""


def metadata_of(network: bytes) -> bytes:
    """Returns the metadata that a TFLite file carries for MediaPipe Tasks.

    Raises:
        NetworkFileError: It is no TFLite file, or carries none.
    """
    try:
        file = _File(network)
        for entry in file.tables(file.root, _METADATA):
            if file.text(entry, _METADATA_NAME) == METADATA_NAME:
                return file.buffer(file.number(entry, _METADATA_BUFFER))
    except (struct.error, IndexError) as error:
        raise NetworkFileError(f"no TFLite file: {error}") from error
    raise NetworkFileError("the TFLite file carries no metadata")


def tensors_digest(network: bytes) -> str:
    """Returns the SHA-256 over all tensors in order: name, shape, type, and content if constant.

    Two files with equal digests hold the same weights, however they were packed.

    Raises:
        NetworkFileError: It is no TFLite file.
    """
    digest = hashlib.sha256()
    try:
        file = _File(network)
        for subgraph in file.tables(file.root, _SUBGRAPHS):
            for tensor in file.tables(subgraph, _SUBGRAPH_TENSORS):
                content = file.buffer(file.number(tensor, _TENSOR_BUFFER))
                parts = (
                    file.text(tensor, _TENSOR_NAME),
                    file.vector(tensor, _TENSOR_SHAPE, 4),
                    bytes([file.byte(tensor, _TENSOR_TYPE)]),
                    content,
                )
                for part in parts:
                    digest.update(len(part).to_bytes(8, "little"))
                    digest.update(part)
    except (struct.error, IndexError) as error:
        raise NetworkFileError(f"no TFLite file: {error}") from error
    return digest.hexdigest()


def with_metadata(network: bytes, metadata: bytes) -> bytes:
    """Returns a TFLite file with metadata added; every tensor stays as and where it was.

    Args:
        network: A TFLite file without such metadata.
        metadata: What `metadata_of` returned for a network with equal inputs and outputs.

    Raises:
        NetworkFileError: It is no TFLite file.
    """
    try:
        return _Head(_File(network), metadata).put_before()
    except (struct.error, IndexError) as error:
        raise NetworkFileError(f"no TFLite file: {error}") from error


class _File(msgspec.Struct, frozen=True):
    """A TFLite file's tables, found by position."""

    data: bytes

    @property
    def root(self) -> int:
        if self.data[4:8] != _IDENTIFIER:
            raise NetworkFileError("no TFLite file: it does not begin as one")
        return self._follow(0)

    def field(self, table: int, number: int) -> int | None:
        """Returns where a field's value lies, or None where the table has no such field."""
        (back,) = struct.unpack_from("<i", self.data, table)
        places = table - back
        (size,) = struct.unpack_from("<H", self.data, places)
        if 4 + 2 * number >= size:
            return None
        (offset,) = struct.unpack_from("<H", self.data, places + 4 + 2 * number)
        return table + offset if offset else None

    def target(self, table: int, number: int) -> int | None:
        """Returns where the thing lies that a field points to."""
        place = self.field(table, number)
        return None if place is None else self._follow(place)

    def number(self, table: int, number: int) -> int:
        place = self.field(table, number)
        return 0 if place is None else self._u32(place)

    def byte(self, table: int, number: int) -> int:
        place = self.field(table, number)
        return 0 if place is None else self.data[place]

    def tables(self, table: int, number: int) -> Iterator[int]:
        start = self.target(table, number)
        if start is not None:
            for place in range(start + 4, start + 4 + 4 * self._u32(start), 4):
                yield self._follow(place)

    def vector(self, table: int, number: int, item: int = 1) -> bytes:
        start = self.target(table, number)
        if start is None:
            return b""
        content = self.data[start + 4 : start + 4 + item * self._u32(start)]
        if len(content) != item * self._u32(start):
            raise NetworkFileError("the TFLite file is cut off")
        return content

    def text(self, table: int, number: int) -> bytes:
        return self.vector(table, number)

    def buffer(self, index: int) -> bytes:
        start = self.target(self.root, _BUFFERS)
        if start is None or index >= self._u32(start):
            raise NetworkFileError(f"the TFLite file has no buffer {index}")
        return self.vector(self._follow(start + 4 + 4 * index), _BUFFER_DATA)

    def _u32(self, place: int) -> int:
        (value,) = struct.unpack_from("<I", self.data, place)
        return int(value)

    def _follow(self, place: int) -> int:
        return place + self._u32(place)


class _Head(msgspec.Struct, frozen=True):
    """What is put in front of a TFLite file.

    In order: file header, the root's field places, the root, the list of metadata, the list of
    buffers, then the new entry of each with its field places, its name and its content.
    """

    file: _File
    metadata: bytes

    def put_before(self) -> bytes:
        old_metadata = list(self.file.tables(self.file.root, _METADATA))
        old_buffers = list(self.file.tables(self.file.root, _BUFFERS))
        sizes = {
            "header": 8,
            "root_fields": 4 + 2 * _MODEL_FIELDS,
            "root": 4 + 4 * _MODEL_FIELDS,
            "metadata_list": 4 + 4 * (len(old_metadata) + 1),
            "buffer_list": 4 + 4 * (len(old_buffers) + 1),
            "entry_fields": 8,
            "entry": 12,
            "name": 4 + len(METADATA_NAME) + 1,
            "buffer_fields": 8,
            "buffer": 8,
        }
        at = _laid_out(sizes)
        content = _aligned(at["end"] + 4, _ALIGNMENT) - 4  # its length lies just before it
        length = _aligned(content + 4 + len(self.metadata), _ALIGNMENT)

        head = bytearray(length)
        struct.pack_into("<I4s", head, 0, at["root"], _IDENTIFIER)
        self._root(head, at, length)
        _list(head, at["metadata_list"], [*(length + old for old in old_metadata), at["entry"]])
        _list(head, at["buffer_list"], [*(length + old for old in old_buffers), at["buffer"]])
        # A metadata entry: name (4 bytes in), number of its buffer (8 bytes in).
        struct.pack_into("<HHHH", head, at["entry_fields"], 8, 12, 4, 8)
        name_from = at["entry"] + 4
        entry = (at["entry"] - at["entry_fields"], at["name"] - name_from, len(old_buffers))
        struct.pack_into("<iII", head, at["entry"], *entry)
        name = (len(METADATA_NAME), METADATA_NAME)
        struct.pack_into(f"<I{len(METADATA_NAME)}s", head, at["name"], *name)
        struct.pack_into("<HHH", head, at["buffer_fields"], 6, 8, 4)
        data_from = at["buffer"] + 4
        buffer = (at["buffer"] - at["buffer_fields"], content - data_from)
        struct.pack_into("<iI", head, at["buffer"], *buffer)
        struct.pack_into("<I", head, content, len(self.metadata))
        head[content + 4 : content + 4 + len(self.metadata)] = self.metadata
        return bytes(head) + self.file.data

    def _root(self, head: bytearray, at: dict[str, int], length: int) -> None:
        """Writes the root: as the old one, but for its lists of metadata and buffers."""
        struct.pack_into("<i", head, at["root"], at["root"] - at["root_fields"])
        ends = 4 + 2 * _MODEL_FIELDS, 4 + 4 * _MODEL_FIELDS
        struct.pack_into("<HH", head, at["root_fields"], *ends)
        new = {_METADATA: at["metadata_list"], _BUFFERS: at["buffer_list"]}
        for number in range(_MODEL_FIELDS):
            place = at["root"] + 4 + 4 * number
            if number == _VERSION:
                value = self.file.number(self.file.root, number)
            else:
                old = self.file.target(self.file.root, number)
                target = new.get(number, None if old is None else length + old)
                if target is None:
                    continue
                value = target - place
            struct.pack_into("<H", head, at["root_fields"] + 4 + 2 * number, 4 + 4 * number)
            struct.pack_into("<I", head, place, value)


def _laid_out(sizes: dict[str, int]) -> dict[str, int]:
    """Returns where each part begins, at multiples of 4 bytes, and where all ``end``."""
    places = {}
    place = 0
    for name, size in sizes.items():
        places[name] = place
        place = _aligned(place + size, 4)
    return {**places, "end": place}


def _list(head: bytearray, place: int, targets: list[int]) -> None:
    struct.pack_into("<I", head, place, len(targets))
    for number, target in enumerate(targets):
        item = place + 4 + 4 * number
        struct.pack_into("<I", head, item, target - item)


def _aligned(place: int, step: int) -> int:
    return -(-place // step) * step
