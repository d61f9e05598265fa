"""Options that belong together, given to a command as one argument."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = Callable[..., Any]
Decorator = Callable[[Command], Command]
MadeT = TypeVar("MadeT")


def gathered(argument: str, make: Callable[..., MadeT], *options: Decorator) -> Decorator:
    """Gives a command options; it is called with one argument for them all.

    Args:
        make: Makes the argument's value; is called with the options' values by their names.
        options: As ``click.option`` and ``click.argument`` make them, in the order of the help.
    """
    names = _names(options)

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def called(**given: Any) -> object:
            made = make(**{name: given.pop(name) for name in names})
            return command(**{argument: made}, **given)

        decorated: Command = called
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


def _names(options: tuple[Decorator, ...]) -> list[str]:
    """Names of the parameters that options stand for."""

    def probe() -> None:
        """Carries the parameters, as click hangs them on a function."""

    for option in options:
        option(probe)
    parameters: list[click.Parameter] = probe.__dict__["__click_params__"]
    return [parameter.name for parameter in parameters if parameter.name]
