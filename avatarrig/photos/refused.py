"""The one error that says why a photo cannot be used."""

from __future__ import annotations

from typing import Literal

Reason = Literal[
    "empty",
    "unreadable",
    "truncated_beyond_use",
    "too_large",
    "too_small",
    "unsupported",
    "missing",
    "changed",
    "permission",
    "not_a_file",
    "outside_roots",
    "crashed",
    "timed_out",
    "detector_failed",
]
"""Short codes that scripts can count; the message beside it is for a person."""


class PhotoRefusedError(Exception):
    """A photo cannot be used.

    Attributes:
        reason: Short code for scripts.
        message: What is wrong and what to do, for a person.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(reason, message)
        self.reason: Reason = reason
        self.message = message

    def __str__(self) -> str:
        return f"{self.message} [{self.reason}]"
