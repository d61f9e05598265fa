"""What a JPEG's markers tell before any of it is decoded (ITU T.81, annex B)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import numpy as np

_BEGINS_MARKER: Final = 0xFF
_START_OF_SCAN: Final = 0xDA
_TABLES: Final = 0xC4
_WITHOUT_LENGTH: Final = frozenset({0x01, *range(0xD0, 0xDA)})
_END_OF_IMAGE: Final = 0xD9
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {_TABLES, 0xC8, 0xCC}
_SEQUENTIAL: Final = frozenset({0xC0, 0xC1})
_COLOURS_AT: Final = 5
_PLAIN_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
_PICTURE: Final = _FRAMES | {_TABLES, 0xDB, 0xDD}
"""Frames, tables of codes and of quantisation, and how often decoding starts anew."""
_APPLICATION: Final = 0xE1
_EXTENSION: Final = b"http://ns.adobe.com/xmp/extension/\0"
_NAMED: Final = re.compile(rb"""HasExtendedXMP\s*(?:=\s*["']|>)\s*([0-9A-Fa-f]{32})""")
_NAME: Final = 32
_NUMBER: Final = 4
_LARGEST_EXTENSION: Final = 4 << 20
_ADOBE: Final = b"Adobe"
"""Begins the segment that says which colours are meant."""
_JPEG_LS: Final = 0xF7
_EIGHT_BITS: Final = 8
_END_OF_BLOCK: Final = 0
_SECTOR: Final = bytes(512)
_HOLE: Final = re.compile(rb"\0{512,}")
"""Sectors of a disk that were never written."""
_FILLED: Final = 64
_CODE_LENGTHS: Final = 16
_PIECE: Final = 1 << 19
"""Bytes that are looked at together: as in `avatarrig.photos.coding.search`."""


def unusual_coding(data: bytes) -> str:
    """Names a way of coding that the decoders do not know; empty for an ordinary JPEG."""
    for marker, start, _ in _segments(data):
        if marker == _JPEG_LS:
            return "JPEG-LS"
        if marker in _FRAMES:
            bits = data[start] if start < len(data) else _EIGHT_BITS
            if marker not in _PLAIN_FRAMES:
                return "lossless or hierarchical JPEG"
            return f"JPEG with {bits} bits a colour" if bits != _EIGHT_BITS else ""
    return ""


def written_part(data: bytes) -> bytes:
    """Gives what was really written of a JPEG whose copy broke off in a file of the right size.

    Where the end is missing, zeros (or whatever one byte fills the rest) are no picture; to a
    decoder they mean a flat area. Zeros within the pixels are a hole where no code of the file
    begins with so many of them; what comes behind it cannot be placed any more.

    Returns:
        The file, or its beginning.
    """
    if not _has_end(data):
        data = _without_filling(data)
    if _SECTOR in data:
        scan = _telling_scan(data)
        end = _find_end(data, scan or 0)
        if scan is not None and (hole := _HOLE.search(data, scan, end if end >= 0 else len(data))):
            return data[: hole.start()]
    return data


def _has_end(data: bytes) -> bool:
    """Whether the picture's end is there; phones put a video behind it."""
    scan = _first_scan(data)
    return scan is not None and _find_end(data, scan) >= 0


def _first_scan(data: bytes) -> int | None:
    """Where the coded pixels begin; None where they are not there."""
    return next((end for marker, _, end in _segments(data) if marker == _START_OF_SCAN), None)


def _without_filling(data: bytes) -> bytes:
    rest = data.rstrip(data[-1:])
    return rest if len(data) - len(rest) >= _FILLED else data


def _telling_scan(data: bytes) -> int | None:
    """Where the pixels of a JPEG begin in which long runs of zeros mean nothing; otherwise None.

    They mean nothing where some blocks do not end with the shortest code, which is all zeros: such
    a block would have 63 equal coefficients. Blocks of all colours have to come in turn.
    """
    colours = 0
    are_blocks_long = False
    for marker, start, end in _segments(data):
        if marker in _FRAMES:
            if marker not in _SEQUENTIAL:
                return None
            colours = data[start + _COLOURS_AT]
        elif marker == _TABLES:
            are_blocks_long |= any(
                first != _END_OF_BLOCK for first in _first_codes(data[start:end])
            )
        elif marker == _START_OF_SCAN:
            return end if are_blocks_long and data[start] == colours else None
    return None


def _first_codes(tables: bytes) -> Iterator[int]:
    """What the shortest code means in each table for coefficients other than the first."""
    at = 0
    while at + 1 + _CODE_LENGTHS < len(tables):
        symbols = at + 1 + _CODE_LENGTHS
        if tables[at] >> 4:
            yield tables[symbols]
        at = symbols + sum(tables[at + 1 : symbols])


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Walks over the segments before the pixels: marker, start and end of the content."""
    at = 2
    while at + 4 <= len(data) and data[at] == _BEGINS_MARKER:
        marker = data[at + 1]
        if marker == _BEGINS_MARKER:  # filling
            at += 1
            continue
        if marker in _WITHOUT_LENGTH:
            at += 2
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        yield marker, at + 4, end
        if marker == _START_OF_SCAN:
            return
        at = end


def extended_xmp(data: bytes, packet: bytes) -> bytes:
    """Joins the XMP that was too large for one segment (XMP part 3, 1.1.3.1).

    Each portion stands behind a name that the packet tells, the length of the whole, and where in
    it the portion belongs.

    Args:
        data: The file's bytes, or the first few megabytes.
        packet: The XMP that fits into a segment.

    Returns:
        A packet of its own; empty where the packet tells of none, a portion is missing, or it is
        larger than 4 MB.
    """
    named = _NAMED.search(packet)
    if named is None:
        return b""
    portions: dict[int, bytes] = {}
    for marker, start, end in _segments(data):
        if marker == _APPLICATION and data.startswith(_EXTENSION, start):
            name = start + len(_EXTENSION)
            at = name + _NAME + _NUMBER
            if data[name : name + _NAME].upper() == named[1].upper():
                offset = int.from_bytes(data[at : at + _NUMBER], "big")
                portions.setdefault(offset, data[at + _NUMBER : end])
    joined = bytearray()
    for offset in sorted(portions):
        if offset > len(joined):
            return b""
        joined += portions[offset][len(joined) - offset :]
        if len(joined) > _LARGEST_EXTENSION:
            return b""
    return bytes(joined)


def coded_pixels(data: bytes) -> slice:
    """Where the scans of a JPEG's first picture lie; nowhere, if they have no end.

    Whoever asks for several things of a large file looks once: it takes a millisecond.
    """
    scan = _first_scan(data)
    end = -1 if scan is None else _find_end(data, scan)
    return slice(0, 0) if end < 0 else slice(scan, end)


def _find_end(data: bytes, start: int) -> int:
    """Finds the marker that ends a picture, as `bytes.find` does, while other threads go on."""
    differing = np.uint8(_BEGINS_MARKER ^ _END_OF_IMAGE)
    space = np.empty(_PIECE, np.uint8)
    for at in range(start, len(data) - 1, _PIECE):
        piece = np.frombuffer(data, np.uint8, min(_PIECE + 1, len(data) - at), at)
        # All bits are set where both bytes are there: two comparisons would take longer.
        ends = np.bitwise_xor(piece[1:], differing, out=space[: len(piece) - 1])
        ends &= piece[:-1]
        if ends.max() == _BEGINS_MARKER:
            return at + int(ends.argmax())
    return -1


def pixels_of(data: bytes, coded: slice | None = None) -> Iterator[bytes | memoryview]:
    """Gives all of a JPEG that makes its pixels: tables, frame and scans, of the first picture.

    Args:
        coded: Where `coded_pixels` found the scans, if it was asked.
    """
    for marker, start, end in _segments(data):
        if marker == _START_OF_SCAN:
            coded = coded_pixels(data) if coded is None else coded
            yield memoryview(data)[start : coded.stop or len(data)]
        elif marker in _PICTURE or data[start : start + len(_ADOBE)] == _ADOBE:
            yield bytes([marker]) + data[start:end]
