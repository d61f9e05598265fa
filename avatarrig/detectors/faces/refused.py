"""What can be wrong with references, and how a place in one is named."""

from __future__ import annotations

from avatarrig.errors import AvatarRigError, ExitCode

Point = tuple[float, float]
"""A place in shares of the upright picture's width and height."""


class ReferenceRefusedError(AvatarRigError, ValueError):
    """A reference does not show whom to look for; names the photo and says what to do."""

    exit_code = ExitCode.WRONG_USAGE


class SeveralFacesError(ReferenceRefusedError):
    """A reference shows several people, and nobody said who is meant.

    Attributes:
        places: The middles of their faces, from left to right.
    """

    def __init__(self, message: str, places: tuple[Point, ...]) -> None:
        super().__init__(message)
        self.places = places
