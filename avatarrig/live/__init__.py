"""A pipeline as somebody watches it: estimates, their history, photos, rejects, the stream.

Pure: records and times come in. `avatarrig.transport.feed` reads them off Kafka.
"""

from __future__ import annotations

from avatarrig.live.board import Board, Subject
from avatarrig.live.sighting import Sighting, decode_sighting
from avatarrig.live.stream import GroupStatus, Stream

__all__ = [
    "Board",
    "GroupStatus",
    "Sighting",
    "Stream",
    "Subject",
    "decode_sighting",
]
