"""What the detector process says: nothing of it may be more than a record holds."""

from __future__ import annotations

import msgspec
import pytest

from avatarrig.wire.framing import GarbledError
from processors.sandbox.messages import Ready, Refused, parse_answer


def test_an_answer_is_read() -> None:
    refused = Refused(1, "unreadable", "no picture")
    assert parse_answer(msgspec.msgpack.encode(refused)) == refused


@pytest.mark.parametrize(
    "answer",
    [Refused(1, "x" * 300, "too long a code"), Ready("x" * 300), Ready("a\0b")],
    ids=["reason", "fingerprint", "a fingerprint that ends a key"],
)
def test_what_no_record_takes_is_no_answer(answer: Refused | Ready) -> None:
    """Nobody could read the reject of that photo, and who waits for it would wait for ever."""
    with pytest.raises(GarbledError):
        parse_answer(msgspec.msgpack.encode(answer))
