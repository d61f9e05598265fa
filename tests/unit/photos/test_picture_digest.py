"""What stands for a picture: every byte of it, and nothing else."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarrig.photos import picture_digest as digests
from avatarrig.photos.coding import png
from avatarrig.photos.picture_digest import picture_digest

BLOCK = digests._BLOCK


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(content))


def in_chunks(pixels: bytes, length: int) -> bytes:
    """A PNG whose pixels lie in chunks of a length; nobody unpacks them."""
    cut = (pixels[start : start + length] for start in range(0, len(pixels), length))
    chunks = b"".join(chunk(b"IDAT", piece) for piece in cut)
    return png.SIGNATURE + chunk(b"IHDR", bytes(13)) + chunks + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "at", [0, BLOCK - 14, BLOCK - 13, BLOCK, 2 * BLOCK, 3 * BLOCK - 14, 3 * BLOCK + 50]
)
def test_every_byte_of_a_large_picture_tells(at: int) -> None:
    pixels = bytes(3 * BLOCK + 51)
    changed = pixels[:at] + b"\1" + pixels[at + 1 :]
    length = len(pixels)
    found = {picture_digest(in_chunks(some, length)) for some in (pixels, changed, pixels + b"\0")}
    assert len(found) == 3
    assert {len(digest) for digest in found} == {32}


@given(
    pixels=st.binary(min_size=1, max_size=80),
    other=st.binary(min_size=1, max_size=80),
    lengths=st.tuples(st.integers(1, 90), st.integers(1, 90)),
)
def test_a_picture_is_the_same_however_its_file_cuts_it(
    pixels: bytes, other: bytes, lengths: tuple[int, int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digests, "_BLOCK", 16)
        first, second = (picture_digest(in_chunks(pixels, length)) for length in lengths)
        third = picture_digest(in_chunks(other, lengths[0]))
    assert first == second != ""
    assert (third == first) == (other == pixels)


def test_equal_blocks_in_another_order_are_another_picture() -> None:
    one, two = bytes(BLOCK), b"\1" * BLOCK
    pixels = (one + one + two + one, one + two + one + one)
    first, second = (picture_digest(in_chunks(some, len(some))) for some in pixels)
    assert first != second
