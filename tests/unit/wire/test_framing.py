"""Messages come through a pipe whole, or not at all."""

from __future__ import annotations

import io

import pytest

from avatarrig.wire.framing import GarbledError, read_framed, write_framed


def test_messages_come_as_they_went() -> None:
    pipe = io.BytesIO()
    write_framed(pipe, b"first")
    write_framed(pipe, b"")
    pipe.seek(0)
    assert [read_framed(pipe, 5) for _ in range(3)] == [b"first", b"", None]


@pytest.mark.parametrize("cut", range(1, 9))
def test_half_a_message_is_none(cut: int) -> None:
    pipe = io.BytesIO()
    write_framed(pipe, b"first")
    assert read_framed(io.BytesIO(pipe.getvalue()[:-cut]), 5) is None


def test_a_length_that_no_message_has_is_told() -> None:
    with pytest.raises(GarbledError, match="4294967295 bytes"):
        read_framed(io.BytesIO(b"\xff\xff\xff\xff"), 5)
