"""What a file claims of itself costs no more than the file: neither time nor memory.

Without the bounds that are tested here each of these files takes hours, or all memory there is.
"""

from __future__ import annotations

import struct
import tracemalloc

import pytest
from PIL import Image
from support.photos import encode

from avatarrig.photos.capture import read_capture_time
from avatarrig.photos.coding.boxes import exif_of, pixels_of
from avatarrig.photos.coding.layouts import first_directory
from avatarrig.photos.metadata import read_metadata
from avatarrig.photos.named_people.written import people_in_photo
from avatarrig.photos.picture_digest import picture_digest

MANY = 6_000
FOUR_BILLION = 2**32 - 1
A_MEGABYTE = 1 << 20


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def heic(places: bytes, kind: bytes, padding: int = 0) -> bytes:
    """A file with one item of a kind, or many, and `places` of where they lie."""
    entry = box(b"infe", b"\2\0\0\0" + struct.pack(">HH", 1, 0) + kind + b"\0")
    items = box(b"iinf", bytes(4) + struct.pack(">H", 1) + entry)
    meta = box(b"meta", bytes(4) + items + box(b"iloc", places))
    return box(b"ftyp", b"heic" + bytes(4) + b"mif1heic") + meta + box(b"mdat", bytes(padding))


ITEMS = b"\2\0\0\0\x44\0" + struct.pack(">I", FOUR_BILLION)
"""So many items, of which none is there."""

PIECES = b"\0\0\0\0\0\0" + struct.pack(">H", MANY) + struct.pack(">HHH", 1, 0, 65535) * MANY
"""Items with as many pieces as can be, of which none takes a byte to say."""

SAME = (
    b"\0\0\0\0\x44\0"
    + struct.pack(">H", 1)
    + struct.pack(">HHH", 1, 0, MANY)
    + struct.pack(">II", 0, A_MEGABYTE) * MANY
)
"""An item that is the whole file, again and again."""


@pytest.mark.parametrize("kind", [b"hvc1", b"Exif"])
@pytest.mark.parametrize("places", [ITEMS, PIECES, SAME], ids=["items", "pieces", "same"])
def test_a_heic_file_is_read_no_further_than_it_goes(places: bytes, kind: bytes) -> None:
    data = heic(places, kind, padding=A_MEGABYTE)
    with pytest.raises(ValueError, match="more than there is"):
        list(pixels_of(data))
    with pytest.raises(ValueError, match="more than there is"):
        exif_of(data)
    assert picture_digest(data) == ""
    assert read_capture_time(data) is None
    assert not read_metadata(data).exif


def test_a_tiff_of_strips_that_lie_over_each_other_is_no_picture() -> None:
    strips = 100_000
    fields = [(256, 4, 1, 1), (257, 4, 1, strips), (273, 4, strips, 128), (279, 4, strips, 128)]
    head = struct.pack("<2sHIH", b"II", 42, 8, len(fields))
    head += b"".join(struct.pack("<HHII", *field) for field in fields) + bytes(4)
    data = head.ljust(128, b"\0") + struct.pack("<I", A_MEGABYTE) * strips + bytes(A_MEGABYTE)
    assert picture_digest(data) == ""


def test_a_big_tiff_holds_no_more_numbers_than_bytes() -> None:
    fields = 4000
    entries = b"".join(struct.pack(">HHQQ", tag, 1, A_MEGABYTE, 16) for tag in range(fields))
    data = struct.pack(">2sHHHQQ", b"MM", 43, 8, 0, 16, fields) + entries + bytes(A_MEGABYTE)
    tracemalloc.start()
    first_directory(data)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100 * A_MEGABYTE


@pytest.mark.parametrize("unended", [b"<exif:DateTimeOriginal ", b" exif:DateTimeOriginal="])
def test_xmp_without_an_end_is_looked_through_once(unended: bytes) -> None:
    data = b"\xff\xd8<x:xmpmeta>" + unended * (A_MEGABYTE // len(unended))
    assert read_capture_time(data) is None


@pytest.mark.parametrize(
    "element",
    [
        "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description",
        "{http://www.metadataworkinggroup.com/schemas/regions/}Regions",
        "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}ImageRegion",
    ],
)
def test_xmp_that_is_nested_without_end_names_nobody(element: str) -> None:
    space, name = element[1:].split("}")
    nested = f"<n:{name}>" * 20_000 + f"</n:{name}>" * 20_000
    xmp = f'<x xmlns:n="{space}">{nested}</x>'.encode()
    assert people_in_photo(encode(Image.new("RGB", (16, 16)), "JPEG"), xmp) == ()
