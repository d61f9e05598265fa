"""A length as people write it."""

from __future__ import annotations

import re
from typing import Final

_NUMBER: Final = r"(\d+(?:[.,]\d+)?)"
_METRIC: Final = re.compile(_NUMBER + r"\s*(m|cm|mm|)", re.IGNORECASE)
_INCH_SIGN: Final = r"\s*(?:\"|\u2033|\u201d|''|in\.?|inch(?:es)?)"
_INCHES: Final = re.compile(_NUMBER + _INCH_SIGN, re.IGNORECASE)
_FEET: Final = re.compile(
    r"(\d{1,3})\s*(?:'|\u2032|\u2019|ft\.?|feet|foot)\s*(?:" + _NUMBER + f"(?:{_INCH_SIGN})?)?",
    re.IGNORECASE,
)
_MOST_METRES: Final = 2.8
_METRES: Final = {"m": 1.0, "cm": 0.01, "mm": 0.001}
_INCH, _FOOT = 0.0254, 0.3048


def parse_length(text: str) -> float | None:
    """Turns what a person wrote into metres.

    Args:
        text: ``1.72m``, ``172cm``, ``1,72``, ``172``, ``5'8"``, ``68in``. A bare number is in
            metres up to 2.8, in centimetres beyond.

    Returns:
        Metres; None where it is no length.
    """
    written = text.strip()
    if found := _METRIC.fullmatch(written):
        value, unit = _number(found[1]), found[2].lower()
        return value * _METRES[unit or ("m" if value <= _MOST_METRES else "cm")]
    if found := _INCHES.fullmatch(written):
        return round(_number(found[1]) * _INCH, 5)
    if found := _FEET.fullmatch(written):
        return round(int(found[1]) * _FOOT + _number(found[2] or "0") * _INCH, 5)
    return None


def _number(text: str) -> float:
    return float(text.replace(",", "."))
