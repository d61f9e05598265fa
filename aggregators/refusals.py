"""Messages that are set aside."""

from __future__ import annotations

import msgspec


class Refusal(msgspec.Struct, frozen=True):
    """A message that could not be taken in.

    Attributes:
        offset: Its offset.
        reason: Short code: ``malformed``, ``evidence``, ``tally`` or ``estimate``.
        message: What is wrong.
    """

    offset: int
    reason: str
    message: str
