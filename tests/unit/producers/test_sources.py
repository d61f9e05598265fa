"""Which kind of place photos come from is told by its address, in a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from producers import service
from producers.service import Kind, Looking, source_at
from producers.source import LocalFolder


def test_what_no_other_kind_knows_is_a_folder(tmp_path: Path) -> None:
    source = source_at(str(tmp_path), (str(tmp_path / "run"),))
    assert isinstance(source, LocalFolder)
    assert source.folder == tmp_path


def test_another_kind_is_an_entry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[tuple[str, Looking]] = []

    def opened(address: str, how: Looking) -> LocalFolder:
        asked.append((address, how))
        return LocalFolder(tmp_path)

    cards = Kind(lambda address: address.startswith("card:"), opened)
    monkeypatch.setattr(service, "SOURCES", (cards, *service.SOURCES))
    assert source_at("card:1", ("a",)) is not None
    source_at(str(tmp_path))
    assert asked == [("card:1", Looking([Path("a")], clips=False))]
