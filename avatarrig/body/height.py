"""A person's height as people write it."""

from __future__ import annotations

import re
from typing import Final

from avatarrig.errors import AvatarRigError

SHORTEST, TALLEST = 0.4, 2.8
"""Metres between which a height is believed."""
SPELLINGS: Final = "1.72m, 172cm, 1.72, 172 or 5'8\""

_METRIC: Final = re.compile(r"(\d+(?:[.,]\d+)?)\s*(m|cm|)", re.IGNORECASE)
_FEET: Final = re.compile(
    r"(\d+)\s*(?:'|\u2032|\u2019|ft\.?|feet|foot)\s*(?:(\d+(?:[.,]\d+)?)\s*(?:\"|\u2033|\u201d|''|in\.?|inch(?:es)?)?)?",
    re.IGNORECASE,
)
_LEAST_CENTIMETRES: Final = 40
_INCH, _FOOT = 0.0254, 0.3048


class HeightError(AvatarRigError, ValueError):
    """What was written is no height of a person; the message says what one looks like."""


def parse_height(text: str) -> float:
    """Turns what a person wrote into metres.

    Args:
        text: ``1.72m``, ``172cm``, ``1,72``, ``172``, ``5'8"``. A bare number is in metres up to
            2.8, in centimetres from 40 on.

    Raises:
        HeightError: It is none of these, or nobody is that tall.
    """
    written = text.strip()
    metres = _metric(written)
    if metres is None:
        metres = _imperial(written)
    if metres is None:
        raise HeightError(f"{text!r} is no height: write {SPELLINGS}")
    if not SHORTEST <= metres <= TALLEST:
        raise HeightError(f"nobody is {metres:g} m tall: from {SHORTEST} to {TALLEST} m")
    return metres


def _metric(written: str) -> float | None:
    found = _METRIC.fullmatch(written)
    if not found:
        return None
    value, unit = float(found[1].replace(",", ".")), found[2].lower()
    in_centimetres = unit == "cm" or (not unit and value >= _LEAST_CENTIMETRES)
    return value / 100 if in_centimetres else value


def _imperial(written: str) -> float | None:
    found = _FEET.fullmatch(written)
    if not found:
        return None
    inches = float((found[2] or "0").replace(",", "."))
    return round(int(found[1]) * _FOOT + inches * _INCH, 4)
