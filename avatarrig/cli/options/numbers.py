"""Numbers between two others, as options take them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click import Context, Parameter


class Within(click.FloatRange):
    """A number in a range; ``nan``, which is neither above nor below any, is in none."""

    def convert(self, value: object, param: Parameter | None, ctx: Context | None) -> object:
        """Reads it, or says why it is none."""
        number = super().convert(value, param, ctx)
        if isinstance(number, float) and math.isnan(number):
            self.fail(f"{value} is not in the range {self._describe_range()}.", param, ctx)
        return number
