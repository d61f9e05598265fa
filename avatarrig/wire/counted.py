"""Numbers of things, in words for people."""

from __future__ import annotations


def counted(count: int, thing: str, things: str | None = None) -> str:
    """Writes a number and what it counts, such as ``1 photo`` and ``1,200 photos``.

    Args:
        thing: The word for one.
        things: The word for several; that for one with an s unless it is given.
    """
    return f"{count:,} {thing if count == 1 else things or f'{thing}s'}"
