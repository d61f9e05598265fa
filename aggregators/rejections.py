"""Messages that are rejected."""

from __future__ import annotations

import msgspec


class Rejection(msgspec.Struct, frozen=True):
    """A message that could not be taken in.

    Attributes:
        offset: Its offset.
        reason: Short code: ``malformed``, ``evidence`` or ``unexpected``.
        message: What is wrong.
    """

    offset: int
    reason: str
    message: str
