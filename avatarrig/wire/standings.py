"""What somebody decided about a photo, laid over what was seen in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from avatarrig.wire.reasons import Exclusion

if TYPE_CHECKING:
    from avatarrig.wire import Observation

AS_SEEN: Final = ""
"""Nobody decided, or it was undone."""

COUNTS: Final = "counts"
"""The photo shows the subject, whatever the detector says."""

ONLY_COPY: Final = "only_copy"
"""The photo with the same bytes is no longer there."""

_REASONS: Final[dict[str, Exclusion]] = {reason.value: reason for reason in Exclusion}


def as_decided(observation: Observation, standing: str) -> Observation:
    """An observation as it shall be counted.

    Whoever says that a photo counts says that it shows the subject; that the pose is good enough,
    and that the photo is not there twice, nobody can decide.

    Args:
        observation: What the detector saw.
        standing: `AS_SEEN`, `COUNTS`, `ONLY_COPY`, or why the photo does not count: an
            `Exclusion`; one that this program does not know is like a request.
    """
    seen = observation.excluded
    is_duplicate = seen is not None and seen.startswith(Exclusion.DUPLICATE)
    match standing:
        case "":
            return observation
        case "only_copy":
            return msgspec.structs.replace(observation, excluded=None if is_duplicate else seen)
        case "counts":
            return msgspec.structs.replace(
                observation, excluded=seen if is_duplicate else None, ambiguous=False
            )
    reason = next((one for one in Exclusion if one == standing), Exclusion.ON_REQUEST)
    return msgspec.structs.replace(observation, excluded=reason.words)
