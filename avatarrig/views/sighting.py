"""The few fields of an observation that somebody who watches is shown."""

from __future__ import annotations

import functools
import math

import msgspec

from avatarrig.wire import (
    EXPECTED_SHAPES,
    MAX_RECORD_BYTES,
    PackedArray,
    RecordRefusedError,
)


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """An observation in short; face, blendshapes and evidence are skipped unread.

    Attributes:
        pose: (33, 5): x, y, z, visibility, presence; None where nobody was found.
        excluded: Why the photo does not count in the estimate; None where it counts.
    """

    image_id: str
    subject: str
    dataset: str
    path: str
    found_at: float
    observed_at: float
    width: int
    height: int
    people: int = 0
    ambiguous: bool = False
    pose: PackedArray | None = None
    excluded: str | None = None


def decode_sighting(data: bytes | None) -> Sighting:
    """Unpacks what is shown of an observation.

    Raises:
        RecordRefusedError: Naming what does not fit.
    """
    if not data or len(data) > MAX_RECORD_BYTES:
        raise RecordRefusedError(f"{len(data or b'')} bytes are no observation")
    try:
        sighting = _decoder().decode(data)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise RecordRefusedError(f"not an observation: {error}") from error
    expected = EXPECTED_SHAPES["pose"]
    pose = sighting.pose
    if pose is not None and (pose.shape, len(pose.data)) != (expected, 4 * math.prod(expected)):
        raise RecordRefusedError(f"pose has shape {pose.shape}, expected {expected}")
    return sighting


@functools.cache
def _decoder() -> msgspec.msgpack.Decoder[Sighting]:
    return msgspec.msgpack.Decoder(Sighting)
