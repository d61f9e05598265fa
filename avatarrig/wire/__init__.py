"""The records on the wire: what they hold, how they are packed, what is refused.

Every record is a msgpack map with a ``version``. Unknown fields are ignored, so
that a newer producer can talk to an older consumer; a missing or ill-typed
required field, or a version this code does not know, is refused with a reason.
"""

from __future__ import annotations

from avatarrig.wire.keys import record_key
from avatarrig.wire.kinds import (
    SCHEMA_VERSION,
    Decision,
    Departed,
    Evidence,
    Forget,
    HistoryRatio,
    HistoryRecord,
    Measurements,
    Observation,
    PackedArray,
    PhotoReference,
    Reject,
    SkeletonRecord,
    Sought,
    TallyUpdate,
)
from avatarrig.wire.packing import (
    EXPECTED_SHAPES,
    MAX_RECORD_BYTES,
    MOST_SAID,
    Record,
    RecordRefusedError,
    decode,
    decode_json,
    encode,
    shortened,
)

__all__ = [
    "EXPECTED_SHAPES",
    "MAX_RECORD_BYTES",
    "MOST_SAID",
    "SCHEMA_VERSION",
    "Decision",
    "Departed",
    "Evidence",
    "Forget",
    "HistoryRatio",
    "HistoryRecord",
    "Measurements",
    "Observation",
    "PackedArray",
    "PhotoReference",
    "Record",
    "RecordRefusedError",
    "Reject",
    "SkeletonRecord",
    "Sought",
    "TallyUpdate",
    "decode",
    "decode_json",
    "encode",
    "record_key",
    "shortened",
]
