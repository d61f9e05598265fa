"""Files that one library reads and another does not, or reads wrongly, are read rightly."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image
from support.body.landscape import landscape
from support.photos import encode, encode_heic, tiff

from avatarrig.photos.decode import decode_photo
from avatarrig.photos.picture_digest import picture_digest
from avatarrig.photos.refused import PhotoRefusedError

PICTURE = landscape(400, 300)
COLOURS = np.asarray(PICTURE)
GRAY = np.asarray(PICTURE.convert("L"))
PNG = encode(PICTURE, "PNG")
WEBP = encode(PICTURE, "WEBP", lossless=True)
JPEG = encode(PICTURE, "JPEG", quality=92)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + checksum(kind + content)


def checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "big")


def off_by(data: bytes, expected: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> float:
    photo = decode_photo(data)
    assert photo.complete
    return float(np.abs(photo.rgb.astype(int) - expected).mean())


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_tiff_with_a_plane_of_16_bits_for_each_colour_is_read(orientation: int) -> None:
    planes = np.moveaxis(COLOURS.astype(np.uint16) * 257, 2, 0).reshape(900, 400)
    size = 2 * 400 * 300
    data = tiff(
        planes,
        {
            257: 300,
            258: (16, 16, 16),
            262: 2,
            273: (8, 8 + size, 8 + 2 * size),
            274: orientation,
            277: 3,
            278: 300,
            279: (size,) * 3,
            284: 2,
            339: (1, 1, 1),
        },
    )
    with Image.open(io.BytesIO(data)) as misread:
        as_pillow_does = np.asarray(misread.convert("RGB"))
    expected = COLOURS if orientation == 1 else np.rot90(COLOURS, -1)
    assert np.abs(as_pillow_does.astype(int) - expected).mean() > 10
    assert off_by(data, expected) < 1


def test_gray_of_12_bits_is_as_bright_as_it_should_be() -> None:
    values = GRAY.astype(np.uint32) * 4095 // 255
    bits = (values[..., np.newaxis] >> np.arange(11, -1, -1)) & 1
    packed = np.packbits(bits.reshape(300, -1).astype(np.uint8), axis=1)
    data = tiff(packed, {256: 400, 258: 12})
    assert off_by(data, np.dstack([GRAY] * 3)) < 1.5


def test_pixels_of_a_png_that_are_all_there_are_read_where_a_checksum_is_not() -> None:
    start = PNG.index(b"IDAT") + 4
    length = int.from_bytes(PNG[start - 8 : start - 4], "big")
    pixels, rest = PNG[start : start + length], PNG[start + length + 4 :]
    wrong = PNG[: start + length] + b"oops" + rest
    cut_off = PNG[: start - 8] + chunk(b"IDAT", pixels[:-4])
    foreign = PNG[: start - 8] + chunk(b"ABCD", b"whose") + PNG[start - 8 :]
    for data in (wrong, cut_off, foreign):
        assert cv2.imdecode(np.frombuffer(data, np.uint8), 0) is None
        assert off_by(data, COLOURS) == 0
    damaged = PNG[: start + length // 2] + b"oops" + PNG[start + length // 2 + 4 :]
    with pytest.raises(PhotoRefusedError):
        decode_photo(damaged)


def test_of_an_animated_png_the_picture_is_read_that_all_programs_show() -> None:
    moving = PICTURE.transpose(Image.Transpose.ROTATE_180)
    data = encode(PICTURE, "PNG", save_all=True, default_image=True, append_images=[moving] * 2)
    assert b"fdAT" in data
    assert off_by(data, COLOURS) == 0


def test_a_webp_that_is_wrong_about_its_length_is_read() -> None:
    for changed in (-20, 1, 100):
        length = (len(WEBP) - 8 + changed).to_bytes(4, "little")
        assert off_by(WEBP[:4] + length + WEBP[8:], COLOURS) == 0
    for data in (WEBP + bytes(50), WEBP + b"junk"):
        assert off_by(data, COLOURS) == 0
        assert picture_digest(data) == picture_digest(WEBP)
    with pytest.raises(PhotoRefusedError):
        decode_photo(WEBP[: len(WEBP) // 2])


NOISE = Image.fromarray(np.random.default_rng(1).integers(0, 255, (300, 400, 3), np.uint8))
FLAT = Image.new("RGB", (4000, 3000), "white")
CODED: dict[str, Callable[[Image.Image], bytes]] = {
    "WebP": lambda picture: encode(picture, "WEBP", quality=90),
    "WebP without a loss": lambda picture: encode(picture, "WEBP", lossless=True),
    "AVIF": lambda picture: encode(picture, "AVIF", quality=80, speed=10),
    "HEIC": encode_heic,
}


@pytest.mark.parametrize("kind", CODED)
@pytest.mark.parametrize("filled", [b"\0", b"\xff", b"\xcd"])
def test_nothing_is_made_up_where_the_rest_of_a_file_was_never_written(
    kind: str, filled: bytes
) -> None:
    whole = CODED[kind](NOISE)
    cut = len(whole) * 2 // 3
    assert decode_photo(whole).complete
    with pytest.raises(PhotoRefusedError) as refused:
        decode_photo(whole[:cut] + filled * (len(whole) - cut))
    assert refused.value.reason == "unreadable"
    assert "missing" in refused.value.message


@pytest.mark.parametrize("kind", CODED)
def test_a_flat_picture_is_no_unwritten_one(kind: str) -> None:
    assert decode_photo(CODED[kind](FLAT)).rgb.min() > 250


@pytest.mark.parametrize("mode", ["RGB", "P", "1"])
def test_a_bitmap_without_the_bytes_that_name_it_one_is_read(mode: str) -> None:
    whole = encode(PICTURE.convert(mode), "BMP")
    expected = np.asarray(PICTURE.convert(mode).convert("RGB"))
    assert off_by(whole[14:], expected) == 0
    assert picture_digest(whole[14:]) == picture_digest(whole)


@pytest.mark.parametrize(
    "behind", [b"x" * 5000, b"\0\0\0\x18ftypmp42" + b"\1" * 4000, b"\xff" * 99]
)
def test_what_a_phone_puts_behind_a_jpeg_does_not_make_it_a_cut_off_one(behind: bytes) -> None:
    assert off_by(JPEG + behind, COLOURS) < 4
    assert off_by(encode(PICTURE, "JPEG", progressive=True) + behind, COLOURS) < 4
