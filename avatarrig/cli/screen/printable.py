"""Text from topics and file names, made harmless for a terminal."""

from __future__ import annotations

import unicodedata
from typing import Final

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def printable(text: str, most: int = 200) -> str:
    """Replaces control, formatting and direction characters, and cuts what is too long.

    Args:
        text: From anywhere.
        most: Characters to keep.
    """
    kept = text if len(text) <= most else text[: most - 1] + "…"
    return "".join(
        _REPLACEMENT if unicodedata.category(character)[0] == "C" else character
        for character in kept
    )
