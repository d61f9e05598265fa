"""What a child says to its parent."""

from __future__ import annotations

import io

import msgspec
import pytest

from avatarrig.process.child import report
from avatarrig.process.protocol import Status


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_whatever_a_message_holds_arrives_in_any_locale(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    pipe = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(pipe, encoding=encoding))
    report(Status("failed", "Zoë – 写真 \udcff"))
    assert pipe.getvalue().endswith(b"\n")
    assert msgspec.json.decode(pipe.getvalue(), type=Status) == Status(
        "failed", "Zoë – 写真 \\udcff"
    )
