"""Mistakes that are told before anything is started, and leave nothing behind."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.command import copy_demo

from avatarrig.cli import avatarrig
from avatarrig.errors import ExitCode


def called(*arguments: str | Path) -> Result:
    return CliRunner().invoke(avatarrig, [*map(str, arguments)])


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens at."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield int(listening.getsockname()[1])


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return copy_demo(tmp_path / "Anna", ["0.jpg"])


@pytest.mark.parametrize("name", ["out", "some/where/out"])
def test_a_folder_without_photos_is_told_with_what_to_do(tmp_path: Path, name: str) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = called("run", empty, "--out", tmp_path / name)
    assert done.exit_code == ExitCode.NOTHING_PROCESSED
    assert "put some there" in done.output
    assert list(tmp_path.iterdir()) == [empty]
    (empty / "notes.txt").write_text("no photo")
    assert "1 file: 0 photos, 1 other file" in called("run", empty, "--out", tmp_path / name).output


def test_a_taken_port_is_told_by_every_command_that_serves_the_page(
    tmp_path: Path, photos: Path, taken: int
) -> None:
    at = ("--web-port", str(taken))
    for arguments in (
        ("run", photos, "--out", tmp_path / "out", *at),
        ("up", photos, "--data-dir", tmp_path / "data", "--out", tmp_path / "out", *at),
        ("aggregate", "--bootstrap-servers", "127.0.0.1:1", *at),
    ):
        done = called(*arguments)
        assert done.exit_code == ExitCode.WRONG_USAGE
        assert f"--web-port {taken}" in done.output
        assert "name another port" in done.output
    assert list(tmp_path.iterdir()) == [photos]


def test_a_taken_port_for_metrics_is_told(tmp_path: Path, photos: Path, taken: int) -> None:
    data = tmp_path / "data"
    done = called("up", photos, "--data-dir", data, "--web-port", "0", "--metrics-port", str(taken))
    assert done.exit_code == ExitCode.WRONG_USAGE
    assert f"--metrics-port {taken}" in done.output
    assert not data.exists()


def test_a_run_that_is_refused_leaves_no_folder(tmp_path: Path, photos: Path) -> None:
    text = tmp_path / "me.jpg"
    text.write_text("no photo")
    out = tmp_path / "new" / "out"
    done = called("run", photos, "--out", out, "--reference", text)
    assert done.exit_code != 0
    assert "me.jpg" in done.output
    assert not out.parent.exists()


def test_a_run_directory_that_was_there_stays(tmp_path: Path, photos: Path) -> None:
    text = tmp_path / "me.jpg"
    text.write_text("no photo")
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("keep")
    assert called("run", photos, "--out", out, "--reference", text).exit_code != 0
    assert (out / "mine.txt").read_text() == "keep"


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["nowhere"], "nowhere"),
        ([".", "--workers", "0"], "--workers"),
        ([".", "--pose-model", "huge"], "--pose-model"),
        ([".", "--overlay-thr", "2"], "--overlay-thr"),
        ([".", "--bootstrap-servers", "kafka"], "host:port"),
    ],
)
def test_wrong_usage_ends_with_2_and_names_what_is_wrong(
    tmp_path: Path, arguments: list[str], hint: str
) -> None:
    done = called("run", *arguments, "--out", tmp_path / "run")
    assert done.exit_code == ExitCode.WRONG_USAGE
    assert hint in done.stderr


def test_a_kafka_that_is_not_there_is_named(tmp_path: Path, photos: Path) -> None:
    done = called("run", photos, "--out", tmp_path / "run", "--bootstrap-servers", "127.0.0.1:1")
    assert done.exit_code == ExitCode.FAILED
    assert "127.0.0.1:1" in done.stderr


def test_a_place_where_no_folder_can_be_is_named(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = called("run", photos, "--out", tmp_path / "file" / "run")
    assert done.exit_code == ExitCode.FAILED
    assert "move away what is in its place, or choose another --out" in done.stderr
    assert "Errno" not in done.stderr


@pytest.mark.parametrize("name", [".avatarrig", ".avatarrig/logs", ".avatarrig/logs/run.log"])
def test_something_else_in_the_place_of_a_runs_file_is_named(
    tmp_path: Path, photos: Path, name: str
) -> None:
    in_the_way = tmp_path / "out" / name
    in_the_way.parent.mkdir(parents=True)
    if in_the_way.suffix:
        in_the_way.mkdir()
        (in_the_way / "something").touch()  # of an empty folder nothing is lost: it makes way
    else:
        in_the_way.write_text("a file")
    done = called("run", photos, "--out", tmp_path / "out")
    assert isinstance(done.exception, SystemExit)
    assert str(in_the_way) in done.output
