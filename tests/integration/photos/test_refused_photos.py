"""What is no photo, or too damaged or too large, is refused before it costs anything."""

from __future__ import annotations

import functools
import resource
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from support.body.landscape import landscape
from support.photos import encode, in_every_format, one_colour_png, tiff

from avatarrig.detectors.tasks import MAX_SIDE
from avatarrig.photos import sizes
from avatarrig.photos.decode import decode_photo
from avatarrig.photos.formats import SUFFIXES, Format
from avatarrig.photos.header import read_header
from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.photos.sizes import LONGEST_STRIP, reduction

COMPRESSION, PLANAR, SAMPLE_FORMAT = 259, 284, 339
EVERY_FORMAT: tuple[Format, ...] = tuple(SUFFIXES)
BOMB = one_colour_png(20_000, 20_000)
SMALL_FILES = in_every_format(landscape(64, 48))


@functools.cache
def files() -> dict[Format, bytes]:
    return in_every_format(landscape(400, 300))


def refusal(data: bytes, **limits: int) -> PhotoRefusedError:
    with pytest.raises(PhotoRefusedError) as caught:
        decode_photo(data, **limits)
    return caught.value


def test_a_jpeg_with_too_little_left_is_refused_with_its_share() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (600, 800, 3), dtype=np.uint8)
    whole = encode(Image.fromarray(noise), "JPEG", quality=90)
    error = refusal(whole[: len(whole) // 10])
    assert error.reason == "truncated_beyond_use"
    assert "top" in error.message
    assert "%" in error.message


@pytest.mark.parametrize("name", [name for name in EVERY_FORMAT if name != "JPEG"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_other_cut_off_files_are_refused(name: Format, share: float) -> None:
    data = files()[name]
    assert refusal(data[: int(len(data) * share)]).reason == "unreadable"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"not a photo at all " * 9, "unsupported"),
        (b"\xff\xd8\xff", "unreadable"),
        (b"\x89PNG\r\n\x1a\n", "unreadable"),
        (b"\0\0\0\x18ftypheic", "unreadable"),
        (encode(Image.new("RGB", (1, 1)), "PNG"), "too_small"),
        (encode(Image.new("RGB", (1, 5000)), "JPEG"), "too_small"),
        (encode(Image.new("RGB", (900, 15)), "PNG"), "too_small"),
    ],
)
def test_what_is_no_photo_is_refused_by_reason(data: bytes, reason: str) -> None:
    error = refusal(data)
    assert error.reason == reason
    assert error.message.endswith(".")
    assert reason in str(error)


def test_a_bomb_is_refused_by_its_header_before_pixels_take_memory() -> None:
    bomb = BOMB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    error = refusal(bomb)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert error.reason == "too_large"
    assert "20000×20000" in error.message
    assert "--max-pixels" in error.message
    assert grown < 50_000 * (1024 if sys.platform == "darwin" else 1)


@pytest.mark.parametrize("size", [(16, 60_000), (60_000, 16), (33_000, 30)])
def test_a_strip_too_long_for_the_models_is_refused_by_its_header(size: tuple[int, int]) -> None:
    error = refusal(encode(Image.new("L", size), "PNG"))
    assert error.reason == "too_large"
    assert f"{size[0]}×{size[1]}" in error.message


@given(st.integers(16, 65_535), st.integers(16, 65_535))
def test_what_is_not_refused_is_never_longer_than_the_models_take(width: int, height: int) -> None:
    longest = -(-max(width, height) // reduction(width, height))
    assert longest <= MAX_SIDE or max(width, height) // reduction(width, height) >= LONGEST_STRIP


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({COMPRESSION: 34712}, "JPEG 2000"),
        ({COMPRESSION: 50002}, "JPEG XL"),
        ({COMPRESSION: 50001}, "WebP"),
        ({COMPRESSION: 34887}, "LERC"),
        ({COMPRESSION: 60000}, "60000"),
        ({SAMPLE_FORMAT: 3}, "floating-point colours of 16 bits"),
        ({PLANAR: 2, 262: 5}, "a plane of 16 bits for each colour"),
        ({262: 9}, "ICC L*a*b*"),
        ({262: 3, 277: 1, 258: (16,), 339: (1,), 320: (0,) * 3 * 65536}, "a palette of 16 bits"),
        ({258: 6}, "6 bits a colour"),
    ],
)
def test_a_tiff_that_nobody_reads_is_named_and_not_called_damaged(
    fields: dict[int, int | tuple[int, ...]], named: str
) -> None:
    error = refusal(tiff(np.zeros((30, 40, 3), np.uint16), fields))
    assert error.reason == "unsupported"
    assert named in error.message
    assert "8 bits" in error.message


def test_more_inks_than_four_are_named() -> None:
    error = refusal(tiff(np.zeros((30, 40, 5), np.uint8), {262: 5}))
    assert (error.reason, "CMYK and 1 more" in error.message) == ("unsupported", True)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (SMALL_FILES["JPEG"].replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c"), "12 bits"),
        (SMALL_FILES["JPEG"].replace(b"\xff\xc0\0\x11", b"\xff\xc3\0\x11"), "lossless"),
        (SMALL_FILES["JPEG"].replace(b"\xff\xc0\0\x11", b"\xff\xf7\0\x11"), "JPEG-LS"),
        (
            SMALL_FILES["PNG"].replace(
                b"\0\0\0\rIHDR", b"\0\0\0\4CgBI\0\0\0\0\0\0\0\0\0\0\0\rIHDR"
            ),
            "Apple",
        ),
        (SMALL_FILES["HEIC"].replace(b"hvc1", b"vvc1"), "VVC"),
        (SMALL_FILES["BMP"][:14] + b"\x10" + SMALL_FILES["BMP"][15:], "OS/2"),
        (SMALL_FILES["BMP"][:30] + b"\4\0\0\0" + SMALL_FILES["BMP"][34:], "JPEG compression"),
    ],
    ids=["12 bits", "lossless", "JPEG-LS", "CgBI", "VVC", "OS/2", "JPEG in BMP"],
)
def test_an_unusual_coding_is_named_and_not_called_damaged(data: bytes, named: str) -> None:
    error = refusal(data)
    assert error.reason == "unsupported"
    assert named in error.message


@pytest.mark.parametrize(
    ("beginning", "named"),
    [
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\n  <!DOCTYPE HTML><p>Log in", "a web page"),
        (b"\xef\xbb\xbf<html><p>Log in", "a web page"),
        (b"<svg xmlns=", "an SVG drawing"),
        (b'{"error": 404}', "JSON"),
        (b"\0\0\0\x18ftypmp42" + bytes(40), "a video"),
        (b"\0\0\0\x14ftypqt  " + bytes(40), "a video"),
        (b"\x1aE\xdf\xa3" + bytes(40), "a video"),
        (b"RIFF\0\0\0\0AVI LIST", "a video"),
        (b"PK\3\4" + bytes(40), "a ZIP archive"),
        (b"8BPS\0\1" + bytes(40), "a Photoshop document"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40), "a JPEG 2000 picture"),
        (b"\xff\x4f\xff\x51" + bytes(40), "a JPEG 2000 picture"),
        (b"II\xbc\1" + bytes(40), "a JPEG XR picture"),
        (b"\0\5\x16\7" + bytes(40), "AppleDouble"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d", "git lfs pull"),
        (b"whatever", "no photo that can be read"),
    ],
)
def test_other_content_than_a_photo_is_named(beginning: bytes, named: str) -> None:
    error = refusal(beginning)
    assert error.reason == "unsupported"
    assert named in error.message


def test_a_file_of_zeros_is_no_photo_and_says_so() -> None:
    error = refusal(bytes(5000))
    assert error.reason == "unreadable"
    assert "zeros" in error.message


def test_a_small_png_cannot_take_gigabytes_by_a_false_chunk_length() -> None:
    data = files()["PNG"]
    place = data.index(b"IDAT") - 4
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    error = refusal(data[:place] + (1_700_000_000).to_bytes(4, "big") + data[place + 4 :])
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert error.reason == "unreadable"
    assert grown < 50_000 * (1024 if sys.platform == "darwin" else 1)


def test_a_higher_limit_on_pixels_does_not_lift_the_one_on_memory() -> None:
    error = refusal(BOMB, max_pixels=10**9)
    assert error.reason == "too_large"
    assert "GB of memory" in error.message


def test_a_progressive_jpeg_counts_with_the_coefficients_it_keeps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    picture = landscape(2000, 1500)
    monkeypatch.setattr(sizes, "MEMORY_BUDGET", 10_000_000)
    assert decode_photo(encode(picture, "JPEG")).width == 2000
    assert refusal(encode(picture, "JPEG", progressive=True)).reason == "too_large"


def test_a_photo_at_the_limit_is_decoded_and_one_pixel_more_is_not() -> None:
    data = encode(landscape(100, 50), "PNG")
    assert decode_photo(data, max_pixels=5000).width == 100
    assert refusal(data, max_pixels=4999).reason == "too_large"


def test_the_header_is_read_without_decoding() -> None:
    header = read_header(BOMB)
    assert (header.width, header.height, header.format) == (20_000, 20_000, "PNG")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(EVERY_FORMAT), st.data())
def test_mutated_files_are_decoded_or_refused(name: Format, data: st.DataObject) -> None:
    original = SMALL_FILES[name]
    changed = bytearray(original)
    for _ in range(data.draw(st.integers(1, 12))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        photo = decode_photo(bytes(changed), max_pixels=10**6)
    except PhotoRefusedError:
        return
    assert photo.rgb.dtype == np.uint8
    assert photo.rgb.ndim == 3
