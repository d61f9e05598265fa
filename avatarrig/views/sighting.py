"""The few fields of an observation that somebody who watches is shown."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from avatarrig.body.evidence.counting import why_not
from avatarrig.wire import Decision, Forget, PackedArray
from avatarrig.wire.bounds import (
    Code,
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
from avatarrig.wire.reasons import verdict
from avatarrig.wire.standings import decided
from avatarrig.wire.topics import OBSERVATIONS


class Origin(msgspec.Struct, frozen=True):
    """Where evidence comes from; what it says is skipped unread."""

    learned: Code


class Sighting(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="observation"):
    """An observation in short; face and blendshapes are skipped unread.

    Attributes:
        pose: (33, 5): x, y, z, visibility, presence; None where nobody was found.
        meta: Quality metrics by their documented names.
        excluded: Why the photo does not count, where that is not told by the rest.
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
    world: PackedArray | None = None
    meta: Annotated[dict[Code, float | int | Prose | bool | None], Meta(max_length=256)] = {}
    evidence: Origin | None = None
    excluded: Prose | None = None

    def as_decided(self, standing: str) -> Sighting:
        """The photo as it counts; `standing`: what was decided about it."""
        excluded, ambiguous = decided(self.excluded, standing, ambiguous=self.ambiguous)
        return msgspec.structs.replace(self, excluded=excluded, ambiguous=ambiguous)

    @property
    def verdict(self) -> str:
        """Whether the photo counts and why not, in words."""
        return verdict(why_not(self))


SIGHTINGS: Final = Channel[Sighting | Forget | Decision](OBSERVATIONS, (Sighting, Forget, Decision))
