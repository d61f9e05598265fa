"""The one error that says why a photo cannot be used."""

from __future__ import annotations

from avatarrig.errors import AvatarRigError
from avatarrig.wire.reasons import RejectReason


class PhotoRefusedError(AvatarRigError):
    """A photo cannot be used."""

    def __init__(self, reason: RejectReason, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self._message = message

    @property
    def message(self) -> str:
        """What is wrong and what to do, for a person."""
        return self._message

    def __str__(self) -> str:
        return f"{self.message} [{self.reason}]"
