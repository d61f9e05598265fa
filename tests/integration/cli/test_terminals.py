"""Commands write to whatever terminal, or file, their user has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from avatarrig.errors import ExitCode


def settings_printed(**environment: str) -> subprocess.CompletedProcess[bytes]:
    """What a command prints that has a letter outside of ASCII, and one outside of Latin-1."""
    asked = {"AVATARRIG_RUN_SUBJECT": "Zoë –", "PYTHONUTF8": "0"} | environment
    return subprocess.run(
        (sys.executable, "-m", "avatarrig", "settings", "run"),
        env=os.environ | asked,
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("encoding", "written"),
    [("ascii", b"Zo? ?"), ("latin-1", b"Zo\xeb ?"), ("cp1252", b"Zo\xeb \x96")],
)
def test_what_a_terminal_cannot_write_is_a_question_mark(encoding: str, written: bytes) -> None:
    printed = settings_printed(PYTHONIOENCODING=encoding, COLUMNS="200")
    assert printed.returncode == 0, printed.stderr
    assert written in printed.stdout


@pytest.mark.parametrize("size", ["0", "1"])
def test_a_terminal_that_says_to_have_no_width_is_written_to(size: str) -> None:
    printed = settings_printed(PYTHONIOENCODING="utf-8", COLUMNS=size, LINES=size)
    assert printed.returncode == 0, printed.stderr
    assert len(printed.stdout.splitlines()) > 20
    if size == "0":
        assert "Zoë –".encode() in printed.stdout


def test_a_full_disk_behind_standard_output_is_told_in_a_line() -> None:
    with Path("/dev/full").open("wb") as full:
        printed = subprocess.run(
            (sys.executable, "-m", "avatarrig", "settings"),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert printed.returncode == ExitCode.CANNOT_WRITE
    (line,) = printed.stderr.decode().splitlines()
    assert "cannot be written (No space left on device)" in line


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_command_whose_standard_streams_are_closed_does_what_it_shall(
    closed: str, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    program = (
        "import os, pathlib, sys, avatarrig.cli.screen.printable as p; "
        "p.prepare_standard_streams(); "
        "print('x'); print('x', file=sys.stderr); sys.stdin.read(); "
        f"pathlib.Path({str(told)!r}).write_text(str([os.get_inheritable(n) for n in (0, 1, 2)]))"
    )
    run = ("sh", "-c", f'"$0" "$@" {closed}', sys.executable, "-c", program)
    subprocess.run(run, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    assert told.read_text() == "[True, True, True]"
    command = f'"$0" -m avatarrig settings {closed}'
    subprocess.run(("sh", "-c", command, sys.executable), check=True, capture_output=True)
