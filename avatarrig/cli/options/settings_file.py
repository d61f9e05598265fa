"""The settings file: found, read, and refused where a key or a value does not fit."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import platformdirs

from avatarrig.cli.options.kafka import NAMES, PASSWORD_VARIABLE, SECTION, kafka_options
from avatarrig.errors import CommandError, ExitCode

FILE_NAME = "avatarrig.toml"
NO_SETTINGS = frozenset({"as_json", "help", "version", "config"})
"""Options that belong to one call, not into a file."""

FindCommand = Callable[[str], click.Command | None]
Table = Mapping[str, Any]


def find_settings_file() -> Path | None:
    """Finds the file: in the current folder, or else in this user's configuration folder."""
    for folder in (Path(), platformdirs.user_config_path("avatarrig", appauthor=False)):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


def read_settings_file(file: Path, find_command: FindCommand) -> dict[str, Any]:
    """Reads a settings file and checks every line of it.

    Args:
        file: TOML; a table for each command, by its name, and ``[kafka]`` for all of them.

    Returns:
        Values as they would be typed, by command and option: click's ``default_map``.

    Raises:
        CommandError: Naming the file, the setting, and what is wrong with it.
    """
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _refused(f"{file}: {error}") from error
    commands = {name: find_command(name) for name in tables if name != SECTION}
    commands[SECTION] = _all_of_kafka()
    checked: dict[str, Any] = {}
    for name, table in tables.items():
        command = commands[name]
        if command is None:
            raise _refused(
                f"{file}: [{name}] is no command; tables are called after commands, and "
                f"[{SECTION}] holds how Kafka is reached"
            )
        checked[name] = _checked(file, name, table, command)
    return checked


def settings_of(command: click.Command) -> Iterator[click.Option]:
    """Yields the options of a command that a file may set."""
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.name not in NO_SETTINGS:
            yield parameter


def _all_of_kafka() -> click.Command:
    return click.command(SECTION)(kafka_options(lambda **_: None))


def _checked(file: Path, where: str, table: object, command: click.Command) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise _refused(f"{file}: {where} = {table!r} stands outside of a table such as [run]")
    options = {option.name: option for option in settings_of(command)}
    if where != SECTION:
        options = {name: option for name, option in options.items() if name not in NAMES}
    checked: dict[str, Any] = {}
    for key, value in table.items():
        place = f"{file}: {key} in [{where}]"
        if key in options:
            checked[key] = _value(place, options[key], value)
        elif isinstance(command, click.Group) and (inner := _inner(command, key)) is not None:
            checked[key] = _checked(file, f"{where}.{key}", value, inner)
        else:
            raise _refused(f"{place} is no setting. {_advice(where, key, options)}")
    return checked


def _inner(group: click.Group, name: str) -> click.Command | None:
    return group.get_command(click.Context(group), name)


def _advice(where: str, key: str, options: Mapping[str | None, click.Option]) -> str:
    if key == "password":
        return (
            f"Put the password into a file of its own and name that in password_file, or into "
            f"the environment variable {PASSWORD_VARIABLE}"
        )
    if key in NAMES:
        return f"It belongs in [{SECTION}]"
    known = ", ".join(sorted(name for name in options if name))
    return f"[{where}] has {known}" if known else f"[{where}] has none"


def _value(place: str, option: click.Option, value: object) -> str | list[str]:
    if isinstance(value, list) != option.multiple:
        wanted = 'a list, as in ["a", "b"]' if option.multiple else "one value"
        raise _refused(f"{place} is {value!r}; it takes {wanted}")
    typed = [_typed(each) for each in value] if isinstance(value, list) else _typed(value)
    try:
        option.type_cast_value(click.Context(click.Command("")), typed)
    except click.BadParameter as error:
        raise _refused(f"{place}: {error.message}") from error
    return typed


def _typed(value: object) -> str:
    """Writes a value as a person would type it, so that one way of reading does for all."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _refused(message: str) -> CommandError:
    return CommandError(message.replace(os.linesep, " "), ExitCode.WRONG_USAGE)
