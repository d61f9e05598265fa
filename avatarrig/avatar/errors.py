"""What is wrong with an avatar, told so that its owner can act on it."""

from __future__ import annotations

from avatarrig.errors import AvatarRigError, ExitCode


class AvatarFileError(AvatarRigError, ValueError):
    """A file is no avatar that can be read; the message says what is wrong and what to do."""

    exit_code = ExitCode.WRONG_USAGE


class UnfitAvatarError(AvatarRigError, ValueError):
    """An avatar lacks what a fit needs; nothing is written.

    Args:
        message: What is missing or found twice.
        template: A ``--map`` file to fill in: humanoid bone to the name of a node; None where a
            map would not help.
    """

    def __init__(self, message: str, template: dict[str, object] | None = None) -> None:
        super().__init__(message)
        self.template = template
