"""The few fields of an observation that somebody who watches is shown."""

from __future__ import annotations

from typing import Final

import msgspec

from avatarrig.wire import Decision, Forget, PackedArray
from avatarrig.wire.bounds import (
    Count,
    Fingerprint,
    ImageId,
    Name,
    PathText,
    Pixels,
    Prose,
    Seconds,
)
from avatarrig.wire.channels import Channel
from avatarrig.wire.topics import OBSERVATIONS


class Sighting(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="observation"):
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
    fingerprint: Fingerprint
    width: Pixels
    height: Pixels
    people: Count = 0
    ambiguous: bool = False
    pose: PackedArray | None = None
    excluded: Prose | None = None


SIGHTINGS: Final = Channel[Sighting | Forget | Decision](OBSERVATIONS, (Sighting, Forget, Decision))
