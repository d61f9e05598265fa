"""What is wrong with an avatar, told so that its owner can act on it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np

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


@contextlib.contextmanager
def said_where_damaged() -> Iterator[None]:
    """Turns whatever a file that breaks its own format leads to into words.

    Raises:
        AvatarFileError: The file breaks its format.
    """
    try:
        with np.errstate(divide="raise", invalid="raise"):
            yield
    except (AvatarFileError, UnfitAvatarError):
        raise
    except (
        LookupError,
        TypeError,
        AttributeError,
        ValueError,
        ArithmeticError,
        MemoryError,
    ) as error:
        raise AvatarFileError(
            f"the avatar is no valid glTF ({type(error).__name__}: {error}): "
            "export it anew, or have a look at it with a glTF validator"
        ) from error
