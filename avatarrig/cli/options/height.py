"""A person's height as people write it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from click import Context, Parameter

_WRITTEN: Final = re.compile(r"(\d+(?:[.,]\d+)?)\s*(m|cm)", re.IGNORECASE)
_LOWEST, _HIGHEST = 0.4, 2.8


class HeightType(click.ParamType):  # type: ignore[type-arg,unused-ignore] # generic since click 8.4
    """Accepts ``1.72m`` or ``172cm`` and gives metres."""

    name = "height"

    def convert(self, value: object, param: Parameter | None, ctx: Context | None) -> float:
        """Turns what was typed into metres; a unit is needed, since 1.72 may be anything."""
        if isinstance(value, float):
            return value
        written = _WRITTEN.fullmatch(str(value).strip())
        if not written:
            self.fail(f"{value!r} is no height: write 1.72m or 172cm", param, ctx)
        metres = float(written[1].replace(",", "."))
        if written[2].lower() == "cm":
            metres /= 100
        if not _LOWEST <= metres <= _HIGHEST:
            self.fail(f"nobody is {metres:g} m tall: from {_LOWEST} to {_HIGHEST} m", param, ctx)
        return metres


HEIGHT: Final = HeightType()
