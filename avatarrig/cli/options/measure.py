"""What somebody measured of a person, as options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import click

from avatarrig.body.tape.measure import (
    EXAMPLE,
    NAMES,
    MeasureError,
    check_measures,
    parse_measure,
    together,
)
from avatarrig.cli.options.gathering import gathered
from avatarrig.cli.options.height import HEIGHT
from avatarrig.pipeline.request import Measuring
from avatarrig.wire.estimate import Measured

if TYPE_CHECKING:
    from click import Context, Parameter

NONE: Final = "none"
"""Takes back what was told before."""


def check_one_measured(measuring: Measuring, *, subject_from_folder: bool) -> None:
    """Refuses to measure several people with one tape.

    Raises:
        click.UsageError: Both are asked for.
    """
    if measuring.measured and subject_from_folder:
        raise click.UsageError("--measure is of one person, --subject-from-folder of several")


class _Length(NamedTuple):
    """One length, as it was typed and as it was read."""

    typed: str
    key: str
    measured: Measured

    def __str__(self) -> str:
        return self.typed


class _Measure(click.ParamType):  # type: ignore[type-arg,unused-ignore] # generic since click 8.4
    """Accepts ``forearm=26cm`` or ``forearm=26cm+-0.5cm``; gives the bone and its length."""

    name = "bone=length"

    def convert(self, value: object, param: Parameter | None, ctx: Context | None) -> _Length | str:
        """Reads what was typed."""
        if isinstance(value, _Length):
            return value
        text = str(value)
        if text.strip().lower() == NONE:
            return NONE
        try:
            return _Length(text, *parse_measure(text))
        except MeasureError as error:
            self.fail(str(error), param, ctx)


def _measuring(height: float | None, measure: tuple[_Length | str, ...]) -> Measuring:
    lengths = [given for given in measure if isinstance(given, _Length)]
    if lengths and len(lengths) < len(measure):
        raise click.UsageError("--measure none takes all lengths back: give it alone")
    try:
        found = together((length.key, length.measured) for length in lengths)
        check_measures(found, height)
    except MeasureError as error:
        raise click.UsageError(f"--measure: {error}") from error
    return Measuring(height, found, told=bool(measure) or height is not None)


measuring_options: Final = gathered(
    "measuring",
    _measuring,
    click.option("--height", type=HEIGHT, help="The person's height, such as 1.72m; gives metres."),
    click.option(
        "--measure",
        type=_Measure(),
        multiple=True,
        help=f"A length that was measured from joint to joint, such as {EXAMPLE}; one for each of "
        f"{NAMES}. Its standard error is 1 % unless said. With a height, or another length, it is "
        "evidence beside the photos. Aggregators remember it; 'none' takes all back.",
    ),
)
"""Gives a command ``--height`` and ``--measure``, as ``measuring``."""
