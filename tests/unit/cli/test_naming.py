"""Names and folders that no record can hold are refused before anything starts."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from avatarrig.cli import avatarrig
from producers.references import Dataset


@pytest.mark.parametrize("command", ["run", "ingest", "up"])
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "cannot be blank"),
        (" \t", "cannot be blank"),
        ("n" * 5000, "5000 characters, 1024 are the most"),
        (os.fsdecode(b"caf\xe9"), r"'caf\\xe9' has bytes that are no UTF-8"),
    ],
)
def test_a_name_that_no_record_can_hold_is_refused(
    tmp_path: Path, command: str, name: str, why: str
) -> None:
    outcome = CliRunner().invoke(avatarrig, [command, str(tmp_path), "--subject", name])
    assert outcome.exit_code == 2
    assert why in " ".join(outcome.output.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["run", "ingest", "up"])
def test_a_folder_whose_path_is_no_text_is_refused_by_name(tmp_path: Path, command: str) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9") / "photos"
    folder.mkdir(parents=True)
    link = tmp_path / "link"
    link.symlink_to(folder)
    outcome = CliRunner().invoke(avatarrig, [command, str(link)])
    assert outcome.exit_code == 2
    assert "rename the folder" in " ".join(outcome.output.split())
    assert list(folder.iterdir()) == []


def test_a_run_directory_whose_path_is_no_text_is_refused(tmp_path: Path) -> None:
    out = tmp_path / os.fsdecode(b"caf\xe9")
    (tmp_path / "photos").mkdir()
    outcome = CliRunner().invoke(avatarrig, ["run", str(tmp_path / "photos"), "--out", str(out)])
    assert outcome.exit_code == 2
    assert not out.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "loop"),
        ("run", "photos", "--out", "loop"),
        ("run", "photos", "--out", "loop/run"),
        ("ingest", "loop"),
        ("up", "loop"),
        ("up", "photos", "--out", "loop"),
        ("detect", "--allow-root", "photos", "--out", "loop"),
        ("detect", "--allow-root", "loop"),
    ],
)
def test_a_link_that_leads_back_to_itself_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    Path("loop").symlink_to("loop")
    outcome = CliRunner().invoke(avatarrig, arguments)
    assert outcome.exit_code == 2, outcome.output
    assert "is a link that leads back to itself" in " ".join(outcome.output.split())


@pytest.mark.parametrize(
    ("path", "subject"),
    [
        ("Ann/1.jpg", "Ann"),
        ("Ann//deep/1.jpg", "Ann"),
        ("/1.jpg", "photos"),
        ("//1.jpg", "photos"),
        ("/Ann/1.jpg", "Ann"),
        ("   /1.jpg", "photos"),
        ("1.jpg", "photos"),
    ],
)
def test_a_key_s_first_folder_with_a_name_says_whose_photo_it_is(path: str, subject: str) -> None:
    assert Dataset(name="photos", subject_per_folder=True).subject_of(path) == subject


@pytest.mark.parametrize(
    "name", ["report", "compare", "fit", "export", "exclude", "include", "forget"]
)
def test_whoever_is_named_is_found_however_the_name_is_written(name: str) -> None:
    """Terminals of macOS write an accent as a sign of its own."""
    command = avatarrig.get_command(click.Context(avatarrig), name)
    assert command is not None
    (subject,) = (each for each in command.params if each.name == "subject")
    assert subject.type.convert("Zoe\u0308", subject, None) == "Zo\u00eb"
