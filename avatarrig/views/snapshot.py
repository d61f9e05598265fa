"""A pipeline as it stood at some moment: values that do not change under whoever looks at them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

import msgspec

from avatarrig.views.rejects import RejectedPhoto
from avatarrig.views.sighting import Sighting
from avatarrig.views.stream import Rate, Stream
from avatarrig.wire import HistoryRecord, SkeletonRecord
from avatarrig.wire.counted import counted
from avatarrig.wire.keys import about


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about one person.

    Attributes:
        record: The latest estimate; None before the first.
        fingerprints: Detectors that photos were observed with.
        photos: The latest photos, the newest last.
        posed: The latest photo that shows somebody.
        notes: History of the detector that the latest estimate is from, in the order of time.
    """

    name: str
    record: SkeletonRecord | None = None
    fingerprints: frozenset[str] = frozenset()
    photos: tuple[Sighting, ...] = ()
    posed: Sighting | None = None
    notes: tuple[HistoryRecord, ...] = ()
    version: int = 0


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody who watches wants to see.

    Attributes:
        subjects: By name, those that changed last at the end.
        rejects: What is rejected, the latest first.
        reasons: How much is rejected, by reason.
        refused: Messages that hold no record of their topic, by topic.
        departed: Dataset to photos of it that are gone and go on counting.
        version: Grows with every change; 0 where nothing is known yet.
    """

    subjects: Mapping[str, Subject]
    stream: Stream
    rejects: tuple[RejectedPhoto, ...]
    reasons: Mapping[str, int]
    last_photo: Sighting | None
    refused: Mapping[str, int]
    rate: Rate
    version: int
    departed: Mapping[str, int] = {}

    @property
    def observed(self) -> int:
        """Photos contained in the estimates, with or without a person."""
        return sum(
            subject.record.observations
            for subject in self.subjects.values()
            if subject.record is not None
        )

    @property
    def rejected(self) -> int:
        """Photos and messages that are rejected."""
        return sum(self.reasons.values())

    @property
    def gone(self) -> list[str]:
        """Of which datasets photos are gone and go on counting, in sentences."""
        return [departed_words(name, photos) for name, photos in sorted(self.departed.items())]

    @property
    def estimated(self) -> list[Subject]:
        """Subjects that there is an estimate of, those that changed last first."""
        return [each for each in list(self.subjects.values())[::-1] if each.record is not None]

    def only(self, names: Collection[str]) -> Snapshot:
        """What concerns some subjects alone; the stream stays that of all.

        Args:
            names: Theirs; all where there are none.
        """
        if not names:
            return self
        subjects = {name: each for name, each in self.subjects.items() if name in names}
        rejects = tuple(photo for photo in self.rejects if about(photo.latest)[0] in names)
        photos = [photo for subject in subjects.values() for photo in subject.photos]
        return msgspec.structs.replace(
            self,
            subjects=subjects,
            rejects=rejects,
            reasons=Counter(photo.latest.reason for photo in rejects),
            last_photo=max(photos, key=lambda photo: photo.observed_at, default=None),
        )


def departed_words(dataset: str, photos: int) -> str:
    """Says that photos of a dataset are gone and go on counting, and what to do."""
    return (
        f"{counted(photos, 'photo')} of {dataset} are gone at once and still count, since a disk "
        "may just be away. If they were taken away on purpose, start again with --prune."
    )


EMPTY = Snapshot(
    subjects={},
    stream=Stream(),
    rejects=(),
    reasons={},
    last_photo=None,
    refused={},
    rate=Rate(),
    version=0,
)
