"""Photos of every kind come out upright, as 8-bit RGB, no larger than detection needs."""

from __future__ import annotations

import functools
import io
import struct
import warnings
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo
from support.body.landscape import ORIENTATION, landscape, tagged
from support.photos import encode, encode_heic, in_every_format, sixteen_bit, tiff

from avatarrig.photos.decode import DecodedPhoto, decode_photo
from avatarrig.photos.formats import PHOTO_SUFFIXES, SUFFIXES, Format, sniff_format
from avatarrig.photos.picture_digest import picture_digest
from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.photos.sizes import LONGEST_STRIP, reduction

COLOUR = (200, 100, 50)
EVERY_FORMAT: tuple[Format, ...] = tuple(SUFFIXES)


COLOURS = np.asarray(landscape(40, 30)).copy()
COLOURS[0, 0] = 255  # what is white is told by the brightest of some layouts


@functools.cache
def files() -> dict[Format, bytes]:
    return in_every_format(landscape(400, 300))


def difference(photo: DecodedPhoto, expected: Image.Image) -> float:
    target = cv2.resize(np.asarray(expected), photo.rgb.shape[1::-1], interpolation=cv2.INTER_AREA)
    return float(np.abs(photo.rgb.astype(int) - target.astype(int)).mean())


@pytest.mark.parametrize("name", EVERY_FORMAT)
def test_every_format_is_read_by_its_content(name: Format) -> None:
    picture = landscape(400, 300)
    photo = decode_photo(files()[name])
    assert (photo.format, photo.width, photo.height) == (name, 400, 300)
    assert photo.rgb.shape == (300, 400, 3)
    assert photo.rgb.dtype == np.uint8
    assert photo.rgb.flags.c_contiguous
    assert photo.complete
    assert difference(photo, picture) < (20 if name == "GIF" else 4)


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WebP", "TIFF", "AVIF", "HEIC"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(name: Format, orientation: int) -> None:
    picture = landscape(400, 300)
    picture.info["exif"] = b""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    carrier = io.BytesIO()
    picture.save(carrier, "PNG", exif=exif)
    upright = ImageOps.exif_transpose(Image.open(carrier))
    photo = decode_photo(tagged(landscape(400, 300), name, orientation))
    assert (photo.width, photo.height) == upright.size
    assert difference(photo, upright) < 4
    assert photo.rgb.flags.c_contiguous


@pytest.mark.parametrize("kind", [1, 3, 4, 7, 8, 9], ids="{}".format)
@pytest.mark.parametrize("order", ["<", ">"])
def test_an_orientation_of_any_whole_type_is_applied(kind: int, order: str) -> None:
    value = struct.pack(order + {1: "B", 3: "H", 4: "I", 7: "B", 8: "h", 9: "i"}[kind], 6)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(order + "HHI", ORIENTATION, kind, 1) + value.ljust(4, b"\0")
    block = b"Exif\0\0" + mark + struct.pack(order + "IH", 8, 1) + entry + bytes(4)
    segment = b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block
    whole = files()["JPEG"]
    photo = decode_photo(whole[:2] + segment + whole[2:])
    assert (photo.width, photo.height) == (300, 400)


def test_orientation_after_the_pixels_of_a_png_is_applied() -> None:
    data = tagged(landscape(400, 300), "PNG", 6)
    start = data.index(b"eXIf") - 4
    length = int.from_bytes(data[start : start + 4], "big") + 12
    chunk, rest = data[start : start + length], data[:start] + data[start + length :]
    end = rest.index(b"IEND") - 4
    photo = decode_photo(rest[:end] + chunk + rest[end:])
    assert (photo.width, photo.height) == (300, 400)


@pytest.mark.parametrize("kind", ["JPEG", "BMP", "TIFF"])
def test_large_photos_are_reduced_but_never_below_960(kind: str) -> None:
    picture = landscape(4000, 3000)
    photo = decode_photo(encode(picture, kind))
    assert photo.rgb.shape == (750, 1000, 3)
    assert (photo.width, photo.height) == (4000, 3000)
    assert difference(photo, picture) < 3


def test_a_large_photo_is_turned_upright_after_it_is_reduced() -> None:
    photo = decode_photo(tagged(landscape(4000, 3000), "JPEG", 8))
    assert photo.rgb.shape == (1000, 750, 3)
    assert (photo.width, photo.height) == (3000, 4000)


@given(st.integers(16, 60_000), st.integers(16, 60_000))
def test_reduction_keeps_960_pixels_and_a_short_side(width: int, height: int) -> None:
    factor = reduction(width, height)
    long_side, short_side = max(width, height), min(width, height)
    assert factor.bit_count() == 1
    if factor > 1:
        assert long_side // factor >= 960
        assert short_side // factor >= 320 or 2 * long_side // factor >= LONGEST_STRIP
    assert long_side // factor < 1920 or short_side // factor < 640


@pytest.mark.parametrize(
    ("size", "factor"),
    [((4000, 3000), 4), ((12_000, 1000), 2), ((1000, 12_000), 2), ((40_000, 500), 2)],
)
def test_a_panorama_is_reduced_by_its_short_side(size: tuple[int, int], factor: int) -> None:
    assert reduction(*size) == factor


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (encode(Image.new("L", (40, 30), 124), "JPEG"), (124, 124, 124)),
        (encode(Image.new("L", (40, 30), 124), "PNG"), (124, 124, 124)),
        (encode(Image.new("RGB", (40, 30), COLOUR).convert("CMYK"), "JPEG"), COLOUR),
        (encode(Image.new("RGB", (40, 30), COLOUR).convert("CMYK"), "TIFF"), COLOUR),
        (encode(Image.new("RGB", (40, 30), COLOUR).quantize(8), "PNG"), COLOUR),
        (encode(sixteen_bit(Image.new("L", (40, 30), 150)), "PNG"), (150, 150, 150)),
        (encode(sixteen_bit(Image.new("L", (40, 30), 150)), "TIFF"), (150, 150, 150)),
        (encode(Image.new("1", (40, 30), 1), "PNG"), (255, 255, 255)),
        (encode(Image.new("RGBA", (40, 30), (*COLOUR, 0)), "PNG"), (255, 255, 255)),
        (encode(Image.new("RGBA", (40, 30), (*COLOUR, 128)), "PNG"), (227, 177, 152)),
        (encode(Image.new("LA", (40, 30), (100, 0)), "PNG"), (255, 255, 255)),
        (encode(Image.new("RGBA", (40, 30), (*COLOUR, 128)), "WEBP"), (227, 177, 152)),
        (encode(Image.new("RGBA", (40, 30), (*COLOUR, 128)), "AVIF"), (227, 177, 152)),
    ],
    ids=[
        "gray JPEG",
        "gray PNG",
        "CMYK JPEG",
        "CMYK TIFF",
        "palette PNG",
        "16-bit PNG",
        "16-bit TIFF",
        "1-bit PNG",
        "transparent PNG",
        "half transparent PNG",
        "transparent gray PNG",
        "WebP with alpha",
        "AVIF with alpha",
    ],
)
def test_every_pixel_layout_becomes_rgb(data: bytes, expected: tuple[int, int, int]) -> None:
    photo = decode_photo(data)
    assert photo.rgb.shape == (30, 40, 3)
    assert np.abs(photo.rgb[15, 20].astype(int) - expected).max() <= 4


@pytest.mark.parametrize("size", [(40, 30), (2000, 1500)])
@pytest.mark.parametrize("orientation", [1, 6, 8])
def test_transparency_is_laid_on_white_pixel_by_pixel(
    size: tuple[int, int], orientation: int
) -> None:
    picture = landscape(*size).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(size))
    carrier = Image.new("RGBA", size, "white")
    flat = Image.alpha_composite(carrier, picture).convert("RGB")
    photo = decode_photo(tagged(picture, "PNG", orientation))
    expected = decode_photo(tagged(flat, "PNG", orientation))
    assert photo.rgb.shape == expected.rgb.shape
    assert np.abs(photo.rgb.astype(int) - expected.rgb.astype(int)).max() <= 2


def test_sixteen_bit_transparency_is_laid_on_white() -> None:
    deep = np.full((30, 40, 4), (50 * 257, 100 * 257, 200 * 257, 65535), np.uint16)
    deep[:15, :, 3] = 0
    rgb = decode_photo(cv2.imencode(".png", deep)[1].tobytes()).rgb
    assert rgb[3, 3].tolist() == [255, 255, 255]
    assert np.abs(rgb[20, 3].astype(int) - COLOUR).max() <= 1


def test_sixteen_bit_colour_becomes_eight_bit() -> None:
    deep = np.full((30, 40, 3), (50 * 257, 100 * 257, 200 * 257), np.uint16)
    for suffix in (".png", ".tiff"):
        data = cv2.imencode(suffix, deep)[1].tobytes()
        assert np.abs(decode_photo(data).rgb[3, 3].astype(int) - COLOUR).max() <= 1


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_an_animation_gives_its_first_frame(kind: str) -> None:
    first = Image.new("RGB", (60, 40), COLOUR)
    data = encode(first, kind, save_all=True, append_images=[Image.new("RGB", (60, 40), "black")])
    assert np.abs(decode_photo(data).rgb[20, 30].astype(int) - COLOUR).max() <= 6


def test_a_cut_off_jpeg_gives_what_is_there() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (600, 800, 3), dtype=np.uint8)
    whole = encode(Image.fromarray(noise), "JPEG", quality=90)
    full, part = decode_photo(whole), decode_photo(whole[: len(whole) * 2 // 3])
    assert full.complete
    assert not part.complete
    assert (part.width, part.height) == (800, 600)
    assert np.array_equal(part.rgb[:300], full.rgb[:300])


@pytest.mark.parametrize("kind", ["zTXt", "iTXt", "tEXt", "iCCP"])
def test_a_long_text_or_profile_does_not_cost_the_photo(kind: str) -> None:
    info, profile = PngInfo(), None
    match kind:
        case "iTXt":
            info.add_itxt("workflow", "step " * 400_000, zip=True)
        case "iCCP":
            profile = bytes(2_000_000)
        case _:
            info.add_text("workflow", "step " * 400_000, zip=kind == "zTXt")
    picture = landscape(64, 48)
    data = encode(picture, "PNG", pnginfo=info, icc_profile=profile)
    assert kind.encode() in data
    assert np.array_equal(decode_photo(data).rgb, np.asarray(picture))


@pytest.mark.parametrize("white", [255, 65_535])
def test_wide_gray_values_say_by_their_range_what_is_white(white: int) -> None:
    values = np.linspace(0, white, 40 * 30).reshape(30, 40).astype(np.int32)
    rgb = decode_photo(encode(Image.fromarray(values), "TIFF")).rgb
    assert rgb[0, 0].max() == 0
    assert rgb[-1, -1].min() == 255


def test_damaged_exif_does_not_cost_the_photo() -> None:
    data = tagged(landscape(400, 300), "JPEG", 6)
    start = data.index(b"Exif\0\0") + 6
    broken = data[:start] + b"\xff" * 20 + data[start + 20 :]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode_photo(broken).width == 400


def test_every_listed_suffix_is_lower_case_and_every_format_has_one() -> None:
    assert {suffix.lower() for suffix in PHOTO_SUFFIXES} == PHOTO_SUFFIXES
    assert {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"} <= PHOTO_SUFFIXES
    assert {".gif", ".avif", ".heic", ".heif"} <= PHOTO_SUFFIXES


@given(st.binary(max_size=300))
def test_sniffing_takes_any_bytes(data: bytes) -> None:
    assert sniff_format(data) in {None, *EVERY_FORMAT, "RAW", "JPEG XL"}


@pytest.mark.parametrize("filled", [b"\0", b"\xff", b"\xcd"])
def test_a_jpeg_whose_rest_was_never_written_is_a_cut_off_one(filled: bytes) -> None:
    whole = encode(landscape(800, 600), "JPEG", quality=90)
    cut = whole[: len(whole) * 2 // 3]
    expected, photo = decode_photo(cut), decode_photo(cut + filled * (len(whole) - len(cut)))
    assert not photo.complete
    assert np.array_equal(photo.rgb[:300], expected.rgb[:300])
    little = whole[: len(whole) // 20]
    with pytest.raises(PhotoRefusedError) as refused:
        decode_photo(little + filled * (len(whole) - len(little)))
    assert refused.value.reason in {"truncated_beyond_use", "unreadable"}


def test_a_jpeg_with_a_hole_ends_where_the_hole_begins() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (600, 800, 3), dtype=np.uint8)
    whole = encode(Image.fromarray(noise), "JPEG", quality=90)
    half = len(whole) // 2
    photo = decode_photo(whole[:half] + bytes(8192) + whole[half + 8192 :])
    assert not photo.complete
    assert (photo.rgb[-100:] == 128).all()


def test_zeros_that_a_jpeg_may_hold_are_no_holes() -> None:
    flat = encode(Image.new("RGB", (4000, 3000), "white"), "JPEG", optimize=True)
    assert bytes(512) in flat
    padded = encode(landscape(400, 300), "JPEG") + bytes(100_000)
    behind = encode(landscape(400, 300), "JPEG") + b"video" + bytes(100_000) + b"ends"
    assert all(decode_photo(data).complete for data in (flat, padded, behind))


@pytest.mark.parametrize(
    ("kind", "white"),
    [("f4", 1.0), ("f8", 1.0), ("f4", 255.0), ("i2", 32767), ("u4", 2**32 - 1)],
)
def test_a_tiff_of_wide_colours_is_read(kind: str, white: float) -> None:
    rgb = decode_photo(tiff((COLOURS / 255 * white).astype(kind))).rgb
    assert np.abs(rgb.astype(int) - COLOURS).max() <= 1


def test_bright_zeros_are_bright_at_every_depth() -> None:
    gray = np.full((30, 40), 100, np.uint16) * 257
    for values in (gray, (gray / 65535).astype(np.float32)):
        inverted = (1 - values) if values.dtype.kind == "f" else 65535 - values
        assert decode_photo(tiff(inverted, {262: 0})).rgb[3, 3, 0] == pytest.approx(100, abs=1)


def test_a_tiff_that_pillow_does_not_know_is_upright_all_the_same() -> None:
    picture = np.asarray(landscape(400, 300)).astype(np.float32) / 255
    photo = decode_photo(tiff(picture, {274: 6}))
    assert (photo.width, photo.height) == (300, 400)
    assert np.abs(photo.rgb[:, ::-1].transpose(1, 0, 2).astype(int) - picture * 255).mean() < 1


def big_endian_big_tiff(values: NDArray[Any]) -> bytes:
    """Colours of 8 or 16 bits, as few programs lay them out: offsets of 64 bits, "MM"."""
    height, width, colours = values.shape
    data = values.astype(values.dtype.newbyteorder(">")).tobytes()
    bits = struct.pack(">4H", *[values.dtype.itemsize * 8] * 3, 0)
    ones = struct.pack(">4H", 1, 1, 1, 0)
    fields: list[tuple[int, int, int, int | bytes]] = [
        *((256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, bits), (259, 3, 1, 1)),
        *((262, 3, 1, 2), (273, 16, 1, 16), (274, 3, 1, 6), (277, 3, 1, colours)),
        *((278, 4, 1, height), (279, 16, 1, len(data)), (284, 3, 1, 1), (339, 3, 3, ones)),
    ]
    entries = b"".join(
        struct.pack(">HHQ", tag, kind, count)
        + (value if isinstance(value, bytes) else struct.pack(">" + _CODES[kind], value))
        for tag, kind, count, value in fields
    )
    start = struct.pack(">4sHHQ", b"MM\0+", 8, 0, 16 + len(data))
    return start + data + struct.pack(">Q", len(fields)) + entries + bytes(8)


_CODES = {3: "H6x", 4: "I4x", 16: "Q"}


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_big_tiff_of_the_other_byte_order_is_read(kind: type[np.generic]) -> None:
    picture = np.asarray(landscape(400, 300))
    values = picture.astype(kind) * (257 if kind is np.uint16 else 1)
    data = big_endian_big_tiff(values)
    photo = decode_photo(data)
    assert (photo.width, photo.height) == (300, 400)
    assert np.abs(photo.rgb[:, ::-1].transpose(1, 0, 2).astype(int) - picture).mean() < 1
    assert picture_digest(data) not in {"", picture_digest(big_endian_big_tiff(values[::-1]))}


def bitmap(values: NDArray[np.uint8], header: bytes) -> bytes:
    start = 14 + len(header)
    data = values[::-1].tobytes()
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + header + data


def test_alpha_that_was_never_set_hides_nothing() -> None:
    picture = np.asarray(landscape(40, 30))
    clear = np.dstack([picture[..., ::-1], np.zeros((30, 40), np.uint8)])
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    info = struct.pack("<IiiHHIIiiII", 124, 40, 30, 1, 32, 3, clear.size, 0, 0, 0, 0)
    bmp = bitmap(clear, info + masks + b"BGRs" + bytes(64))
    unset = tiff(np.dstack([picture, clear[..., 3]]), {338: 2})
    for data in (bmp, unset):
        assert np.array_equal(decode_photo(data).rgb, picture)


@pytest.mark.parametrize("size", [40, 108, 124])
def test_a_bmp_that_says_which_bits_are_which_colour_is_read(size: int) -> None:
    picture = np.asarray(landscape(40, 30))
    pixels = np.dstack([picture, np.full((30, 40), 255, np.uint8)])  # red first, as phones do
    info = struct.pack("<IiiHHIIiiII", size, 40, 30, 1, 32, 3, pixels.size, 0, 0, 0, 0)
    masks = struct.pack("<IIII", 0xFF, 0xFF00, 0xFF0000, 0)
    data = bitmap(pixels, info + masks[: 12 if size == 40 else 16] + bytes(max(0, size - 56)))
    with pytest.raises(OSError, match="bitfields"):
        Image.open(io.BytesIO(data))
    assert np.array_equal(decode_photo(data).rgb, picture)


def test_a_bmp_of_16_bits_with_odd_masks_is_read() -> None:
    red = np.full((32, 40), 0xF800, "<u2").view(np.uint8).reshape(32, 80)
    info = struct.pack("<IiiHHIIiiII", 40, 40, 32, 1, 16, 3, red.size, 0, 0, 0, 0)
    data = bitmap(red, info + struct.pack("<III", 0xF800, 0x7C0, 0x3F))
    assert decode_photo(data).rgb[3, 3].tolist() == [255, 0, 0]
    with pytest.raises(PhotoRefusedError):
        decode_photo(data[:-9])


def test_a_png_without_its_end_or_with_a_damaged_remark_is_whole() -> None:
    picture = landscape(400, 300)
    data = encode(picture, "PNG")
    remark = struct.pack(">I4sI", 4, b"gAMA", 45455) + bytes(4)
    behind = data + b"junk" * 99
    for changed in (data[:-12], data[:-4], data[:33] + remark + data[33:], behind):
        assert np.array_equal(decode_photo(changed).rgb, np.asarray(picture))
    assert picture_digest(behind) == picture_digest(data)


def samsung(make: str) -> bytes:
    stored = landscape(400, 300)
    exif = Image.Exif()
    exif[271] = make
    exif[ORIENTATION] = 1
    data = encode_heic(stored, exif=exif.tobytes())
    for one, six in (
        (b"\x01\x12\0\3\0\0\0\1\0\1", b"\x01\x12\0\3\0\0\0\1\0\6"),
        (b"\x12\x01\3\0\1\0\0\0\1\0", b"\x12\x01\3\0\1\0\0\0\6\0"),
    ):
        data = data.replace(one, six)
    return data


def test_a_heic_turned_by_exif_alone_is_turned_where_its_make_means_it() -> None:
    photo = decode_photo(samsung("samsung"))
    assert (photo.width, photo.height) == (300, 400)
    photo = decode_photo(samsung("Apple"))
    assert (photo.width, photo.height) == (400, 300)
