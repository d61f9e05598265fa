"""The chunks of a PNG: what of them is picture, and what would only get in a decoder's way."""

from __future__ import annotations

import contextlib
import struct
import zlib
from collections.abc import Collection, Iterator, Mapping
from typing import Final

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEADER: Final = struct.Struct(">I4s")
_SIZE: Final = struct.Struct(">II")
_SIZE_AT: Final = len(SIGNATURE) + _HEADER.size
_CHECKSUM: Final = 4
_END: Final = b"IEND"
_END_CHUNK: Final = b"\0\0\0\0IEND\xaeB`\x82"
_TEXTS: Final = frozenset({b"tEXt", b"zTXt", b"iTXt", b"iCCP"})
_ANIMATION: Final = frozenset({b"acTL", b"fcTL", b"fdAT"})
_ANCILLARY: Final = 0x20
_READABLE: Final = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_LONGEST_TEXT: Final = 4 << 20
_PARTS_OF_PROFILE: Final = 3
EXIF_TEXTS: Final = ("Raw profile type exif", "Raw profile type APP1")
APPLE: Final = b"CgBI"
"""Apple's own kind, which phones' programs hold: other colours, other compression."""


def chunks_of(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Walks over the chunks of a PNG, to its end: kind, start and end of the content.

    Raises:
        ValueError: A chunk claims more bytes than the file has.
    """
    position = len(SIGNATURE)
    while position + _HEADER.size <= len(data):
        length, kind = _HEADER.unpack_from(data, position)
        start = position + _HEADER.size
        if start + length > len(data):
            raise ValueError("a chunk is longer than the file")
        yield kind, start, start + length
        if kind == _END:  # what some programs leave behind it is no part of the picture
            return
        position = start + length + _CHECKSUM


def size_of(data: bytes) -> tuple[int, int]:
    """Reads width and height in pixels; 0 where the first chunk does not say them."""
    if data[len(SIGNATURE) + 4 :].startswith(b"IHDR") and len(data) >= _SIZE_AT + _SIZE.size:
        return _SIZE.unpack_from(data, _SIZE_AT)
    return 0, 0


def late_exif(data: bytes) -> bytes | None:
    """Finds an ``eXIf`` chunk after the pixels, where Pillow would only see it by decoding."""
    return next((data[start:end] for kind, start, end in chunks_of(data) if kind == b"eXIf"), None)


def texts_of(data: bytes, keywords: Collection[str]) -> dict[str, bytes]:
    """Reads some of a PNG's texts by their keywords, of each the first; too long ones cut off.

    Raises:
        ValueError: A chunk claims more bytes than the file has.
    """
    texts: dict[str, bytes] = {}
    for kind, start, end in chunks_of(data):
        if kind not in _READABLE:
            continue
        word, _, rest = data[start:end].partition(b"\0")
        keyword = word.decode("latin-1")
        if keyword not in keywords or keyword in texts:  # others unpack to whatever they like
            continue
        is_packed = kind == b"zTXt" or (kind == b"iTXt" and rest[:1] == b"\1")
        if kind == b"zTXt":
            rest = rest[1:]
        elif kind == b"iTXt":
            rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]
        if is_packed:
            try:
                rest = zlib.decompressobj().decompress(rest, _LONGEST_TEXT)
            except zlib.error:
                rest = b""
        texts[keyword] = rest[:_LONGEST_TEXT]
    return texts


def exif_in_text(texts: Mapping[str, bytes]) -> bytes:
    """Finds EXIF as ImageMagick writes it: a name, a length and hexadecimal digits, in lines."""
    for keyword in EXIF_TEXTS:
        parts = texts.get(keyword, b"").split(None, 2)
        if len(parts) == _PARTS_OF_PROFILE:
            with contextlib.suppress(ValueError):
                return bytes.fromhex(parts[2].decode("ascii"))
    return b""


def only_picture(data: bytes) -> bytes:
    """Leaves out of a PNG what is no picture, and gives it the end that it should have.

    Left out are texts and colour profiles: Pillow refuses photos whose texts are long, such as the
    recipes that image generators add. So is what moves: the picture that all programs show may be
    none of an animation's. Ancillary chunks whose checksum is wrong go as well, for
    which OpenCV or Pillow refuse the whole file. Walking over the chunks also refuses what no
    header limit foresees: OpenCV's decoder takes the memory that a chunk claims, up to 2 GB,
    before it reads it.

    Raises:
        ValueError: A chunk claims more bytes than the file has.
    """
    chunks = list(chunks_of(data))
    kept = [chunk for chunk in chunks if not _is_in_the_way(data, *chunk)]
    is_ended = any(kind == _END and end + _CHECKSUM <= len(data) for kind, _, end in kept)
    if len(kept) == len(chunks) and is_ended:
        return data
    parts = [
        data[start - _HEADER.size : end + _CHECKSUM]
        for kind, start, end in kept
        if is_ended or kind != _END
    ]
    return b"".join([SIGNATURE, *parts, *([] if is_ended else [_END_CHUNK])])


def _is_in_the_way(data: bytes, kind: bytes, start: int, end: int) -> bool:
    if kind in _TEXTS or kind in _ANIMATION:
        return True
    if not kind[0] & _ANCILLARY:
        return False
    return not _is_as_written(data, kind, start, end)


def is_whole_png(data: bytes) -> bool:
    """Whether a file is a PNG from its signature to its end, each chunk as its checksum says."""
    if not data.startswith(SIGNATURE):
        return False
    try:
        chunks = list(chunks_of(data))
    except ValueError:
        return False
    is_ended = bool(chunks) and chunks[-1][0] == _END
    return is_ended and all(_is_as_written(data, *chunk) for chunk in chunks)


def _is_as_written(data: bytes, kind: bytes, start: int, end: int) -> bool:
    return zlib.crc32(data[start - len(kind) : end]).to_bytes(4, "big") == data[end : end + 4]
