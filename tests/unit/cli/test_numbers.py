"""Options that take a number refuse what is none, wherever it comes from."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from avatarrig.cli import avatarrig
from avatarrig.cli.commands import rejects
from avatarrig.errors import CommandError


def number_options() -> list[tuple[str, str]]:
    """Commands and their options that take a number between two others."""
    context = click.Context(avatarrig)
    names = [name for name in avatarrig.list_commands(context) if name in {"run", "up", "ingest"}]
    return [
        (name, option.opts[-1])
        for name in names
        if (command := avatarrig.get_command(context, name)) is not None
        for option in command.params
        if isinstance(option, click.Option) and isinstance(option.type, click.FloatRange)
    ]


def test_there_are_such_options() -> None:
    assert {name for name, _ in number_options()} == {"run", "up", "ingest"}


@pytest.mark.parametrize(("command", "option"), number_options())
@pytest.mark.parametrize("value", ["nan", "-nan", "NaN", "inf", "-inf", "1e999"])
def test_what_is_no_number_is_in_no_range(
    tmp_path: Path, command: str, option: str, value: str
) -> None:
    outcome = CliRunner().invoke(avatarrig, [command, str(tmp_path), f"{option}={value}"])
    assert outcome.exit_code == 2
    assert f"Invalid value for '{option}'" in outcome.output


def test_a_settings_file_may_hold_none_either(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text("[run]\nmin_pose_det = nan\n")
    outcome = CliRunner().invoke(avatarrig, [f"--config={settings}", "run", str(tmp_path)])
    assert outcome.exit_code == 2
    assert "min" in outcome.output


@pytest.mark.parametrize("span", ["1" * 5000 + "d", "9" * 310 + "m", "-1d", "1.5h"])
def test_a_span_that_no_clock_can_count_is_no_time(span: str) -> None:
    with pytest.raises(CommandError, match="is no time"):
        rejects._moment(span)
    assert rejects._moment("999999999d") < 0
