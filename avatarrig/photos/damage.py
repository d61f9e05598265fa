"""Parsers of damaged files raise almost anything, and none of it may cost the photo."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def unless_damaged(read: Callable[[], Value], otherwise: Value) -> Value:
    """Reads something of a file; what cannot be read is like what is not there."""
    try:
        return read()
    except Exception:  # noqa: BLE001 - see above
        return otherwise
