"""Lengths of bones that were measured, as an option."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from avatarrig.body.tape.measure import EXAMPLE, NAMES, MeasureError, parse_measure, together
from avatarrig.wire.estimate import Measured

if TYPE_CHECKING:
    from click import Context, Parameter

_AnyCallable = TypeVar("_AnyCallable", bound=Callable[..., Any])


class _Measure(click.ParamType):  # type: ignore[type-arg,unused-ignore] # generic since click 8.4
    """Accepts ``forearm=26cm`` or ``forearm=26cm+-0.5cm``; gives the bone and its length."""

    name = "bone=length"

    def convert(
        self, value: object, param: Parameter | None, ctx: Context | None
    ) -> tuple[str, Measured]:
        """Reads what was typed."""
        if isinstance(value, tuple):
            return value
        try:
            return parse_measure(str(value))
        except MeasureError as error:
            self.fail(str(error), param, ctx)


def _together(
    ctx: Context, param: Parameter, given: tuple[tuple[str, Measured], ...]
) -> dict[str, Measured]:
    try:
        return together(given)
    except MeasureError as error:
        raise click.BadParameter(str(error), ctx, param) from error


HELP: Final = (
    f"A length that was measured from joint to joint, such as {EXAMPLE}; one for each of {NAMES}. "
    "Its standard error is 1 % unless said. With a height, or another length, it is evidence "
    "beside the photos."
)


def measure_option(command: _AnyCallable) -> _AnyCallable:
    """Adds ``--measure``: a dictionary by key of an estimate, as ``measured``."""
    option = click.option(
        "--measure", "measured", type=_Measure(), multiple=True, callback=_together, help=HELP
    )
    return option(command)
