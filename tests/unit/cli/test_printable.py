"""Nothing that stands in a file's or a person's name reaches a terminal as it is."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from avatarrig.cli import avatarrig, with_command
from avatarrig.cli.commands.status import _skeletons
from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.screen.printable import say, words
from avatarrig.errors import CommandError
from avatarrig.process.printable import printable
from avatarrig.views.pipeline_status import PipelineStatus, SkeletonStatus

CLI = Path(__file__).parents[3] / "avatarrig"
EVIL = "new\nline\x1b[31mred\x1b]0;title\x07\u202etxt\u2066\x9b2J[bold]x[/bold]"


def test_control_and_direction_characters_are_replaced_and_markup_is_text() -> None:
    console = Console(file=io.StringIO(), width=200, force_terminal=True, highlight=False)
    console.print(words(EVIL))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert shown.count("\n") == 1
    assert not re.search("[\x1b\x07\x9b\u202e\u2066]", shown)
    assert "[bold]x[/bold]" in shown


def test_a_line_is_said_as_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    say(EVIL)
    assert capsys.readouterr().out == printable(EVIL) + "\n"


def test_an_error_that_quotes_a_name_brings_no_escapes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit), fail_clearly():
        raise CommandError(f"no photos in {EVIL}")
    assert "\x1b" not in capsys.readouterr().err


def test_a_line_break_in_a_subject_makes_no_second_row() -> None:
    skeleton = SkeletonStatus(
        subject="new\nline",
        fingerprint="f",
        observations=1,
        used=1,
        stable=0,
        bones=11,
        age=1.0,
        moments=None,
    )
    status = PipelineStatus(
        found=1, waiting=0, in_work=0, observed=1, rejected=0, rejected_by_reason={}, replicas=0,
        photos_per_second=0.0, oldest_waiting=None, groups=[], skeletons=[skeleton],
    )  # fmt: skip
    table = _skeletons(status.skeletons)
    console = Console(file=io.StringIO(), width=120)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    assert len(console.file.getvalue().splitlines()) == 2


def test_no_command_prints_in_another_way() -> None:
    direct = re.compile(
        r"click\.(?:echo|secho)\b|(?<![\w.])print\(|(?<![\w.])Text\(f?\"[^\"]*\{"
        r"|click\.(?:confirm|prompt)\([^)]*\{(?!printable\()"
    )
    folders = (CLI / "cli", CLI / "pipeline")
    found = [
        f"{file.relative_to(CLI)}: {match[0]}"
        for folder in folders
        for file in sorted(folder.rglob("*.py"))
        if file.name != "printable.py"
        for match in direct.finditer(file.read_text())
    ]
    assert found == []


LONG_NUMBERS = [("window", "d"), ("height", "ft"), ("workers", ""), ("measure", "m")]
"""Python refuses to read numbers of so many digits."""

NAME = "bad\x1b[31m\u202ename\u2028\x07\rx"


@pytest.mark.parametrize(
    "arguments",
    [
        [NAME],
        [NAME, "--out"],
        ["run", "a", f"--{NAME}"],
        [f"--{NAME}"],
        *(
            ["run", "a", option, NAME]
            for option in ("--workers", "--height", "--window", "--since")
        ),
        *(["run", "a", f"--{option}", "9" * 5000 + unit] for option, unit in LONG_NUMBERS),
        ["run", "a", "--out", "o", "--reference", NAME],
        ["--config", NAME, "settings"],
        *([command, NAME] for command in ("export", "report", "review", "audit", "calibrate")),
        *([command, NAME, NAME] for command in ("exclude", "include", "fit", "status", "settings")),
        ["export", ".", "--format", NAME],
        ["export", ".", "--names", NAME],
        ["fit", NAME, "--run", NAME],
        ["models", NAME],
        ["models", "list", "--models", NAME],
        ["broker", NAME],
        ["forget", NAME, "--bootstrap-servers", "127.0.0.1:1"],
        ["ingest", f"s3://{NAME}", "--bootstrap-servers", "127.0.0.1:1"],
        ["up", NAME],
        ["tail", NAME],
        *(
            [command, "--bootstrap-servers", NAME]
            for command in ("status", "tail", "topics", "aggregate")
        ),
        ["rejects", "list", "--bootstrap-servers", NAME],
        ["detect", "--allow-root", NAME, "--bootstrap-servers", NAME],
        ["detect", "--out", f"s3://{NAME}", "--bootstrap-servers", "127.0.0.1:1"],
    ],
    ids=lambda arguments: " ".join(arguments).replace(NAME, "NAME"),
)
def test_no_argument_comes_back_with_its_escapes(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))  # a Kafka may run here, with subjects
    said = CliRunner().invoke(avatarrig, with_command(arguments), color=True)
    assert said.output
    assert not isinstance(said.exception, Exception), said.exception
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202a-\u202e]", said.output)


def test_the_name_of_a_settings_file_is_text_and_no_markup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "bad\x1b[31m[bold]x[red].toml"
    Path(name).touch()
    result = CliRunner().invoke(avatarrig, ["--config", name, "settings", "broker"])
    assert result.exit_code == 0, result.exception
    assert result.output.splitlines()[0] == f"settings file: {printable(name)}"
