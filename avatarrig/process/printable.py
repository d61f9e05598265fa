"""Text from topics, photos and file names, made harmless for a terminal."""

from __future__ import annotations

import unicodedata
from typing import Final

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_LINE_BREAKS: Final = {"Zl", "Zp"}


def printable(text: str, most: int = 200) -> str:
    """Replaces control, formatting, direction and line characters, and cuts what is too long.

    Args:
        most: Characters to keep.
    """
    kept = text if len(text) <= most else text[: most - 1] + "…"
    return "".join(_REPLACEMENT if _is_harmful(character) else character for character in kept)


def _is_harmful(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] == "C" or category in _LINE_BREAKS
