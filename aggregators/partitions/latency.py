"""Since when photos wait for the estimate that contains them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from avatarrig.wire.keys import Series


class LatencyClock:
    """Remembers, for each series, the photo that has waited longest. Nothing depends on it."""

    def __init__(self) -> None:
        self._since: dict[Series, float] = {}

    def add(self, series: Series, found_at: float | None) -> None:
        """Notes a photo.

        Args:
            found_at: When it was found, Unix seconds; None where that is not known.
        """
        if found_at is not None:
            self._since[series] = min(found_at, self._since.get(series, found_at))

    def take(self, series: Series) -> float | None:
        """Returns since when the oldest one has waited, and forgets it; None where none has."""
        return self._since.pop(series, None)
