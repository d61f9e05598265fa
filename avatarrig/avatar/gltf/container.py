"""The container of a GLB or VRM file: a JSON document, one block of numbers, other chunks.

Specification: Khronos, glTF 2.0, section 4.4.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, Final

import msgspec

from avatarrig.avatar.errors import AvatarFileError
from avatarrig.files import read_file

_MAGIC, _JSON, _BINARY = b"glTF", b"JSON", b"BIN\0"
_VERSION: Final = 2
_HEADER, _CHUNK = struct.Struct("<4sII"), struct.Struct("<I4s")


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """What a GLB file holds.

    Attributes:
        document: The JSON chunk.
        binary: The first binary chunk; empty where there is none.
        others: Further chunks, kind and content, in their order.
        size: Length of the file in bytes.
    """

    document: dict[str, Any]
    binary: bytes
    others: tuple[tuple[bytes, bytes], ...] = ()
    size: int = 0


def read_container(file: Path) -> Container:
    """Reads a GLB or VRM file.

    Raises:
        AvatarFileError: The file is missing, cut off, or of another format.
    """
    try:
        data = read_file(file)
    except OSError as error:
        raise AvatarFileError(f"{file}: {error.strerror}") from error
    try:
        return _parse(data)
    except (struct.error, ValueError, RecursionError) as error:
        raise AvatarFileError(
            f"{file} is no GLB or VRM file that can be read ({error}): "
            "export the avatar as glTF binary (.glb) or VRM"
        ) from error


def write_container(container: Container) -> bytes:
    """Lays a container out as the bytes of a file."""
    text = json.dumps(container.document, separators=(",", ":"), ensure_ascii=False)
    chunks = [(_JSON, text.encode("utf-8", "surrogatepass"), b" ")]
    if container.binary:
        chunks.append((_BINARY, container.binary, b"\0"))
    chunks += [(kind, content, b"\0") for kind, content in container.others]
    parts: list[bytes] = []
    for kind, content, filler in chunks:
        padding = filler * (-len(content) % 4)
        parts += [_CHUNK.pack(len(content) + len(padding), kind), content, padding]
    length = _HEADER.size + sum(len(part) for part in parts)
    return b"".join([_HEADER.pack(_MAGIC, _VERSION, length), *parts])


def _parse(data: bytes) -> Container:
    if len(data) < _HEADER.size:
        raise ValueError("it is too short")
    magic, version, _ = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise ValueError("it does not begin with glTF")
    if version != _VERSION:
        raise ValueError(f"it is glTF {version}, not 2")
    document: Any = None
    binary: bytes | None = None
    others: list[tuple[bytes, bytes]] = []
    place = _HEADER.size
    while place + _CHUNK.size <= len(data):
        length, kind = _CHUNK.unpack_from(data, place)
        place += _CHUNK.size
        content = data[place : place + length]
        if len(content) < length:
            raise ValueError("it is cut off")
        place += length
        if kind == _JSON and document is None:
            document = json.loads(content.decode("utf-8"))
        elif kind == _BINARY and binary is None:
            binary = content
        else:
            others.append((kind, content))
    if not isinstance(document, dict):
        raise ValueError("it holds no JSON document")  # noqa: TRY004 - it is about the file
    return Container(document=document, binary=binary or b"", others=tuple(others), size=len(data))
