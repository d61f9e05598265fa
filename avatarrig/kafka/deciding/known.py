"""What is known of photos that somebody decides about."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import msgspec

from avatarrig.kafka.reading import Offsets
from avatarrig.wire import Decision
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.standings import COUNTS, ONLY_COPY

_DIGITS: Final = 32


class Sight(msgspec.Struct, frozen=True, array_like=True):
    """Where a partition first saw a photo, by a detector. `position`: Its offset."""

    image_id: str
    partition: int
    fingerprint: str
    position: int


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the observations topic said of some photos of a subject.

    Attributes:
        standings: image_id to what was decided about it.
        references: image_id to the subject's face in it that is a reference.
        faces: image_id to all faces that were ever pointed at in it.
        positions: Where each partition is to be read on from for what it said since.
    """

    sights: tuple[Sight, ...]
    standings: Mapping[str, str]
    positions: Offsets
    references: Mapping[str, bytes] = {}
    faces: Mapping[str, tuple[bytes, ...]] = {}


class Reference(msgspec.Struct, frozen=True):
    """What becomes of the subject's face in a photo: it is no reference where both are empty.

    Attributes:
        face: The face that is a reference from now on.
        digest: Or what stands for one that was a reference before; see `digest_of`.
    """

    face: bytes = b""
    digest: str = ""


def digest_of(face: bytes) -> str:
    """Stands for a face where the face itself must not be; empty for none."""
    return hashlib.sha256(face).hexdigest()[:_DIGITS] if face else ""


def face_left_by(decision: Decision, before: bytes) -> bytes:
    """Tells which face of a photo is a reference after something was decided about it.

    Args:
        before: The one that was until then.
    """
    if decision.standing == Exclusion.GONE:  # the file is away or another; the face is theirs
        return before
    return decision.face if decision.standing in {COUNTS, ONLY_COPY} else b""
