"""A subject's history in memory: enough points for a chart, however long it is."""

from __future__ import annotations

import math
from typing import Final

from avatarrig.wire import HistoryRecord

MOST_NOTES: Final = 400
_BUCKETS: Final = 100


def thin_out(notes: list[HistoryRecord]) -> list[HistoryRecord]:
    """Keeps the notes that a chart shows: spread over time, and over growing numbers of photos.

    Args:
        notes: In the order of time.

    Returns:
        At most about half of `MOST_NOTES`, first and last among them.
    """
    first, last = notes[0], notes[-1]
    span = max(last.estimated_at - first.estimated_at, 1e-9)
    most = math.log1p(max(note.used for note in notes)) or 1.0
    by_time: dict[int, int] = {}
    by_photos: dict[int, int] = {}
    for place, note in enumerate(notes):
        by_time[int(_BUCKETS * (note.estimated_at - first.estimated_at) / span)] = place
        by_photos.setdefault(int(_BUCKETS * math.log1p(note.used) / most), place)
    kept = sorted({0, len(notes) - 1, *by_time.values(), *by_photos.values()})
    return [notes[place] for place in kept]
