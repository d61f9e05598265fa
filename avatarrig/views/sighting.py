"""The few fields of an observation that somebody who watches is shown."""

from __future__ import annotations

import msgspec

from avatarrig.wire import PackedArray, decode_part
from avatarrig.wire.kinds import Count, ImageId, Name, PathText, Pixels, Prose, Seconds


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """An observation in short; face, blendshapes and evidence are skipped unread.

    Attributes:
        pose: (33, 5): x, y, z, visibility, presence; None where nobody was found.
        excluded: Why the photo does not count in the estimate; None where it counts.
    """

    image_id: ImageId
    subject: Name
    dataset: Name
    path: PathText
    found_at: Seconds
    observed_at: Seconds
    width: Pixels
    height: Pixels
    people: Count = 0
    ambiguous: bool = False
    pose: PackedArray | None = None
    excluded: Prose | None = None


def decode_sighting(data: bytes | None) -> Sighting:
    """Unpacks what is shown of an observation.

    Raises:
        RecordRefusedError: Naming what does not fit.
    """
    return decode_part(data, Sighting)
