"""What is taken for the rest of a WebP that was never written, and what is not."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from avatarrig.photos.coding import webp
from avatarrig.photos.coding.unwritten import is_unwritten
from avatarrig.photos.decode import decode_photo
from avatarrig.photos.refused import PhotoRefusedError

SIZE = (400, 300)
PIXELS = SIZE[0] * SIZE[1]
NOISE = Image.fromarray(np.random.default_rng(1).integers(0, 255, (300, 400, 4), np.uint8))


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    content = b"WEBP" + b"".join(laid_out(kind, inner) for kind, inner in chunks)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def laid_out(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def with_plain_alpha(filled: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a WebP whose alpha plane is a byte for each pixel, not compressed."""
    buffer = io.BytesIO()
    NOISE.save(buffer, "WEBP", quality=90)
    coded = buffer.getvalue()
    chunks = [(kind, coded[start:end]) for kind, start, end in webp.chunks_of(coded)]
    assert [kind for kind, _ in chunks] == [b"VP8X", b"ALPH", b"VP8 "]
    plane = NOISE.getchannel("A").tobytes()[: PIXELS // 2] + filled * (PIXELS // 2)
    return [(kind, b"\0" + plane if kind == b"ALPH" else inner) for kind, inner in chunks]


@pytest.mark.parametrize("filled", [b"\xff", b"\0"])
def test_an_alpha_plane_that_is_not_compressed_may_end_in_one_byte(filled: bytes) -> None:
    data = riff(*with_plain_alpha(filled))
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.getchannel("A").tobytes()[PIXELS // 2 :] == filled * (PIXELS // 2)
    assert not is_unwritten("WebP", data, PIXELS)
    assert decode_photo(data).complete


def test_colours_beside_such_a_plane_that_were_never_written_are_found() -> None:
    head, alpha, (kind, colours) = with_plain_alpha(b"\xff")
    half = len(colours) // 2
    data = riff(head, alpha, (kind, colours[:half] + bytes(len(colours) - half)))
    assert is_unwritten("WebP", data, PIXELS)
    with pytest.raises(PhotoRefusedError, match="missing"):
        decode_photo(data)


@pytest.mark.parametrize(
    ("kind", "run", "unwritten"),
    [
        (b"VP8L", 1000, False),
        (b"VP8L", 5000, True),
        (b"VP8 ", 400, False),
        (b"VP8 ", 1000, True),
        (b"ALPH", 5000, False),
    ],
)
@pytest.mark.parametrize("in_a_frame", [False, True])
def test_as_much_of_one_byte_is_asked_of_a_frame_as_of_a_picture(
    kind: bytes, run: int, *, unwritten: bool, in_a_frame: bool
) -> None:
    inner = (kind, NOISE.tobytes()[:1000] + bytes(run))
    frame = (b"ANMF", bytes(16) + laid_out(*inner))
    assert is_unwritten("WebP", riff(frame if in_a_frame else inner), PIXELS) is unwritten
