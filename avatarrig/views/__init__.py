"""A pipeline as somebody watches it: estimates, their history, photos, rejects, the stream.

Pure: records and times come in. `avatarrig.views.feed` reads them off Kafka.
"""

from __future__ import annotations

from avatarrig.views.board import Board, Subject
from avatarrig.views.sighting import Sighting, decode_sighting
from avatarrig.views.stream import GroupStatus, Stream

__all__ = [
    "Board",
    "GroupStatus",
    "Sighting",
    "Stream",
    "Subject",
    "decode_sighting",
]
