"""All output to a terminal: text from topics and file names, made harmless."""

from __future__ import annotations

import unicodedata
from typing import Final

import click
from rich.text import Text

LONGEST: Final = 2000
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def printable(text: str, most: int = 200) -> str:
    """Replaces control, formatting and direction characters, and cuts what is too long.

    Args:
        most: Characters to keep.
    """
    kept = text if len(text) <= most else text[: most - 1] + "…"
    return "".join(
        _REPLACEMENT if unicodedata.category(character)[0] == "C" else character
        for character in kept
    )


def words(text: str, style: str = "", most: int = LONGEST) -> Text:
    """Gives rich a text that may come from anywhere: no escapes, no markup, one line.

    Args:
        most: Characters to keep.
    """
    return Text(printable(text, most), style=style)


def say(text: str, *, err: bool = False) -> None:
    """Prints a line that may hold text from anywhere.

    Args:
        err: Whether it goes to standard error.
    """
    click.echo(printable(text, LONGEST), err=err)
