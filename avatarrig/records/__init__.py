"""The records on the wire: what they hold, how they are packed, what is refused.

Every record is a msgpack map with a ``version``. Unknown fields are ignored, so
that a newer producer can talk to an older consumer; a missing or ill-typed
required field, or a version this code does not know, is refused with a reason.
"""

from __future__ import annotations

from avatarrig.records.kinds import (
    SCHEMA_VERSION,
    Evidence,
    Forget,
    HistoryRatio,
    HistoryRecord,
    Observation,
    PackedArray,
    PhotoReference,
    Reject,
    SkeletonRecord,
    TallyUpdate,
)
from avatarrig.records.reading import AnyRecord, Refused, RefusingReader, record_of
from avatarrig.records.shape import check_estimate
from avatarrig.records.wire import (
    EXPECTED_SHAPES,
    MAX_RECORD_BYTES,
    MOST_SAID,
    Record,
    RecordRefusedError,
    decode,
    decode_either,
    decode_either_part,
    decode_part,
    encode,
    record_key,
    shortened,
)

__all__ = [
    "EXPECTED_SHAPES",
    "MAX_RECORD_BYTES",
    "MOST_SAID",
    "SCHEMA_VERSION",
    "AnyRecord",
    "Evidence",
    "Forget",
    "HistoryRatio",
    "HistoryRecord",
    "Observation",
    "PackedArray",
    "PhotoReference",
    "Record",
    "RecordRefusedError",
    "Refused",
    "RefusingReader",
    "Reject",
    "SkeletonRecord",
    "TallyUpdate",
    "check_estimate",
    "decode",
    "decode_either",
    "decode_either_part",
    "decode_part",
    "encode",
    "record_key",
    "record_of",
    "shortened",
]
