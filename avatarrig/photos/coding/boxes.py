"""The boxes of HEIC and AVIF files (ISO/IEC 14496-12): how their pictures are coded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_TYPED_SINCE: Final = 2
_WIDER_SINCE: Final = 2
"""Versions: before them items had no types, and numbers of items were shorter."""
_ITEM: Final = re.compile(rb"infe[\x02\x03]...(?:..|....)..(\w{4})", re.DOTALL)
_NAMES: Final = {
    b"avc1": "H.264",
    b"evc1": "EVC",
    b"j2k1": "JPEG 2000",
    b"jpeg": "JPEG in a HEIF file",
    b"jxs1": "JPEG XS",
    b"lhv1": "layered HEVC",
    b"unci": "uncompressed pixels",
    b"vvc1": "VVC",
}
_NO_PICTURES: Final = frozenset({b"Exif", b"mime", b"uri "})
_READ: Final = 1 << 16
"""Bytes; the items are described at the beginning of a file."""


def unusual_codec(data: bytes) -> str:
    """Names the codec of a HEIF file whose pictures are coded as none of the usual ones.

    Args:
        data: The file's bytes.

    Returns:
        For example ``VVC``; empty where it is a usual codec, or none can be told.
    """
    codecs = {match[1] for match in _ITEM.finditer(data, 0, _READ)} & _NAMES.keys()
    return ", ".join(sorted(_NAMES[codec] for codec in codecs))


def is_turned(data: bytes) -> bool:
    """Whether a HEIF file itself says that a picture is to be turned or mirrored."""
    head = data[:_READ]
    return b"irot" in head or b"imir" in head


def pixels_of(data: bytes) -> Iterator[bytes]:
    """Gives the coded pictures of a HEIF file, without what is said about them.

    Raises:
        ValueError: Its boxes are damaged, or lie as few programs write them.
    """
    for kind, pieces in _items(data):
        if kind not in _NO_PICTURES:
            for start, length in pieces:
                yield data[start : start + length]


def exif_of(data: bytes) -> bytes:
    """Finds the EXIF block of a HEIF file, from its byte order on; empty where there is none.

    Raises:
        ValueError: Its boxes are damaged, or lie as few programs write them.
    """
    for kind, pieces in _items(data):
        if kind == b"Exif":
            block = b"".join(data[start : start + length] for start, length in pieces)
            return block[4 + int.from_bytes(block[:4], "big") :]
    return b""


def turn_of(data: bytes) -> int:
    """How a HEIF file says that its picture is to be turned, as EXIF's orientation 1, 3, 6 or 8."""
    at = data.find(b"irot", 0, _READ)
    quarters = data[at + 4] & 3 if 0 <= at < len(data) - 4 else 0
    return (1, 8, 3, 6)[quarters]


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size, start = int.from_bytes(data[at : at + 4], "big"), at + 8
        if size == 1:
            size, start = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        end = at + size if size else len(data)
        if end <= at:
            raise ValueError("a box without length")
        yield data[at + 4 : at + 8], data[start:end]
        at = end


def _items(data: bytes) -> Iterator[tuple[bytes | None, list[tuple[int, int]]]]:
    """What a HEIF file holds: the type of each item, and where its pieces lie."""
    content = dict(_boxes(data))
    meta = dict(_boxes(content[b"meta"][4:]))
    kinds = _kinds(meta[b"iinf"])
    left = len(data)
    for item, pieces in _places(meta[b"iloc"]):
        left -= sum(length for _, length in pieces)
        if left < 0:
            raise ValueError("the pieces are more than there is")
        yield kinds.get(item), pieces


def _kinds(items: bytes) -> dict[int, bytes]:
    """Item to its type (ISO/IEC 14496-12, 8.11.6)."""
    kinds: dict[int, bytes] = {}
    for kind, content in _boxes(items[6 if items[0] == 0 else 8 :]):
        if kind == b"infe" and content[0] >= _TYPED_SINCE:
            width = 2 if content[0] == _TYPED_SINCE else 4
            number = int.from_bytes(content[4 : 4 + width], "big")
            kinds[number] = content[6 + width : 10 + width]
    return kinds


def _places(content: bytes) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Item to where it lies in the file (ISO/IEC 14496-12, 8.11.3)."""
    version = content[0]
    offset_size, length_size = content[4] >> 4, content[4] & 15
    base_size, index_size = content[5] >> 4, content[5] & 15 if version else 0
    at = 6

    def take(width: int) -> int:
        nonlocal at
        at += width
        if at > len(content):
            raise ValueError("the items are more than there is")
        return int.from_bytes(content[at - width : at], "big")

    wide = 2 if version < _WIDER_SINCE else 4
    for _ in range(take(wide)):
        item = take(wide)
        is_elsewhere = bool(version and take(2) & 15)
        take(2)
        base = take(base_size)
        pieces: list[tuple[int, int]] = []
        count = take(2)
        if count > 1 and not length_size:
            raise ValueError("the pieces are more than there is")
        for _ in range(count):
            take(index_size)
            offset = base + take(offset_size)
            pieces.append((offset, take(length_size)))
        if not is_elsewhere:  # grids and the like, which only say how pictures are put together
            yield item, pieces
