"""Moments by the clock of whoever looks on."""

from __future__ import annotations

import datetime as dt


def local_time(seconds: float) -> dt.datetime:
    """A moment by the user's clock; in UTC where TZ names one that no place has: ``UTC+99``.

    Args:
        seconds: Unix seconds.
    """
    try:
        return dt.datetime.fromtimestamp(seconds).astimezone()
    except (ValueError, OverflowError, OSError):
        return dt.datetime.fromtimestamp(seconds, dt.UTC)
