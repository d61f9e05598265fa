"""A person's height as an option's value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from avatarrig.body.height import HeightError, parse_height

if TYPE_CHECKING:
    from click import Context, Parameter


class HeightType(click.ParamType):  # type: ignore[type-arg,unused-ignore] # generic since click 8.4
    """Accepts ``1.72m``, ``172cm``, ``1,72``, ``172`` or ``5'8"``, and gives metres."""

    name = "height"

    def convert(self, value: object, param: Parameter | None, ctx: Context | None) -> float:
        """Turns what was typed into metres."""
        if isinstance(value, float):
            return value
        try:
            return parse_height(str(value))
        except HeightError as error:
            self.fail(str(error), param, ctx)


HEIGHT: Final = HeightType()
