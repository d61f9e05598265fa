"""What is made of photos is its user's alone, unless a group is to share it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from avatarrig.cli import avatarrig, with_command
from avatarrig.runs import write_atomically


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    assert os.umask(before) == 0o022


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that a command makes two folders deep."""
    file = tmp_path / "new" / "observations" / "x.json"

    @click.command("report")
    def report() -> None:
        write_atomically(file, b"{}")

    monkeypatch.setattr("avatarrig.cli.commands.report.report", report)
    return file


def test_folders_and_files_are_for_their_user_alone(made: Path) -> None:
    assert CliRunner().invoke(avatarrig, ["report"]).exit_code == 0
    assert (mode(made), mode(made.parent), mode(made.parent.parent)) == (0o600, 0o700, 0o700)


def test_a_group_may_share_them(made: Path) -> None:
    assert CliRunner().invoke(avatarrig, ["--share-with-group", "report"]).exit_code == 0
    assert (mode(made), mode(made.parent)) == (0o660, 0o770)


def test_a_folder_that_is_there_keeps_its_mode(made: Path) -> None:
    made.parent.mkdir(parents=True, mode=0o755)
    assert CliRunner().invoke(avatarrig, ["report"]).exit_code == 0
    assert (mode(made), mode(made.parent)) == (0o600, 0o755)


def test_the_flag_stands_before_a_dataset_as_before_a_command() -> None:
    given = ["--share-with-group", "--log-level", "info", "photos"]
    assert with_command(given) == [*given[:3], "run", "photos"]
