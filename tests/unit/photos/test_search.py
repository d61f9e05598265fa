"""Few bytes are found among many, wherever they lie."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.photos import encode

from avatarrig.photos.capture import read_capture_time
from avatarrig.photos.coding import jpeg, search
from avatarrig.photos.coding.jpeg import coded_pixels, pixels_of
from avatarrig.photos.coding.search import holds_any

MARKS = (b"<rdf:RDF", b"8BIM\4\4")
PACKET = b'<rdf:RDF exif:DateTimeOriginal="2023-05-06T10:11:12Z"></rdf:RDF>'
MOMENT = 1683367872.0


@given(
    before=st.integers(0, 40),
    mark=st.sampled_from(MARKS),
    behind=st.integers(0, 40),
    start=st.integers(0, 90),
    filling=st.sampled_from((b"\0", b"<", b"8BIM\4", b"<rdf:", b"df:RDF")),
)
def test_a_mark_is_found_wherever_it_lies(
    before: int, mark: bytes, behind: int, start: int, filling: bytes
) -> None:
    data = (filling * before)[:before] + mark + (filling * behind)[:behind]
    for piece, many in ((8, 1), (16, 2), (16, search._MANY), (search._PIECE, 3)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(search, "_PIECE", piece)
            patch.setattr(search, "_MANY", many)
            assert holds_any(data, MARKS, start) == any(mark in data[start:] for mark in MARKS)


@given(data=st.binary(max_size=40), start=st.integers(0, 50))
def test_nothing_else_is_taken_for_a_mark(data: bytes, start: int) -> None:
    assert holds_any(data, MARKS, start) == any(mark in data[start:] for mark in MARKS)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 15, 16, 17, 40])
def test_a_picture_ends_at_its_first_end_marker(
    monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    monkeypatch.setattr(jpeg, "_PIECE", 8)
    head, scan = b"\xff\xd8\xff\xda\0\x03\1", (b"\xff\0\xd9\xff\xd0" * 10)[:length]
    picture = head + scan
    assert coded_pixels(picture) == slice(0, 0)
    assert [bytes(piece) for piece in pixels_of(picture)] == [b"\1" + scan]
    for behind in (b"", b"\xff", b"\xff\xd9", b"behind"):
        data = picture + b"\xff\xd9" + behind
        assert coded_pixels(data) == slice(len(head), len(picture))
        assert [bytes(piece) for piece in pixels_of(data)] == [b"\1" + scan]


@pytest.mark.parametrize("behind", [0, 1, 1_000_000])
def test_what_stands_behind_the_picture_tells_when_it_was_taken(behind: int) -> None:
    photo = encode(Image.effect_noise((200, 200), 90), "JPEG")
    data = photo + bytes(behind)
    assert read_capture_time(data + PACKET) == MOMENT
    assert read_capture_time(data) is None


def test_a_picture_without_an_end_hides_nothing() -> None:
    photo = encode(Image.effect_noise((200, 200), 90), "JPEG")
    assert read_capture_time(photo[:-2] + PACKET) == MOMENT
