"""All output to a terminal: text from topics and file names, made harmless."""

from __future__ import annotations

import contextlib
import io
import os
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


def prepare_standard_streams() -> None:
    """Makes sure that there are all three, and that output never fails for a character.

    Whoever starts a command may have closed some: the next file to be opened would take the
    place, and what a child process prints would go into it. What the encoding of standard output
    has no character for, such as Latin-1, a Windows code page or ASCII, is a question mark.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)  # takes the lowest that is free: this one
            copy = os.dup(nowhere)
            os.dup2(copy, number)  # for child processes, too
            os.close(copy)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
    stream = sys.stdout
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        stream.reconfigure(errors="replace")


def give_up_standard_output() -> None:
    """Has what is still to be printed go nowhere: it cannot be written."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
