"""What a run asks when it is done, and what no answer does."""

from __future__ import annotations

import io
from pathlib import Path
from typing import NoReturn
from unittest.mock import patch

import pytest
from click.testing import CliRunner

from avatarrig.cli.commands.run import run
from avatarrig.errors import ExitCode
from avatarrig.pipeline.run import Outcome


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class CtrlC(Terminal):
    """A terminal at which somebody presses Ctrl-C instead of answering."""

    def readline(self, _: int | None = -1, /) -> NoReturn:
        raise KeyboardInterrupt


@pytest.mark.parametrize("answers", [Terminal("n\n"), Terminal(""), CtrlC()])
def test_a_run_is_done_whatever_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: Terminal
) -> None:
    said = Terminal()
    monkeypatch.setattr("sys.stdin", answers)
    monkeypatch.setattr("sys.stdout", said)
    done = Outcome(ExitCode.DONE, {"found": 6}, departed=3)
    with (
        patch("avatarrig.pipeline.run.run_photos", return_value=done) as carried_out,
        pytest.raises(SystemExit) as ended,
    ):
        run.main([str(tmp_path), "--out", str(tmp_path / "run"), "--json"])
    assert carried_out.call_count == 1
    assert ended.value.code == 0
    assert "Shall the 3 photos" in said.getvalue()
    assert said.getvalue().endswith('{"found":6}\n')


@pytest.mark.parametrize(
    "options", [["--since", ""], ["--until", ""], ["--until", "undated"], ["--person", " "]]
)
def test_a_question_that_is_none_is_refused(tmp_path: Path, options: list[str]) -> None:
    """As of a script whose variable is empty: nothing would count, or everybody."""
    said = CliRunner().invoke(run, [str(tmp_path), *options])
    assert said.exit_code == ExitCode.WRONG_USAGE
    assert options[0] in said.output
