"""The one error that says why a photo cannot be used."""

from __future__ import annotations

from avatarrig.wire.reasons import RejectReason


class PhotoRefusedError(Exception):
    """A photo cannot be used.

    Attributes:
        reason: Short code for scripts.
        message: What is wrong and what to do, for a person.
    """

    def __init__(self, reason: RejectReason, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return f"{self.message} [{self.reason}]"
