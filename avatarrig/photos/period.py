"""The time that photos shall be of."""

from __future__ import annotations

import datetime as dt

import msgspec


class Period(msgspec.Struct, frozen=True):
    """Days from which and until which photos count, by capture time in UTC.

    Attributes:
        since: First day; None for any.
        until: Last day; None for any.
    """

    since: dt.date | None = None
    until: dt.date | None = None

    def holds(self, captured_at: float | None) -> bool:
        """Whether a photo was taken then; where anything is asked, one without a time was not.

        Args:
            captured_at: Unix seconds; None where the photo does not say, credibly.
        """
        if self.since is None and self.until is None:
            return True
        if captured_at is None:
            return False
        day = dt.datetime.fromtimestamp(captured_at, dt.UTC).date()
        return (self.since or dt.date.min) <= day <= (self.until or dt.date.max)


ALWAYS = Period()
