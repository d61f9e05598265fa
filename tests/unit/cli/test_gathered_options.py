"""Options that belong together reach a command as one argument."""

from __future__ import annotations

import click
from click.testing import CliRunner

from avatarrig.cli.options.gathering import gathered


def _sum(*, one: int, two: int) -> int:
    return one + two


both = gathered("total", _sum, click.option("--one", default=1), click.option("--two", default=2))


def test_options_are_one_argument_beside_others_and_keep_their_order() -> None:
    @click.command()
    @both
    @click.option("--name")
    def command(*, total: int, name: str) -> None:
        click.echo(f"{name} {total}")

    assert CliRunner().invoke(command, ["--two", "5", "--name", "x"]).output == "x 6\n"
    assert [parameter.name for parameter in command.params] == ["one", "two", "name"]
