"""What writes tables and styled text for people, whatever size their terminal says to have."""

from __future__ import annotations

from typing import Final

from rich.console import Console

_USUAL_WIDTH: Final = 80
_USUAL_HEIGHT: Final = 25


def make_console(*, stderr: bool = False) -> Console:
    """Makes what writes tables and styled text.

    A size of nothing, which some shells and schedulers tell in COLUMNS and LINES, is no size.

    Args:
        stderr: Whether it writes to standard error.
    """
    console = Console(stderr=stderr, highlight=False)
    width, height = console.size
    if width < 1:
        console.width = _USUAL_WIDTH
    if height < 1:
        console.height = _USUAL_HEIGHT
    return console
