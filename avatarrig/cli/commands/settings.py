"""``avatarrig settings``: every setting, its value, and where that came from."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import click
import msgspec
from click.core import ParameterSource
from rich.table import Table

from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.options.kafka import NAMES, PASSWORD_VARIABLE, SECTION, KafkaOption
from avatarrig.cli.options.settings_file import settings_of
from avatarrig.cli.screen.console import make_console
from avatarrig.cli.screen.printable import say, words


class Setting(msgspec.Struct, frozen=True):
    """One setting.

    Attributes:
        name: Table and key in the settings file, such as ``run.workers``.
        value: As it would be typed; None where it is not set.
        source: ``default``, the environment variable, or the file.
        variable: Environment variable that sets it.
    """

    name: str
    value: str | None
    source: str
    variable: str


@click.command("settings")
@click.argument("names", nargs=-1, metavar="[TABLE]...")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@click.pass_context
def settings(context: click.Context, names: tuple[str, ...], *, as_json: bool) -> None:
    """List every setting, its value and where it came from; or only those of some TABLEs.

    A flag goes before an environment variable, that before the settings file, and that before
    the default. A table is called after its command; [kafka] holds for all of them. The file is
    avatarrig.toml in the current folder, or in this user's configuration folder, or what
    --config or AVATARRIG_CONFIG names. Secrets are never shown. Environment variables that look
    like settings but set nothing are told of.
    """
    root = context.find_root()
    file: Path | None = root.obj
    with fail_clearly():
        found = list(_all_settings(root, file))
    listed = [each for each in found if not names or each.name.split(".")[0] in names]
    if as_json:
        sys.stdout.write(msgspec.json.encode(listed).decode() + "\n")
        return
    console = make_console()
    say(f"settings file: {file or 'none'}")
    console.print(_table(listed))
    for variable, meant in _likely_mistakes(found, root.auto_envvar_prefix):
        say(f"{variable} in the environment sets nothing: {meant} would.", err=True)


def _likely_mistakes(found: list[Setting], ours: str | None) -> Iterator[tuple[str, str]]:
    """Finds variables that set nothing, but look as if they were to; with what they may mean."""
    known = {setting.variable for setting in found}
    for variable in sorted(os.environ):
        prefix, _, rest = variable.partition("_")
        if prefix != ours or variable in known:
            continue
        meant = sorted(name for name in known if name.endswith(f"_{rest}"))
        meant = meant or difflib.get_close_matches(variable, known, cutoff=0.85)
        if meant:
            yield variable, " or ".join(meant)


def _all_settings(root: click.Context, file: Path | None) -> Iterator[Setting]:
    group = cast("click.Group", root.command)
    kafka: dict[str, Setting] = {}
    others: list[Setting] = []
    for name in group.list_commands(root):
        command = group.get_command(root, name)
        if command is not None and name != "settings":
            _gather(command, name, root, file, kafka=kafka, others=others)
    yield from (kafka[name] for name in NAMES if name in kafka)
    is_set = PASSWORD_VARIABLE in os.environ
    yield Setting(
        f"{SECTION}.password",
        "set" if is_set else None,
        PASSWORD_VARIABLE if is_set else "default",
        PASSWORD_VARIABLE,
    )
    yield from others


def _gather(
    command: click.Command,
    name: str,
    parent: click.Context,
    file: Path | None,
    *,
    kafka: dict[str, Setting],
    others: list[Setting],
) -> None:
    context = command.make_context(command.name, [], parent, resilient_parsing=True)
    for option in settings_of(command):
        key = option.name or ""
        if isinstance(option, KafkaOption):
            kafka.setdefault(key, _setting(option, f"{SECTION}.{key}", context, file))
        else:
            others.append(_setting(option, f"{name}.{key}", context, file))
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            if found is not None:
                _gather(found, f"{name}.{inner}", context, file, kafka=kafka, others=others)


def _setting(option: click.Option, name: str, context: click.Context, file: Path | None) -> Setting:
    source = context.get_parameter_source(option.name or "")
    variable = _variable(option, context)
    where = {ParameterSource.ENVIRONMENT: variable, ParameterSource.DEFAULT_MAP: str(file)}
    return Setting(
        name,
        _shown(context.params.get(option.name or "")),
        where.get(source or ParameterSource.DEFAULT, "default"),
        variable,
    )


def _variable(option: click.Option, context: click.Context) -> str:
    if isinstance(option.envvar, str):
        return option.envvar
    return f"{context.auto_envvar_prefix}_{(option.name or '').upper()}"


def _shown(value: object) -> str | None:
    if value is None or value == ():
        return None
    if isinstance(value, tuple):
        return ", ".join(str(each) for each in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _table(listed: list[Setting]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("setting", "value", "from"):
        table.add_column(column, overflow="fold")
    for setting in listed:
        style = "dim" if setting.source == "default" else ""
        value = "not set" if setting.value is None else setting.value
        table.add_row(words(setting.name), words(value), words(setting.source), style=style)
    return table
