"""Which photos of a moment are detected, as people say it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from avatarrig.cli import avatarrig
from avatarrig.cli.commands.services.ingest import ingest_options
from producers.settings import SourceSettings


def test_the_number_stands_with_the_dataset(tmp_path: Path) -> None:
    told: list[SourceSettings] = []

    @click.command()
    @ingest_options
    def command(source: SourceSettings) -> None:
        told.append(source)

    for number in ([], ["--sharpest-of-moment", "3"]):
        assert CliRunner().invoke(command, [str(tmp_path), *number]).exit_code == 0
    assert [source.dataset.sharpest_of_moment for source in told] == [None, 3]


@pytest.mark.parametrize("command", ["run", "ingest", "up"])
def test_none_of_a_moment_is_no_choice(command: str, tmp_path: Path) -> None:
    outcome = CliRunner().invoke(avatarrig, [command, str(tmp_path), "--sharpest-of-moment", "0"])
    assert outcome.exit_code == 2


@pytest.mark.parametrize("option", [["--sharpest-of-moment", "3"], ["--videos"]])
def test_an_image_without_opencv_says_that_it_looks_at_no_photo(
    option: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    outcome = CliRunner().invoke(avatarrig, ["ingest", str(tmp_path), *option])
    assert outcome.exit_code == 2
    assert f"{option[0]} needs OpenCV" in " ".join(outcome.output.split())
