"""Photos for tests: bad ones, and one in every format.

``bad_files``              folder with everything that is no good photo, by the name that says why.
``photo_in_every_format``  one rendered person, encoded in each format.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pillow_heif import from_pillow

from avatarrig.photos.formats import SUFFIXES, Format

RENDERED = Path(__file__).parents[2] / "inputs" / "datasets" / "Demo" / "000.jpg"
BOMB_SIDE = 20_000


@pytest.fixture(scope="session")
def photo_in_every_format() -> dict[Format, bytes]:
    """A rendered person as a file of each format, without metadata."""
    with Image.open(RENDERED) as picture:
        return in_every_format(picture.convert("RGB"))


def in_format(name: Format, picture: Image.Image) -> bytes:
    """Encodes a picture in a format that photos come in."""
    settings: dict[Format, dict[str, object]] = {
        "JPEG": {"quality": 92},
        "PNG": {"compress_level": 1},
        "WebP": {"quality": 90},
        "TIFF": {"compression": "tiff_lzw"},
        "AVIF": {"quality": 80, "speed": 10},
    }
    if name == "HEIC":
        return encode_heic(picture)
    asked = picture.quantize(64) if name == "GIF" else picture
    return encode(asked, name.upper(), **settings.get(name, {}))


def in_every_format(picture: Image.Image) -> dict[Format, bytes]:
    """Encodes a picture in each format that photos come in."""
    return {name: in_format(name, picture) for name in SUFFIXES}


def encode(picture: Image.Image, kind: str, **settings: object) -> bytes:
    """Encodes a picture with one of Pillow's own encoders."""
    data = io.BytesIO()
    picture.save(data, kind, **settings)
    return data.getvalue()


def encode_heic(picture: Image.Image, **settings: object) -> bytes:
    """Encodes a picture as HEIC."""
    data = io.BytesIO()
    from_pillow(picture).save(data, quality=80, **settings)
    return data.getvalue()


def tiff(values: NDArray[Any], fields: dict[int, int | tuple[int, ...]] | None = None) -> bytes:
    """Lays values of any kind out as an uncompressed TIFF with one strip.

    Args:
        values: height x width, or height x width x colours.
        fields: Numbers of fields and what they say instead of what is true.
    """
    height, width = values.shape[:2]
    colours = 1 if values.ndim == 2 else values.shape[2]
    kind = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    data = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"))).tobytes()
    said: dict[int, int | tuple[int, ...]] = {
        256: width,
        257: height,
        258: values.dtype.itemsize * 8,
        259: 1,
        262: 2 if colours > 2 else 1,
        273: 8,
        277: colours,
        278: height,
        279: len(data),
        284: 1,
        339: kind,
    } | (fields or {})
    after = 8 + len(data)
    entries, behind = b"", b""
    at = after + 2 + 12 * len(said) + 4
    for number, value in sorted(said.items()):
        is_repeated = number in {258, 339} and colours > 2
        several = (value,) * colours if is_repeated and isinstance(value, int) else value
        if isinstance(several, tuple) and len(several) > 1:
            entries += struct.pack("<HHII", number, 4, len(several), at + len(behind))
            behind += struct.pack(f"<{len(several)}I", *several)
        else:
            alone = value[0] if isinstance(value, tuple) else value
            entries += struct.pack("<HHII", number, 4, 1, alone)
    directory = struct.pack("<H", len(said)) + entries + bytes(4) + behind
    return b"II*\0" + struct.pack("<I", after) + data + directory


def dng(preview: bytes | None, size: tuple[int, int], orientation: int = 1) -> bytes:
    """Makes a raw photo: noise of a sensor, and the JPEG that the camera made of it.

    Args:
        preview: The JPEG; None where there is none.
        size: Its width and height.
        orientation: As EXIF numbers it.
    """
    wide, high = 320, 240
    noise = np.random.default_rng(0).integers(0, 4095, (high, wide), np.uint16).tobytes()
    image = preview or b""
    out = bytearray(b"II*\0" + bytes(4) + noise + image)
    out += bytes(len(out) % 2)
    sensor = len(out)
    out += _directory(
        {
            254: (4, [0]), 256: (4, [wide]), 257: (4, [high]), 258: (3, [16]), 259: (3, [1]),
            262: (3, [32803]), 273: (4, [8]), 277: (3, [1]), 278: (4, [high]),
            279: (4, [len(noise)]), 284: (3, [1]), 33421: (3, [2, 2]), 33422: (1, [0, 1, 1, 2]),
            50714: (4, [0]), 50717: (4, [4095]),
        },
        sensor,
    )  # fmt: skip
    matrix = [value for row in np.eye(3, dtype=int).tolist() for cell in row for value in (cell, 1)]
    fields: dict[int, tuple[int, list[int]]] = {
        254: (4, [1]), 271: (2, list(b"Maker\0")), 272: (2, list(b"Model\0")),
        274: (3, [orientation]), 306: (2, list(b"2023:05:06 10:11:12\0")), 330: (4, [sensor]),
        50706: (1, [1, 4, 0, 0]), 50708: (2, list(b"Maker Model\0")), 50721: (10, matrix),
        50728: (5, [1, 1] * 3), 50778: (3, [21]),
    }  # fmt: skip
    if preview is not None:
        fields |= {
            256: (4, [size[0]]), 257: (4, [size[1]]), 258: (3, [8, 8, 8]), 259: (3, [7]),
            262: (3, [6]), 273: (4, [8 + len(noise)]), 277: (3, [3]), 278: (4, [size[1]]),
            279: (4, [len(image)]), 284: (3, [1]),
        }  # fmt: skip
    out += bytes(len(out) % 2)
    out[4:8] = struct.pack("<I", len(out))
    return bytes(out + _directory(fields, len(out)))


def _directory(fields: dict[int, tuple[int, list[int]]], at: int) -> bytes:
    """A TIFF's directory at some place: number of a field to its type and values."""
    letters = {1: "B", 2: "B", 3: "H", 4: "I", 5: "I", 10: "i"}
    entries, behind = b"", b""
    start = at + 2 + 12 * len(fields) + 4
    for number, (kind, values) in sorted(fields.items()):
        data = struct.pack(f"<{len(values)}{letters[kind]}", *values)
        count = len(values) // 2 if kind in {5, 10} else len(values)
        entries += struct.pack("<HHI", number, kind, count)
        entries += (
            data.ljust(4, b"\0") if len(data) <= 4 else struct.pack("<I", start + len(behind))
        )
        behind += data + bytes(len(data) % 2) if len(data) > 4 else b""
    return struct.pack("<H", len(fields)) + entries + bytes(4) + behind


@pytest.fixture
def bad_files(tmp_path: Path) -> Path:
    """Folder of what `write_bad_files` writes."""
    folder = tmp_path / "bad files"
    write_bad_files(folder)
    return folder


def write_bad_files(folder: Path) -> None:
    """Writes one file of each kind: observed or refused with a reason, none may stop a run.

    Two of them can be decoded (``sixteen_bit.png``, ``cmyk.jpg``) and one as far as it goes
    (``truncated.jpg``). ``forbidden.jpg`` may be read by root all the same.
    """
    folder.mkdir()
    person = Image.open(RENDERED).convert("RGB")
    whole = encode(person, "JPEG", quality=92)
    files = {
        "empty.jpg": b"",
        "text.jpg": b"Dear diary, this is no photo at all.\n" * 20,
        "truncated.jpg": whole[: len(whole) * 3 // 4],
        "beheaded.jpg": whole[: len(whole) // 20],
        "one_pixel.png": encode(Image.new("RGB", (1, 1)), "PNG"),
        "thread.png": encode(Image.new("RGB", (1, 5000)), "PNG"),
        "sixteen_bit.png": encode(sixteen_bit(person), "PNG"),
        "cmyk.jpg": encode(person.convert("CMYK"), "JPEG"),
        "bomb.png": one_colour_png(BOMB_SIDE, BOMB_SIDE),
        "forbidden.jpg": whole,
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "folder.jpg").mkdir()
    (folder / "link.jpg").symlink_to(folder / "nowhere.jpg")
    (folder / "forbidden.jpg").chmod(0)


def sixteen_bit(picture: Image.Image) -> Image.Image:
    """Gives a gray picture with 16 bits a pixel."""
    return Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)


def one_colour_png(width: int, height: int, channels: int = 3) -> bytes:
    """Makes a PNG of any size in one colour, at once: its rows are one compressed block, repeated.

    A block that ends in a full flush depends on nothing before it, so a valid stream is the
    same few bytes over and over (RFC 1951).
    """
    rows = next(count for count in (500, 100, 10, 1) if height % count == 0)
    block = bytes((1 + channels * width) * rows)
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    compressed = compressor.compress(block) + compressor.flush(zlib.Z_FULL_FLUSH)
    repeats = height // rows
    # Adler-32 of zeros: what sums the bytes stays 1, what sums those sums counts them.
    checksum = (len(block) * repeats % 65_521) << 16 | 1
    stream = b"\x78\xda" + compressed * repeats + b"\x03\x00" + struct.pack(">I", checksum)
    colour_type = {1: 0, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", stream), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def can_read_everything() -> bool:
    """Tells whether permissions mean nothing to this user."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
