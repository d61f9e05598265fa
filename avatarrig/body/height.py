"""A person's height as people write it."""

from __future__ import annotations

from typing import Final

from avatarrig.body.tape.length import parse_length
from avatarrig.errors import AvatarRigError

SHORTEST, TALLEST = 0.4, 2.8
"""Metres between which a height is believed."""
SPELLINGS: Final = "1.72m, 172cm, 1.72, 172 or 5'8\""


class HeightError(AvatarRigError, ValueError):
    """What was written is no height of a person; the message says what one looks like."""


def parse_height(text: str) -> float:
    """Turns what a person wrote into metres.

    Args:
        text: See `parse_length`.

    Raises:
        HeightError: It is no length, or nobody is that tall.
    """
    metres = parse_length(text)
    if metres is None:
        raise HeightError(f"{text!r} is no height: write {SPELLINGS}")
    if not SHORTEST <= metres <= TALLEST:
        raise HeightError(f"nobody is {metres:g} m tall: from {SHORTEST} to {TALLEST} m")
    return metres
