"""What the mathematics refuses to read."""

from __future__ import annotations

from avatarrig.errors import AvatarRigError


class StateRefusedError(AvatarRigError, ValueError):
    """Bytes that should hold statistics do not, or hold those of another version."""


class ImpossibleEstimateError(AvatarRigError, ValueError):
    """No estimate can be made of statistics, for they are such as no photos give."""


class OutdatedStateError(StateRefusedError):
    """Statistics of an older format: whoever made them sends them again, in today's."""


class LearnedRefusedError(AvatarRigError, ValueError):
    """What was learned does not fit the detector or the evidence that it is used with."""
