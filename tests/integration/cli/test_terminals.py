"""Commands write to whatever terminal, or file, their user has."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


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
