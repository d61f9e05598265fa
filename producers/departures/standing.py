"""How photos stand about which nobody decided by hand: the same in runs and services."""

from __future__ import annotations

from avatarrig.photos.period import Period
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.standings import AS_SEEN, ONLY_COPY


def standing_there(
    captured_at: float | None, period: Period, *, is_copy: bool, seen_as_copy: bool
) -> str:
    """Tells how a photo shall stand that is there.

    Args:
        captured_at: Unix seconds; None where the file does not say.
        period: When photos that count were taken.
        is_copy: Whether the dataset has the same picture in an earlier photo.
        seen_as_copy: Whether it was so when the photo was observed.
    """
    if not period.holds(captured_at):
        return Exclusion.OUT_OF_PERIOD.value
    if is_copy == seen_as_copy:
        return AS_SEEN
    # Which one of several copies counts is the first that is there.
    return Exclusion.DUPLICATE.value if is_copy else ONLY_COPY
