"""A pipeline as somebody watches it: estimates, their history, photos, rejects, the stream.

One reader (`avatarrig.kafka.Reader`) and one fold (`Board`) serve whoever looks on; what they
are given is a `Snapshot`. A run follows its own photos in `avatarrig.views.progress`.
"""

from __future__ import annotations

from avatarrig.views.board import Board, Bounds
from avatarrig.views.rejects import RejectedPhoto, StandingRejects
from avatarrig.views.sighting import SIGHTINGS, Sighting
from avatarrig.views.snapshot import EMPTY, Snapshot, Subject
from avatarrig.views.stream import GroupStatus, Stream

__all__ = [
    "EMPTY",
    "SIGHTINGS",
    "Board",
    "Bounds",
    "GroupStatus",
    "RejectedPhoto",
    "Sighting",
    "Snapshot",
    "StandingRejects",
    "Stream",
    "Subject",
]
