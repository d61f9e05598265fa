"""Which kind of place photos come from is told by its address, in a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from producers import service
from producers.references import Dataset
from producers.service import Kind, source_at
from producers.settings import SourceSettings
from producers.source import LocalFolder


def at(location: str) -> SourceSettings:
    return SourceSettings(location=location, dataset=Dataset(name="cards"), leave_out=("run",))


def test_what_no_other_kind_knows_is_a_folder(tmp_path: Path) -> None:
    source = source_at(at(str(tmp_path)))
    assert isinstance(source, LocalFolder)
    assert source.folder == tmp_path


def test_another_kind_is_an_entry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[tuple[str, SourceSettings]] = []

    def opened(address: str, asked: SourceSettings, _: object) -> LocalFolder:
        seen.append((address, asked))
        return LocalFolder(tmp_path)

    cards = Kind(lambda address: address.startswith("card:"), opened)
    monkeypatch.setattr(service, "SOURCES", (cards, *service.SOURCES))
    assert source_at(at("card:1")) is not None
    source_at(at(str(tmp_path)))
    assert seen == [("card:1", at("card:1"))]
