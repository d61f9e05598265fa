"""Raw photos, JPEG XL and pictures of two lenses are read, or what is missing is named."""

from __future__ import annotations

import sys
from typing import Any, cast

import numpy as np
import pylibjxl
import pytest
from PIL import Image
from support.body.landscape import landscape, tagged
from support.photos import dng, encode

from avatarrig.photos.capture import read_capture_time
from avatarrig.photos.coding.jpeg_xl import CONTAINER, _boxes
from avatarrig.photos.decode import decode_photo
from avatarrig.photos.formats import PHOTO_SUFFIXES, sniff_format
from avatarrig.photos.refused import PhotoRefusedError

PICTURE = landscape(400, 300)
PREVIEW = encode(PICTURE, "JPEG", quality=92)
TAKEN = 1683367872.0


def jpeg_xl(**settings: Any) -> bytes:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2023:05:06 10:11:12"
    block = bytes(4) + exif.tobytes().removeprefix(b"Exif\0\0")
    picture: bytes = pylibjxl.encode(np.asarray(PICTURE), **settings)
    if picture.startswith(CONTAINER):
        picture = b"".join(content for kind, content in _boxes(picture) if kind == b"jxlc")
    boxes = [(b"ftyp", b"jxl \0\0\0\0jxl "), (b"Exif", block), (b"jxlc", picture)]
    return CONTAINER + b"".join(
        (8 + len(content)).to_bytes(4, "big") + kind + content for kind, content in boxes
    )


@pytest.mark.parametrize(
    ("orientation", "size"), [(1, (400, 300)), (3, (400, 300)), (6, (300, 400))]
)
def test_a_raw_photo_is_read_by_its_preview(orientation: int, size: tuple[int, int]) -> None:
    data = dng(PREVIEW, PICTURE.size, orientation)
    assert sniff_format(data) == "RAW"
    photo = decode_photo(data)
    assert (photo.format, photo.width, photo.height) == ("RAW", *size)
    assert read_capture_time(data) == TAKEN
    if orientation == 1:
        assert np.abs(photo.rgb.astype(int) - np.asarray(PICTURE)).mean() < 4


def test_a_preview_that_says_how_it_is_turned_is_turned_once() -> None:
    data = dng(tagged(PICTURE, "JPEG", 6), PICTURE.size, 6)
    photo = decode_photo(data)
    assert (photo.width, photo.height) == (300, 400)


def test_a_raw_photo_without_a_preview_is_developed() -> None:
    photo = decode_photo(dng(None, (0, 0)))
    assert (photo.format, photo.width, photo.height) == ("RAW", 160, 120)


@pytest.mark.parametrize("place", [8 + 320 * 240 * 2, 100])
def test_a_damaged_raw_photo_is_refused_or_read(place: int) -> None:
    data = dng(PREVIEW, PICTURE.size)
    changed = data[:place] + bytes(2000) + data[place + 2000 :]
    try:
        photo = decode_photo(changed)
    except PhotoRefusedError:
        return
    assert photo.format == "RAW"


@pytest.mark.parametrize("settings", [{}, {"lossless": True}, {"distance": 3.0}])
def test_a_jpeg_xl_is_read(settings: dict[str, object]) -> None:
    data = jpeg_xl(**settings)
    photo = decode_photo(data)
    assert (photo.format, photo.width, photo.height) == ("JPEG XL", 400, 300)
    assert np.abs(photo.rgb.astype(int) - np.asarray(PICTURE)).mean() < 8
    assert read_capture_time(data) == TAKEN
    with pytest.raises(PhotoRefusedError) as refused:
        decode_photo(data, max_pixels=1000)
    assert refused.value.reason == "too_large"
    with pytest.raises(PhotoRefusedError):
        decode_photo(data[: len(data) // 2])


def test_a_jpeg_that_became_a_jpeg_xl_is_turned_as_it_was() -> None:
    photo = decode_photo(pylibjxl.jpeg_to_jxl(tagged(PICTURE, "JPEG", 6)))
    assert (photo.width, photo.height) == (300, 400)


def test_transparent_and_deep_pictures_are_read() -> None:
    clear = PICTURE.convert("RGBA")
    clear.putalpha(0)
    assert decode_photo(pylibjxl.encode(np.asarray(clear))).rgb.min() >= 250
    deep = np.asarray(PICTURE).astype(np.uint16) * 257
    encoded = cast("Any", pylibjxl).encode(deep)  # its types name 8 bits alone
    rgb = decode_photo(encoded).rgb
    assert np.abs(rgb.astype(int) - np.asarray(PICTURE)).mean() < 8


@pytest.mark.parametrize(
    ("module", "data", "extra"),
    [
        ("rawpy", dng(PREVIEW, PICTURE.size), "avatarrig[raw]"),
        ("pylibjxl", jpeg_xl(), "avatarrig[jxl]"),
    ],
)
def test_what_an_extra_reads_is_refused_without_it_and_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, module: str, data: bytes, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(PhotoRefusedError) as refused:
        decode_photo(data)
    assert refused.value.reason == "unsupported"
    assert extra in refused.value.message
    assert read_capture_time(data) == TAKEN


def test_of_two_lenses_the_first_picture_is_taken() -> None:
    other = Image.new("RGB", PICTURE.size)
    data = encode(PICTURE, "MPO", save_all=True, append_images=[other], quality=92)
    photo = decode_photo(data)
    assert (photo.format, photo.complete) == ("JPEG", True)
    assert np.abs(photo.rgb.astype(int) - np.asarray(PICTURE)).mean() < 4


def test_their_files_are_found() -> None:
    assert {".dng", ".cr2", ".cr3", ".nef", ".arw", ".jxl", ".mpo"} <= PHOTO_SUFFIXES
