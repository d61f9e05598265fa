"""What is known of a pipeline: the one fold over what its topics say. Pure."""

from __future__ import annotations

import contextlib
from bisect import insort
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from avatarrig.kafka.groups import GroupState
from avatarrig.kafka.reading import Message, Refused
from avatarrig.views.backlog import Backlog, Place
from avatarrig.views.rejects import StandingRejects
from avatarrig.views.sighting import Sighting
from avatarrig.views.snapshot import Snapshot, Subject
from avatarrig.views.stream import Rate, stream_of
from avatarrig.views.thinning import MOST_NOTES, thin_out
from avatarrig.wire import (
    Decision,
    Departed,
    Forget,
    HistoryRecord,
    PhotoReference,
    Reject,
    SkeletonRecord,
)
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.keys import KeyRefusedError, dataset_of_departed, series_of, series_of_history
from avatarrig.wire.reasons import RejectReason
from avatarrig.wire.standings import AS_SEEN
from avatarrig.wire.topics import HISTORY, IMAGES, OBSERVATIONS, REJECTS, SKELETONS

MOST_PHOTOS: Final = 12
MOST_SERIES: Final = 8
"""Of more detectors the latest estimates of a subject are kept."""

MOST_STANDINGS: Final = 1000
"""Of more photos of a subject the latest decisions are kept."""

_COUNTED_REASON_LENGTH: Final = 40
_MOST_REASONS: Final = 50
_MOST_DATASETS: Final = 50

News = SkeletonRecord | HistoryRecord | Sighting | Reject | Forget | Decision


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """How much is remembered; None is all.

    Attributes:
        subjects: Of more, those that changed last are kept.
        rejects: Of more, the latest are kept; all are counted.
        forgotten: Of more, the latest are kept.
    """

    subjects: int | None = 2000
    rejects: int | None = 1000
    forgotten: int | None = 1000


EVERYTHING: Final = Bounds(subjects=None, rejects=None, forgotten=None)
"""For whoever looks once."""


class _Person:
    """What is known about one person, while it changes."""

    def __init__(self, name: str) -> None:
        self.version = 0
        self._name = name
        self._records: dict[str, SkeletonRecord] = {}
        self._fingerprints: set[str] = set()
        self._photos: list[Sighting] = []
        self._posed: Sighting | None = None
        self._notes: dict[str, list[HistoryRecord]] = {}
        self._decisions: dict[str, tuple[float, str]] = {}
        self._seen: Subject | None = None

    def skeleton(self, record: SkeletonRecord) -> None:
        self._fingerprints.add(record.fingerprint)
        known = self._records.pop(record.fingerprint, None)
        newer = known is None or record.estimated_at >= known.estimated_at
        self._records[record.fingerprint] = record if newer or known is None else known
        if len(self._records) > MOST_SERIES:
            oldest = min(self._records.values(), key=lambda each: each.estimated_at)
            del self._records[oldest.fingerprint]

    def note(self, note: HistoryRecord) -> None:
        self._fingerprints.add(note.fingerprint)
        notes = self._notes.setdefault(note.fingerprint, [])
        if notes and note.estimated_at <= notes[-1].estimated_at:
            return
        notes.append(note)
        if len(notes) > MOST_NOTES:
            self._notes[note.fingerprint] = thin_out(notes)

    def sighting(self, sighting: Sighting) -> None:
        # Partitions are read one after the other: what comes last need not be the latest.
        insort(self._photos, sighting, key=lambda photo: photo.observed_at)
        del self._photos[:-MOST_PHOTOS]
        if sighting.pose is None:
            return
        if self._posed is None or sighting.observed_at >= self._posed.observed_at:
            self._posed = sighting

    def decision(self, decision: Decision) -> None:
        # Each partition holds all decisions, and they are read one after the other.
        for image_id in decision.image_ids[-MOST_STANDINGS:]:
            known = self._decisions.pop(image_id, (decision.decided_at, AS_SEEN))
            latest = (decision.decided_at, decision.standing)
            self._decisions[image_id] = latest if latest[0] >= known[0] else known
        while len(self._decisions) > MOST_STANDINGS:
            del self._decisions[next(iter(self._decisions))]

    def as_it_stands(self, photo: Sighting) -> Sighting:
        """A photo as it counts, with what was decided about it."""
        return photo.as_decided(self._decisions.get(photo.image_id, (0.0, AS_SEEN))[1])

    @property
    def _record(self) -> SkeletonRecord | None:
        """The latest estimate of those by the detector that the latest photo was observed with.

        What somebody decides about a photo changes the estimates of all detectors that saw it.
        """
        if self._photos and (record := self._records.get(self._photos[-1].fingerprint)):
            return record
        return max(self._records.values(), key=lambda each: each.estimated_at, default=None)

    def subject(self) -> Subject:
        """What is known now; the same value as long as nothing changes."""
        if self._seen is None or self._seen.version != self.version:
            record = self._record
            self._seen = Subject(
                name=self._name,
                record=record,
                fingerprints=frozenset(self._fingerprints),
                photos=tuple(map(self.as_it_stands, self._photos)),
                posed=None if self._posed is None else self.as_it_stands(self._posed),
                notes=tuple(self._latest_notes(record)),
                version=self.version,
            )
        return self._seen

    def _latest_notes(self, record: SkeletonRecord | None) -> list[HistoryRecord]:
        if record is None:
            return max(self._notes.values(), key=lambda notes: notes[-1].estimated_at, default=[])
        return self._notes.get(record.fingerprint, [])


class Board:
    """Keeps what somebody who watches wants to see. `version`: where versions begin."""

    def __init__(self, bounds: Bounds | None = None, *, version: int = 0) -> None:
        self._bounds = bounds or Bounds()
        self._version = version
        self._people: dict[str, _Person] = {}
        self._rejects = StandingRejects(self._bounds.rejects)
        self._backlog = Backlog()
        self._groups: tuple[GroupState, ...] = ()
        self._last_photo: Sighting | None = None
        self._forgotten: dict[str, float] = {}
        self._refused: Counter[str] = Counter()
        self._rate = Rate()
        self._gone: dict[str, int] = {}
        self._seen: Snapshot | None = None

    @property
    def version(self) -> int:
        """Grows with every change."""
        return self._version

    @property
    def rejects(self) -> StandingRejects:
        """What is rejected."""
        return self._rejects

    def begin(self, firsts: Mapping[Place, int], starts: Mapping[Place, int]) -> None:
        """Notes where the reading of partitions begins; see `Backlog.begin`."""
        self._backlog.begin(firsts, starts)

    def take(
        self, messages: Iterable[Message], positions: Mapping[Place, int] | None = None
    ) -> None:
        """Takes in messages, those of a partition in their order.

        Args:
            positions: How far each partition was read.
        """
        for message in messages:
            self._version += 1
            self._count(message)
            if message.record is None:
                self._removed(message)
            elif isinstance(message.record, Refused):
                self._refused[message.topic] += 1
                if message.topic == REJECTS:
                    self._rejects.reject(_malformed(message, message.record), message.key)
            elif isinstance(message.record, Departed):
                self._departed(message.record.dataset, message.record.photos)
            elif isinstance(message.record, News):
                self.note(message.record, message.key)
        if positions and self._backlog.reached(positions):
            self._version += 1

    def note(self, news: News, key: bytes = b"") -> None:
        """Takes in a record."""
        self._version += 1
        if isinstance(news, Forget):
            self._forget(news)
            return
        if isinstance(news, Reject):
            self._rejects.reject(news, key)
            return
        if self._is_forgotten(news):
            return
        person = self._person(news.subject)
        person.version = self._version
        if isinstance(news, SkeletonRecord):
            person.skeleton(news)
        elif isinstance(news, HistoryRecord):
            person.note(news)
        elif isinstance(news, Decision):
            person.decision(news)
        else:
            self._sighting(person, news)

    def groups(self, groups: Iterable[GroupState]) -> None:
        """Takes in who works, and how far they are."""
        known = tuple(groups)
        if known != self._groups:
            self._version += 1
            self._groups = known

    def nobody_works(self) -> None:
        """Takes in that no process is left, whatever the groups remember of their members."""
        self.groups(msgspec.structs.replace(group, members=0) for group in self._groups)

    def snapshot(self) -> Snapshot:
        """What is known now; the same value as long as nothing changes."""
        if self._seen is None or self._seen.version != self._version:
            rejects = self._rejects.standing()
            self._seen = Snapshot(
                subjects={name: person.subject() for name, person in self._people.items()},
                stream=stream_of(self._backlog, self._groups),
                rejects=tuple(rejects),
                reasons=_bounded(self._rejects.reasons),
                last_photo=self._latest(),
                refused=dict(self._refused),
                rate=self._rate.copy(),
                version=self._version,
                departed=dict(self._gone),
            )
        return self._seen

    def _count(self, message: Message) -> None:
        """A detector passes over tombstones; an aggregator has them before it like the rest."""
        if message.topic == OBSERVATIONS or (
            message.topic == IMAGES and message.record is not None
        ):
            owner = message.record.run if isinstance(message.record, PhotoReference) else ""
            place = (message.topic, message.partition)
            self._backlog.message(place, message.offset, message.at, owner)

    def _removed(self, message: Message) -> None:
        """Takes in a tombstone; of estimates only forgetting a subject leaves any."""
        if message.topic == REJECTS:
            if (dataset := dataset_of_departed(message.key)) is not None:
                self._departed(dataset, 0)
            self._rejects.removed(message.key)
            return
        named = {SKELETONS: series_of, HISTORY: series_of_history}.get(message.topic)
        if named is None:
            return
        with contextlib.suppress(KeyRefusedError):
            subject, _ = named(message.key)
            self._forget(Forget(forget=subject_digest(subject), forgotten_at=message.at))

    def _departed(self, dataset: str, photos: int) -> None:
        self._gone.pop(dataset, None)
        if photos and len(self._gone) < _MOST_DATASETS:
            self._gone[dataset] = photos

    def _person(self, name: str) -> _Person:
        person = self._people.pop(name, None) or _Person(name)
        self._people[name] = person
        most = self._bounds.subjects
        if most is not None and len(self._people) > most:
            del self._people[next(iter(self._people))]
        return person

    def _sighting(self, person: _Person, sighting: Sighting) -> None:
        person.sighting(sighting)
        self._rate.count(sighting.observed_at)
        if self._last_photo is None or sighting.observed_at >= self._last_photo.observed_at:
            self._last_photo = sighting
        photo = (sighting.subject, sighting.image_id)
        self._rejects.observed(photo, sighting.observed_at, sighting.path)

    def _latest(self) -> Sighting | None:
        photo = self._last_photo
        person = None if photo is None else self._people.get(photo.subject)
        return photo if photo is None or person is None else person.as_it_stands(photo)

    def _forget(self, forget: Forget) -> None:
        """Drops all that is known of a subject; what is older is not taken in any more."""
        forgotten_at = max(forget.forgotten_at, self._forgotten.get(forget.forget, 0.0))
        self._forgotten[forget.forget] = forgotten_at
        if self._bounds.forgotten is not None and len(self._forgotten) > self._bounds.forgotten:
            del self._forgotten[next(iter(self._forgotten))]
        for name in [name for name in self._people if subject_digest(name) == forget.forget]:
            del self._people[name]
        self._rejects.forget(forget.forget)
        last = self._last_photo
        if last is not None and subject_digest(last.subject) == forget.forget:
            self._last_photo = None

    def _is_forgotten(self, news: SkeletonRecord | HistoryRecord | Sighting | Decision) -> bool:
        if not self._forgotten:
            return False
        if isinstance(news, Sighting):
            at = news.observed_at
        else:
            at = news.decided_at if isinstance(news, Decision) else news.estimated_at
        return at <= self._forgotten.get(subject_digest(news.subject), -1.0)


def _malformed(message: Message, refused: Refused) -> Reject:
    return Reject(
        reason=RejectReason.MALFORMED,
        message=refused.why,
        attempts=1,
        rejected_at=message.at,
        origin=message.origin,
    )


def _bounded(reasons: Counter[str]) -> dict[str, int]:
    """Strangers may make up reasons without end."""
    counted: dict[str, int] = {}
    for reason, count in reasons.most_common():
        name = reason[:_COUNTED_REASON_LENGTH]
        if name not in counted and len(counted) >= _MOST_REASONS:
            name = "other"
        counted[name] = counted.get(name, 0) + count
    return counted
