"""All output to a terminal: text from topics and file names, made harmless."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from typing import Final

import click
from rich.text import Text

from avatarrig.process.printable import printable

LONGEST: Final = 2000


def words(text: str, style: str = "", most: int = LONGEST) -> Text:
    """Gives rich a text that may come from anywhere: no escapes, no markup, one line.

    Args:
        most: Characters to keep.
    """
    return Text(printable(text, most), style=style)


@contextlib.contextmanager
def errors_of_click() -> Iterator[None]:
    """Makes what click quotes of its arguments harmless: option names, values, files."""
    try:
        yield
    except click.ClickException as error:
        error.message = printable(error.message, LONGEST)
        if isinstance(error, click.FileError):
            error.ui_filename = printable(error.ui_filename, LONGEST)
        raise


def say(text: str, *, err: bool = False) -> None:
    """Prints a line that may hold text from anywhere. `err`: whether it goes to standard error."""
    click.echo(printable(text, LONGEST), err=err)


def replace_what_cannot_be_written() -> None:
    """Has a question mark stand for each character that standard output cannot take.

    Its encoding is the user's: Latin-1, a Windows code page, ASCII.
    """
    stream = sys.stdout
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        stream.reconfigure(errors="replace")
