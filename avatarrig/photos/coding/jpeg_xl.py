"""JPEG XL: what its header says (ISO/IEC 18181-1, annex D), and its pixels, by an extra."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.wire.reasons import RejectReason

CODESTREAM: Final = b"\xff\x0a"
CONTAINER: Final = b"\0\0\0\x0cJXL \r\n\x87\n"
_RATIOS: Final = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_SIZE_BITS: Final = (9, 13, 18, 30)
_FIRST_TRANSPOSED: Final = 5
_PARTS: Final = {b"jxlc": 0, b"jxlp": 4}
"""Boxes that hold the picture, and how many bytes of them only number the parts."""
_WHOLE_FILE: Final = 0
_LONG: Final = 1


@dataclass(frozen=True)
class JpegXlHeader:
    """What is known of a JPEG XL before it is decoded.

    Attributes:
        width: Upright width in pixels.
        height: Upright height in pixels.
        exif: The EXIF block, from its byte order on; empty where there is none, or a packed one.
    """

    width: int
    height: int
    exif: bytes


class _Bits:
    """Reads numbers bit by bit, the lowest first."""

    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        value = self._bits & ((1 << count) - 1)
        self._bits >>= count
        return value


def read_jpeg_xl_header(data: bytes) -> JpegXlHeader:
    """Reads size and EXIF.

    Raises:
        ValueError: There is no picture in it.
    """
    exif, stream = b"", data
    if data.startswith(CONTAINER):
        boxes = _boxes(data)
        exif = b"".join(_tiff_in(content) for kind, content in boxes if kind == b"Exif")
        stream = b"".join(content[_PARTS[kind] :] for kind, content in boxes if kind in _PARTS)
    if not stream.startswith(CODESTREAM):
        raise ValueError("no picture in it")
    bits = _Bits(stream[2:20])
    height, width = _size(bits)
    orientation = 1
    if not bits.take(1) and bits.take(1):  # not all metadata is the usual, and some is there
        orientation += bits.take(3)
    if orientation >= _FIRST_TRANSPOSED:
        width, height = height, width
    return JpegXlHeader(width, height, exif)


def _tiff_in(content: bytes) -> bytes:
    starts = [at for order in (b"II*\0", b"MM\0*") if (at := content.find(order)) >= 0]
    return content[min(starts) :] if starts else b""


def decode_jpeg_xl(data: bytes) -> NDArray[np.generic]:
    """Decodes a JPEG XL upright.

    Returns:
        Gray, RGB or RGBA of 8 bits or more: height x width, or height x width x colours.

    Raises:
        PhotoRefusedError: The extra is not installed.
        Exception: Whatever the library says of damaged files.
    """
    try:
        import pylibjxl  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise PhotoRefusedError(
            RejectReason.UNSUPPORTED,
            "This is a JPEG XL, which is read with another package: "
            "pip install 'avatarrig[jxl]' where detectors run, or export it as JPEG.",
        ) from error
    return np.asarray(pylibjxl.decode(data))


def _boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    boxes: list[tuple[bytes, bytes]] = []
    at = 0
    while at + 8 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        start = at + 8
        if size == _LONG:
            size, start = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        end = len(data) if size == _WHOLE_FILE else at + size
        if end <= at:
            break
        boxes.append((kind, data[start:end]))
        at = end
    return boxes


def _size(bits: _Bits) -> tuple[int, int]:
    is_small = bits.take(1)
    height = _side(bits, is_small)
    ratio = bits.take(3)
    if ratio:
        across, down = _RATIOS[ratio - 1]
        return height, height * across // down
    return height, _side(bits, is_small)


def _side(bits: _Bits, is_small: int) -> int:
    if is_small:
        return 8 * (1 + bits.take(5))
    return 1 + bits.take(_SIZE_BITS[bits.take(2)])
