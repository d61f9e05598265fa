"""What was known about a subject over time, kept by the broker and thinned out there.

Every estimate is noted. Notes have a key for each hour and each tenth more photos, and
compaction keeps the last note of each key: all that changed lately, a curve of how the estimate
firmed up, and one note an hour for ever after, until the topic's retention ends.
"""

from __future__ import annotations

import math
from typing import Final

from avatarrig.wire import HistoryRatio, HistoryRecord, SkeletonRecord

SLOT_SECONDS: Final = 3600
SLOT_GROWTH: Final = 1.1
"""Notes with fewer photos than this many times those of another may replace it within an hour."""


def history_of(record: SkeletonRecord) -> HistoryRecord:
    """Takes the note out of an estimate."""
    made = record.estimate
    window = {} if made.window is None else made.window.stats
    return HistoryRecord(
        subject=record.subject,
        fingerprint=record.fingerprint,
        estimated_at=record.estimated_at,
        observations=record.observations,
        used=made.used,
        moments=made.moments,
        ratios={
            key: HistoryRatio(bone.value, bone.low, bone.high, bone.n, bone.status)
            for key, bone in made.stats.items()
        },
        window={key: (bone.value, *bone.interval) for key, bone in window.items()},
    )


def slot_of(note: HistoryRecord) -> str:
    """Names the notes that replace each other: of the same hour, with hardly more photos."""
    hour = int(note.estimated_at // SLOT_SECONDS)
    step = int(math.log(note.used + 1, SLOT_GROWTH))
    return f"{hour}.{step}"
