"""Days, months, years: how finely statistics are kept apart by capture time.

A bucket is named by an ISO date cut short: ``2026-11-22``, ``2026-11``, ``2026``, or nothing at
all for what is older. Recent days are kept apart; months, then years, take over with age, so
that a tally stays small for ever. How finely a day is kept depends on nothing but the newest
month in the tally, and finer buckets nest in coarser ones: neither the order of photos nor the
order of merges can change the result.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Final

DAILY_MONTHS: Final = 3
"""Months whose days are kept apart, the newest included: any 59 days are exact."""

MONTHLY_MONTHS: Final = 18
"""Months kept apart as a whole, those with days included."""

YEARLY_YEARS: Final = 8
"""Years kept apart, the newest included; what is older goes together."""

MAX_BUCKETS: Final = 31 * DAILY_MONTHS + MONTHLY_MONTHS + YEARLY_YEARS + 2
"""No tally has more."""

OLDER: Final = ""
UNDATED: Final = "undated"
"""Of photos that do not tell when they were taken: in no window, however long."""
_FULL_DAY, _FULL_MONTH, _FULL_YEAR = 10, 7, 4
_LAST_SECOND = 253370764799.0  # of the year 9998, so that every month has a next one
_CLOCKS_DIFFER_BY = 86_400.0  # a camera in another time zone is at most a day ahead


def capture_moment(captured_at: float | None, found_at: float) -> float:
    """Returns when a photo was taken, as Unix seconds that a date can name.

    The time it was found stands in where the photo does not say, or names a time before 1970
    or more than a day after it was found: a camera whose clock runs ahead must not age all others.

    Args:
        captured_at: Unix seconds; None where the photo does not say.
        found_at: Unix seconds.
    """
    seconds = credible(captured_at, found_at)
    if seconds is None:
        seconds = found_at
    if not math.isfinite(seconds):
        seconds = 0.0
    return min(max(seconds, 0.0), _LAST_SECOND)


def credible(captured_at: float | None, found_at: float) -> float | None:
    """Returns when a photo says that it was taken, or None where it does not, or cannot be right.

    Args:
        captured_at: Unix seconds; None where the photo does not say.
        found_at: Unix seconds.
    """
    if captured_at is not None and 0 <= captured_at <= found_at + _CLOCKS_DIFFER_BY:
        return min(captured_at, _LAST_SECOND)
    return None


def capture_day(captured_at: float | None, found_at: float) -> str:
    """Returns the day on which a photo was taken, in UTC, as an ISO date.

    Args:
        captured_at: Unix seconds; None where the photo does not say.
        found_at: Unix seconds.

    Returns:
        The day; `UNDATED` where the photo does not say, or names a time before 1970 or more than
        a day after it was found.
    """
    seconds = credible(captured_at, found_at)
    if seconds is None:
        return UNDATED
    return dt.datetime.fromtimestamp(seconds, dt.UTC).date().isoformat()


def bucket_of(name: str, newest_month: str) -> str:
    """Returns the bucket that keeps a day, given the newest month of the tally.

    Args:
        name: An ISO date, or a bucket that was coarsened before.
        newest_month: Such as ``2026-11``; not before the day.

    Returns:
        The name itself, or a beginning of it.
    """
    if name == UNDATED:
        return UNDATED
    if len(name) < _FULL_YEAR:
        return OLDER
    year_age = int(newest_month[:4]) - int(name[:4])
    if len(name) >= _FULL_MONTH:
        age = 12 * year_age + int(newest_month[5:7]) - int(name[5:7])
        if age < DAILY_MONTHS:
            return name
        if age < MONTHLY_MONTHS:
            return name[:_FULL_MONTH]
    return name[:_FULL_YEAR] if year_age < YEARLY_YEARS else OLDER


def first_day(bucket: str) -> dt.date:
    """Returns the first day that a bucket may hold."""
    if bucket in {OLDER, UNDATED}:
        return dt.date.min
    parts = [int(part) for part in bucket.split("-")]
    return dt.date(*[*parts, 1, 1][:3])


def last_day(bucket: str) -> dt.date:
    """Returns the last day that a bucket may hold."""
    if len(bucket) >= _FULL_DAY:
        return first_day(bucket)
    if len(bucket) < _FULL_YEAR or bucket == UNDATED:
        return dt.date.min
    year, month = int(bucket[:4]), int(bucket[5:7] or 12)
    next_month = dt.date(year + month // 12, month % 12 + 1, 1)
    return next_month - dt.timedelta(1)


def is_day(bucket: str) -> bool:
    """Tells whether a bucket holds a single day."""
    return len(bucket) == _FULL_DAY


def is_bucket(name: object) -> bool:
    """Tells whether something is a bucket's name."""
    if name == UNDATED:
        return True
    if not isinstance(name, str) or len(name) not in {0, _FULL_YEAR, _FULL_MONTH, _FULL_DAY}:
        return False
    try:
        return not name or (name < "9999" and first_day(name).isoformat().startswith(name))
    except ValueError:
        return False
