"""What is known of photos that somebody decides about."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from avatarrig.kafka.reading import Offsets


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
        positions: Where each partition is to be read on from for what it said since.
    """

    sights: tuple[Sight, ...]
    standings: Mapping[str, str]
    positions: Offsets
