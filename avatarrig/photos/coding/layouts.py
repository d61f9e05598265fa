"""How TIFF and BMP files lay their pixels out, where one decoder has to stand in for the other.

Pillow and OpenCV each read layouts that the other does not, and each reads some of them wrongly.
"""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from avatarrig.photos.damage import unless_damaged

_OWN_BYTES: Final = 8
"""Bytes of values that a BigTIFF's entry holds itself."""
_BIG_TIFF: Final = 43
_BIG_ENDIAN_BIG_TIFF: Final = b"MM\0+"
_LONG_8: Final = struct.Struct(">Q")
_BIG_ENTRY: Final = struct.Struct(">HHQQ")
_WHOLE_NUMBERS: Final = {1: "B", 3: "H", 4: "I", 16: "Q"}
_MOST_FIELDS: Final = 4096
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_ORIENTATION, _SAMPLES, _PLANAR, _SAMPLE_FORMAT = 274, 277, 284, 339
_FIRST_TRANSPOSED: Final = 5
_BYTE: Final = 8
_WORD: Final = 16
_LONG: Final = 32
_WHITE_IS_ZERO: Final = 0
_PLANES: Final = 2
_UNSIGNED: Final = 1
_FLOATING: Final = 3
_RGB: Final = 2
_PALETTE: Final = 3
_SEPARATED: Final = 5
_INKS: Final = 4
_ALWAYS_SEVERAL: Final = {_BITS, _SAMPLE_FORMAT, 273, 279, 324, 325}
"""Fields that Pillow gives as several numbers even where there is one."""

_READ_BY_OPENCV: Final = {1, 2, 3, 4, 5, 8, 32773, 32946, 34676, 34677}
"""Of others OpenCV hands over whatever was in the memory."""
_READ_ANYWHERE: Final = {1, 2, 3, 4, 5, 6, 8, 32773, 32946}
_COMPRESSIONS: Final = {
    7: "JPEG with more than 8 bits, or lossless",
    32809: "ThunderScan",
    32909: "PixarLog",
    33003: "JPEG 2000",
    33004: "JPEG 2000",
    33005: "JPEG 2000",
    33007: "JPEG",
    34661: "JBIG",
    34676: "LogLuv",
    34677: "LogLuv",
    34712: "JPEG 2000",
    34713: "Nikon's raw",
    34887: "LERC",
    34892: "lossy raw",
    34925: "LZMA",
    34926: "Zstandard",
    34927: "WebP",
    34933: "PNG",
    34934: "JPEG XR",
    50000: "Zstandard",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_COLOURS: Final = {9: "ICC L*a*b*", 10: "ITU L*a*b*"}
_USUAL_BITS: Final = {1, 2, 4, 8, 12, 16, 32, 64}
_BITS_OPENCV_SPREADS: Final = {10, 12, 14}
"""Pillow leaves the values of such pixels as they are: far too dark for 16 bits."""
_BMP_COMPRESSIONS: Final = {4: "JPEG", 5: "PNG"}
_BMP_HEADER: Final = struct.Struct("<I")
_BMP_CORE: Final = struct.Struct("<HH")
_BMP_INFO: Final = struct.Struct("<iiHHI")
_BMP_AT: Final = 14
_BMP_START_AT: Final = 10
_BMP_BITS: Final = {1, 4, 8, 16, 24, 32}
_BMP_FIELDS: Final = {3, 6}
_BMP_MASKS: Final = struct.Struct("<III")
_BMP_MASKS_AT: Final = 54
_BMP_CORE_SIZE: Final = 12
_BMP_INFO_SIZE: Final = 40
_DIB_SIZES: Final = {12, 40, 52, 56, 64, 108, 124}
_DIB_BITS: Final = {1, 4, 8, 16, 24, 32}


@dataclass(frozen=True)
class BitFields:
    """Pixels whose bits are divided among the colours as the file says.

    Attributes:
        start: Where the first pixel is.
        bits: Of each pixel.
        masks: Bits of red, green and blue.
        is_upside_down: Whether the lowest row comes first.
    """

    start: int
    bits: int
    masks: tuple[int, int, int]
    is_upside_down: bool


@dataclass(frozen=True)
class Layout:
    """What a file says of its pixels.

    Attributes:
        width: Upright width in pixels.
        height: Upright height in pixels.
        has_own_reader: Whether OpenCV alone reads it rightly.
        may_be_read: Whether OpenCV may be asked at all.
        white_is_zero: Whether small values are bright, which OpenCV leaves as it is.
        unusual: How it is stored, where not every reader knows that; else empty.
        is_misread: Whether every reader takes it for something else.
        as_bytes: Whether OpenCV reads it rightly where it shall make 8-bit colours of it.
        fields: How a BMP divides the bits of its pixels, where it says so.
    """

    width: int
    height: int
    has_own_reader: bool = False
    may_be_read: bool = True
    white_is_zero: bool = False
    unusual: str = ""
    is_misread: bool = False
    as_bytes: bool = False
    fields: BitFields | None = None


def layout_of(name: str, data: bytes) -> Layout | None:
    """Reads how a TIFF or BMP is laid out.

    Args:
        data: The file's bytes.

    Returns:
        The layout; None where there is none to be read, and of other formats.
    """
    readers = {"TIFF": _tiff, "BMP": _bmp}
    return unless_damaged(lambda: readers[name](data), None) if name in readers else None


def first_directory(data: bytes) -> dict[int, Any]:
    """Reads the fields of a TIFF's first picture, by their numbers; raises almost anything."""
    if data.startswith(_BIG_ENDIAN_BIG_TIFF):
        return _big_endian_directory(data)
    stream = io.BytesIO(data)
    header = stream.read(8)
    if _BIG_TIFF in header[2:4]:
        header += stream.read(8)
    directory = ImageFileDirectory_v2(header)
    stream.seek(directory.next)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is damaged only what is whole is used
        directory.load(stream)
        return dict(directory)


def _big_endian_directory(data: bytes) -> dict[int, Any]:
    """Reads the whole numbers of a kind of TIFF that Pillow does not know, and OpenCV does."""
    (at,) = _LONG_8.unpack_from(data, 8)
    (count,) = _LONG_8.unpack_from(data, at)
    fields: dict[int, Any] = {}
    left = len(data)
    for number in range(min(count, _MOST_FIELDS)):
        place = at + 8 + _BIG_ENTRY.size * number
        tag, kind, length, _ = _BIG_ENTRY.unpack_from(data, place)
        code = _WHOLE_NUMBERS.get(kind)
        if code is None or length > left:
            continue
        left -= length
        values = struct.Struct(f">{length}{code}")
        start = (
            place + 12 if values.size <= _OWN_BYTES else _LONG_8.unpack_from(data, place + 12)[0]
        )
        read = values.unpack_from(data, start)
        fields[tag] = read if length != 1 or tag in _ALWAYS_SEVERAL else read[0]
    return fields


def _tiff(data: bytes) -> Layout:
    fields = first_directory(data)
    width, height = int(fields[_WIDTH]), int(fields[_HEIGHT])
    if fields.get(_ORIENTATION, 1) >= _FIRST_TRANSPOSED:
        width, height = height, width
    bits = max(fields.get(_BITS, (1,)))
    compression = fields.get(_COMPRESSION, 1)
    white_is_zero = fields.get(_PHOTOMETRIC) == _WHITE_IS_ZERO and bits > _BYTE
    in_planes = fields.get(_PLANAR) == _PLANES and fields.get(_SAMPLES, 1) > 1 and bits > _BYTE
    kinds = set(fields.get(_SAMPLE_FORMAT, (_UNSIGNED,)))
    is_wide = bits > _WORD or (bits > _BYTE and (white_is_zero or kinds != {_UNSIGNED}))
    is_opencvs = compression in _READ_BY_OPENCV
    as_bytes = in_planes and is_opencvs and kinds == {_UNSIGNED} and _has_three_words(fields, bits)
    may_be_read = is_opencvs and (as_bytes or not in_planes)
    return Layout(
        width,
        height,
        has_own_reader=may_be_read and (is_wide or as_bytes or bits in _BITS_OPENCV_SPREADS),
        may_be_read=may_be_read,
        white_is_zero=white_is_zero,
        unusual="" if as_bytes else _unusual_in_tiff(fields, bits, in_planes=in_planes),
        is_misread=in_planes and not as_bytes,
        as_bytes=as_bytes,
    )


def _has_three_words(fields: dict[int, Any], bits: int) -> bool:
    return bits == _WORD and fields.get(_SAMPLES) == len("RGB") and fields[_PHOTOMETRIC] == _RGB


def _unusual_in_tiff(fields: dict[int, Any], bits: int, *, in_planes: bool) -> str:
    compression, colours = fields.get(_COMPRESSION, 1), fields.get(_PHOTOMETRIC, 0)
    kinds = set(fields.get(_SAMPLE_FORMAT, (_UNSIGNED,)))
    samples = fields.get(_SAMPLES, 1)
    is_odd = bits not in _USUAL_BITS or (bits < _BYTE and samples > 1)
    named = (
        (in_planes, f"a plane of {bits} bits for each colour"),
        (
            compression not in _READ_ANYWHERE,
            f"{_COMPRESSIONS.get(compression, f'number {compression}')} compression",
        ),
        (colours == _SEPARATED and samples > _INKS, f"CMYK and {samples - _INKS} more"),
        (_FLOATING in kinds and bits < _LONG, f"floating-point colours of {bits} bits"),
        (colours in _COLOURS, _COLOURS.get(colours, "")),
        (colours == _PALETTE and bits > _BYTE, f"a palette of {bits} bits"),
        (is_odd, f"{bits} bits a colour"),
    )
    return next((words for is_so, words in named if is_so), "")


def _bmp(data: bytes) -> Layout:
    (size,) = _BMP_HEADER.unpack_from(data, _BMP_AT)
    if size == _BMP_CORE_SIZE:
        return Layout(*_BMP_CORE.unpack_from(data, _BMP_AT + 4))
    if size < _BMP_INFO_SIZE:
        return Layout(0, 0, may_be_read=False, unusual=f"a bitmap of OS/2 ({size} bytes of header)")
    width, height, _, bits, compression = _BMP_INFO.unpack_from(data, _BMP_AT + 4)
    fields = None
    if compression in _BMP_FIELDS and bits in {_WORD, _LONG}:
        (start,) = _BMP_HEADER.unpack_from(data, _BMP_START_AT)
        masks = _BMP_MASKS.unpack_from(data, _BMP_MASKS_AT)
        fields = BitFields(start, bits, masks, is_upside_down=height > 0)
    unusual = ""
    if compression in _BMP_COMPRESSIONS:
        unusual = f"{_BMP_COMPRESSIONS[compression]} compression"
    elif bits not in _BMP_BITS:
        unusual = f"{bits} bits a pixel"
    may_be_read = compression not in _BMP_COMPRESSIONS
    return Layout(abs(width), abs(height), may_be_read=may_be_read, unusual=unusual, fields=fields)


def is_headless_bitmap(data: bytes) -> bool:
    """Whether a file is a bitmap without the 14 bytes that name it one, as clipboards hold it."""
    if len(data) < _BMP_INFO_SIZE or data[1:4] != bytes(3) or data[0] not in _DIB_SIZES:
        return False
    places = slice(8, 12) if data[0] == _BMP_CORE_SIZE else slice(12, 16)
    planes, bits = struct.unpack("<HH", data[places])
    return planes == 1 and bits in _DIB_BITS


def with_head(data: bytes) -> bytes:
    """Gives a bitmap the 14 bytes that name it one, where it lacks them."""
    if not is_headless_bitmap(data):
        return data
    size = data[0]
    if size == _BMP_CORE_SIZE:
        (bits,) = struct.unpack_from("<H", data, 10)
        between = 3 * 2**bits if bits <= _BYTE else 0
    else:
        bits, compression = struct.unpack_from("<HI", data, 14)
        (used,) = struct.unpack_from("<I", data, 32)
        between = 4 * (used or (2**bits if bits <= _BYTE else 0))
        between += 4 * {3: 3, 6: 4}.get(compression, 0) if size == _BMP_INFO_SIZE else 0
    start = _BMP_AT + size + between
    return b"BM" + struct.pack("<III", _BMP_AT + len(data), 0, start) + data


def read_fields(data: bytes, layout: Layout, fields: BitFields) -> NDArray[np.uint8]:
    """Reads the pixels of a BMP that says itself which bits are which colour.

    Returns:
        RGB, height x width x 3.

    Raises:
        ValueError: Pixels are missing.
    """
    kind = np.dtype(f"<u{fields.bits // 8}")
    stride = -(-layout.width * kind.itemsize // 4) * 4
    rows = np.frombuffer(data, np.uint8, stride * layout.height, fields.start)
    rows = rows.reshape(layout.height, stride)[:, : layout.width * kind.itemsize]
    values = np.ascontiguousarray(rows).view(kind)
    rgb = np.empty((layout.height, layout.width, 3), np.uint8)
    for place, mask in enumerate(fields.masks):
        rgb[..., place] = (values & mask).astype(np.float32) * (255 / max(mask, 1)) + 0.5
    return rgb[::-1] if fields.is_upside_down else rgb
