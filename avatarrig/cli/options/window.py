"""How people say a span of days on the command line."""

from __future__ import annotations

import re
from typing import Final

import click

_SPAN: Final = re.compile(r"(\d{1,5})\s*(d|w)", re.IGNORECASE)
_DAYS: Final = {"d": 1, "w": 7}


class _Window(click.ParamType):
    """A window as ``30d`` or ``4w``, in days."""

    name = "window"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Reads a window; click calls it again on what it has read."""
        if isinstance(value, int):
            return value
        match = _SPAN.fullmatch(value.strip())
        days = int(match[1]) * _DAYS[match[2].lower()] if match else 0
        if not days:
            self.fail(f"{value!r} is no window; write 30d for days or 4w for weeks", param, ctx)
        return days


WINDOW: Final = _Window()
"""For options such as ``--window``; gives days."""
