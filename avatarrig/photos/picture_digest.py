"""Which files hold the same picture, whatever else stands in them.

The identity of photos has three sides. A *file* is known by its bytes and its path: that is its
``image_id`` (`avatarrig.wire.identity`). A *picture* is known by its compressed pixels, as they lie
in the file: a rating, a caption, a turned-over EXIF field or another name make no other picture of
it; and by its decoded pixels, for files that were saved anew without a loss. It counts once
(`avatarrig.wire.identity.copies`). Moments and sessions, in which a person took several pictures,
are told by what is seen in them, and live with the estimate.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import numpy as np
from crc32c import crc32c
from numpy.typing import NDArray

from avatarrig.photos.coding import boxes, jpeg, png, webp
from avatarrig.photos.coding.layouts import first_directory, with_head
from avatarrig.photos.damage import unless_damaged
from avatarrig.photos.formats import Format, sniff_format

_PNG_PIXELS: Final = {b"IHDR", b"PLTE", b"tRNS", b"IDAT"}
_TIFF_LAYOUT: Final = (256, 257, 258, 259, 262, 277, 284, 317, 320, 322, 323, 339, 347)
_TIFF_PIECES: Final = ((273, 279), (324, 325))
_BMP_START: Final = slice(10, 14)
_BMP_LAYOUT: Final = slice(14, 54)
_BLOCK: Final = 1 << 18
"""Of the picture's bytes the first so many are hashed well; each further block has a checksum."""
_CHECKSUM_BYTES: Final = 4
_DIGEST_DIGITS: Final = 32
_SAMPLED: Final = 8
"""Of every so many rows and columns one is hashed well, beside a checksum over them all: a hash
over all would take a tenth of the time of detection."""


def picture_digest(data: bytes, coded: slice | None = None) -> str:
    """Stands for a file's picture, which is not decoded.

    Args:
        data: All of the file's bytes.
        coded: Where the scans of a JPEG lie (`jpeg.coded_pixels`); looked for where not given.

    Returns:
        32 hexadecimal digits; empty where the picture cannot be told from the rest of the file.
    """
    name = sniff_format(data)
    if name == "JPEG":
        return unless_damaged(lambda: _digest(name, jpeg.pixels_of(data, coded), 2 * len(data)), "")
    pixels_of = None if name is None else _PIXELS.get(name)
    if name is None or pixels_of is None:
        return ""
    return unless_damaged(lambda: _digest(name, pixels_of(data), 2 * len(data)), "")


def _digest(name: str, pieces: Iterable[bytes | memoryview], most: int) -> str:
    """Stands for pieces, however they are cut.

    The bytes of two pictures differ from their beginnings on; those of a picture and of a damaged
    copy differ in some block. A hash over all would take as long as the file's own.
    """
    digest = hashlib.sha256(name.encode())
    length = checksum = 0
    for piece in pieces:
        if length + len(piece) > most:
            raise ValueError("the pieces are more than there is")
        for block in _blocks(piece, length):
            if length < _BLOCK:
                digest.update(block)
            else:
                checksum = crc32c(block, checksum if length % _BLOCK else 0)
            length += len(block)
            if not length % _BLOCK:
                digest.update(checksum.to_bytes(_CHECKSUM_BYTES, "big"))
    digest.update(checksum.to_bytes(_CHECKSUM_BYTES, "big"))
    return digest.hexdigest()[:_DIGEST_DIGITS] if length else ""


def _blocks(piece: bytes | memoryview, before: int) -> Iterator[memoryview]:
    """Cuts a piece where a block of all pieces ends. `before`: Bytes before this piece."""
    view = memoryview(piece)
    start = 0
    while start < len(view):
        end = start + _BLOCK - (before + start) % _BLOCK
        yield view[start:end]
        start = end


def pixels_digest(rgb: NDArray[np.uint8], width: int, height: int) -> str:
    """Stands for a picture as it was decoded.

    Args:
        rgb: height x width x 3, C-contiguous, upright, perhaps reduced.

    Returns:
        32 hexadecimal digits.
    """
    sample = np.ascontiguousarray(rgb[::_SAMPLED, ::_SAMPLED]).tobytes()
    whole = f"{rgb.shape} {width} {height} {zlib.crc32(rgb.data)} ".encode()
    return hashlib.blake2b(whole + sample, digest_size=16).hexdigest()


def _png(data: bytes) -> Iterator[memoryview]:
    view = memoryview(data)
    return (view[start:end] for kind, start, end in png.chunks_of(data) if kind in _PNG_PIXELS)


def _bmp(data: bytes) -> Iterator[bytes]:
    data = with_head(data)
    yield data[_BMP_LAYOUT]
    yield data[int.from_bytes(data[_BMP_START], "little") :]


def _tiff(data: bytes) -> Iterator[bytes]:
    fields = first_directory(data)
    yield repr([fields.get(number) for number in _TIFF_LAYOUT]).encode()
    for places, sizes in _TIFF_PIECES:
        for place, size in zip(_all(fields, places), _all(fields, sizes), strict=True):
            yield data[place : place + size]


def _all(fields: dict[int, Any], number: int) -> tuple[int, ...]:
    value = fields.get(number, ())
    return value if isinstance(value, tuple) else (value,)


_PIXELS: Final[dict[Format, Callable[[bytes], Iterator[bytes | memoryview]]]] = {
    "PNG": _png,
    "WebP": webp.pixels_of,
    "HEIC": boxes.pixels_of,
    "AVIF": boxes.pixels_of,
    "TIFF": _tiff,
    "BMP": _bmp,
}
