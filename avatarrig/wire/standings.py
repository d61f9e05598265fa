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

AUTOMATIC: Final = frozenset(
    {
        AS_SEEN,
        ONLY_COPY,
        Exclusion.DUPLICATE.value,
        Exclusion.GONE.value,
        Exclusion.OUT_OF_PERIOD.value,
    }
)
"""What follows from the dataset alone."""


def as_decided(observation: Observation, standing: str) -> Observation:
    """An observation as it shall be counted.

    Args:
        observation: What the detector saw.
        standing: As for `decided`.
    """
    seen = (observation.excluded, observation.ambiguous)
    excluded, ambiguous = decided(observation.excluded, standing, ambiguous=observation.ambiguous)
    if (excluded, ambiguous) == seen:
        return observation
    return msgspec.structs.replace(observation, excluded=excluded, ambiguous=ambiguous)


def decided(seen: str | None, standing: str, *, ambiguous: bool) -> tuple[str | None, bool]:
    """Lays what was decided over an observation's `excluded` and `ambiguous`.

    Whoever says that a photo counts says that it shows the subject; that the pose is good enough,
    and that the photo is not there twice, nobody can decide.

    Args:
        seen: Why the photo does not count, as the detector saw it.
        standing: `AS_SEEN`, `COUNTS`, `ONLY_COPY`, or why the photo does not count: an
            `Exclusion`; one that this program does not know is like a request.
    """
    is_duplicate = seen is not None and seen.startswith(Exclusion.DUPLICATE)
    match standing:
        case "":
            return seen, ambiguous
        case "only_copy":
            return None if is_duplicate else seen, ambiguous
        case "counts":
            return seen if is_duplicate else None, False
    reason = next((one for one in Exclusion if one == standing), Exclusion.ON_REQUEST)
    return reason.words, ambiguous
