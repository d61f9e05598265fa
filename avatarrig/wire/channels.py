"""Which records each topic holds: bound here once, for all who write and read them.

Kinds that share a topic carry their name in the field ``kind``. Records of 1.0 have no such
field; there a `Forget` is told by the field that it alone has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import msgspec

from avatarrig.wire.kinds import (
    Decision,
    Departed,
    Forget,
    HistoryRecord,
    Measurements,
    Observation,
    PhotoReference,
    Reject,
    SkeletonRecord,
    TallyUpdate,
)
from avatarrig.wire.packing import decode_one_of
from avatarrig.wire.topics import HISTORY, IMAGES, OBSERVATIONS, REJECTS, SKELETONS, TALLIES

RecordT = TypeVar("RecordT")


@dataclass(frozen=True)
class Channel(Generic[RecordT]):
    """A topic, and what its messages are read as.

    Attributes:
        kinds: Record classes; where there are several, records without a ``kind`` are of the
            first.
    """

    topic: str
    kinds: tuple[type[msgspec.Struct], ...]

    def decode(self, data: bytes | None) -> RecordT:
        """Unpacks a record and checks that it fits.

        Raises:
            RecordRefusedError: Naming what does not fit.
        """
        return cast("RecordT", decode_one_of(data, self.kinds))


REFERENCES = Channel[PhotoReference](IMAGES, (PhotoReference,))
OBSERVED = Channel[Observation | Forget | Decision](OBSERVATIONS, (Observation, Forget, Decision))
REJECTED = Channel[Reject | Departed](REJECTS, (Reject, Departed))
TALLIED = Channel[TallyUpdate | Forget | Measurements](TALLIES, (TallyUpdate, Forget, Measurements))
ESTIMATED = Channel[SkeletonRecord](SKELETONS, (SkeletonRecord,))
NOTED = Channel[HistoryRecord](HISTORY, (HistoryRecord,))

CHANNELS = (REFERENCES, OBSERVED, REJECTED, TALLIED, ESTIMATED, NOTED)
