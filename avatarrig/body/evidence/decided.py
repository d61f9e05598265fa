"""What somebody decided about a photo, laid over what was seen in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from avatarrig.body.evidence.counting import DUPLICATE, LEFT_OUT, REASONS

if TYPE_CHECKING:
    from avatarrig.wire import Observation

AS_SEEN: Final = ""
"""Nobody decided, or it was undone."""

COUNTS: Final = "counts"
"""The photo shows the subject, whatever the detector says."""


def as_decided(observation: Observation, standing: str) -> Observation:
    """An observation as it shall be counted.

    Whoever says that a photo counts says that it shows the subject; that the pose is good enough,
    and that the photo is not there twice, nobody can decide.

    Args:
        observation: What the detector saw.
        standing: `AS_SEEN`, `COUNTS`, or the reason for which the photo does not count, a key of
            `REASONS`.
    """
    if standing == AS_SEEN:
        return observation
    if standing != COUNTS:
        excluded = REASONS.get(standing, REASONS[LEFT_OUT])
        return msgspec.structs.replace(observation, excluded=excluded)
    seen = observation.excluded
    if seen is not None and not seen.startswith(DUPLICATE):
        seen = None
    return msgspec.structs.replace(observation, excluded=seen, ambiguous=False)
