"""What is known of a pipeline: a fold over what its topics say, of bounded size."""

from __future__ import annotations

from collections import Counter, deque
from typing import Final

from avatarrig.views.notes import MOST_NOTES, thin_out
from avatarrig.views.sighting import Sighting
from avatarrig.views.stream import Rate, Stream
from avatarrig.wire import Forget, HistoryRecord, Reject, SkeletonRecord
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.keys import about

MOST_SUBJECTS: Final = 2000
"""Of more, those that changed last are kept."""

MOST_PHOTOS: Final = 12
MOST_REJECTS: Final = 1000
"""Of more, the latest are kept; all are counted."""

MOST_FORGOTTEN: Final = 1000
_COUNTED_REASON_LENGTH: Final = 40
_MOST_REASONS: Final = 50

News = SkeletonRecord | HistoryRecord | Sighting | Reject | Forget


class Subject:
    """What is known about one person.

    Attributes:
        name: Whose skeleton it is.
        record: The latest estimate; None before the first.
        fingerprints: Detectors that photos were observed with.
        photos: The latest photos, the newest last.
        posed: The latest photo that shows somebody.
        version: Grows with every change.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.record: SkeletonRecord | None = None
        self.fingerprints: set[str] = set()
        self.photos: deque[Sighting] = deque(maxlen=MOST_PHOTOS)
        self.posed: Sighting | None = None
        self.version = 0
        self._notes: dict[str, list[HistoryRecord]] = {}

    @property
    def notes(self) -> list[HistoryRecord]:
        """History of the detector that the latest estimate is from, in the order of time."""
        if self.record is None:
            return max(self._notes.values(), key=lambda notes: notes[-1].estimated_at, default=[])
        return self._notes.get(self.record.fingerprint, [])

    def skeleton(self, record: SkeletonRecord) -> None:
        """Notes an estimate; an older one changes nothing."""
        self.fingerprints.add(record.fingerprint)
        if self.record is None or record.estimated_at >= self.record.estimated_at:
            self.record = record

    def note(self, note: HistoryRecord) -> None:
        """Adds to the history; what is known already changes nothing."""
        self.fingerprints.add(note.fingerprint)
        notes = self._notes.setdefault(note.fingerprint, [])
        if notes and note.estimated_at <= notes[-1].estimated_at:
            return
        notes.append(note)
        if len(notes) > MOST_NOTES:
            self._notes[note.fingerprint] = thin_out(notes)

    def sighting(self, sighting: Sighting) -> None:
        """Notes a photo."""
        self.photos.append(sighting)
        if sighting.pose is not None:
            self.posed = sighting


class Board:
    """Keeps what somebody who watches wants to see.

    Attributes:
        subjects: By name, those that changed last at the end.
        reasons: Photos and messages that are set aside, by reason.
        stream: Where the photos are; whoever asks Kafka sets it.
        last_photo: The latest of all.
        version: Grows with every change.
    """

    def __init__(self) -> None:
        self.subjects: dict[str, Subject] = {}
        self.reasons: Counter[str] = Counter()
        self.stream = Stream()
        self.last_photo: Sighting | None = None
        self.version = 0
        self._rejects: dict[tuple[str, str], Reject] = {}
        self._forgotten: dict[str, float] = {}
        self._rate = Rate()

    def take(self, news: News) -> None:
        """Takes in a record."""
        self.version += 1
        if isinstance(news, Forget):
            self._forget(news)
            return
        if isinstance(news, Reject):
            self._reject(news)
            return
        if self._is_forgotten(news):
            return
        subject = self._subject(news.subject)
        subject.version = self.version
        if isinstance(news, SkeletonRecord):
            subject.skeleton(news)
        elif isinstance(news, HistoryRecord):
            subject.note(news)
        else:
            self._sighting(subject, news)

    def flow(self, stream: Stream) -> None:
        """Takes in where the photos are."""
        if stream != self.stream:
            self.version += 1
            self.stream = stream

    def photos_per_second(self, now: float) -> float:
        """Photos observed lately, per second.

        Args:
            now: Unix seconds.
        """
        return self._rate.per_second(now)

    def rejects(self, most: int) -> list[Reject]:
        """Lists what is set aside, the latest first."""
        latest = sorted(self._rejects.values(), key=lambda reject: -reject.rejected_at)
        return latest[:most]

    def _subject(self, name: str) -> Subject:
        subject = self.subjects.pop(name, None) or Subject(name)
        self.subjects[name] = subject
        if len(self.subjects) > MOST_SUBJECTS:
            del self.subjects[next(iter(self.subjects))]
        return subject

    def _sighting(self, subject: Subject, sighting: Sighting) -> None:
        subject.sighting(sighting)
        self._rate.count(sighting.observed_at)
        if self.last_photo is None or sighting.observed_at >= self.last_photo.observed_at:
            self.last_photo = sighting
        standing = self._rejects.get((sighting.subject, sighting.image_id))
        if standing is not None and standing.rejected_at <= sighting.observed_at:
            del self._rejects[sighting.subject, sighting.image_id]
            self._uncount(standing)

    def _reject(self, reject: Reject) -> None:
        key = about(reject)
        known = self._rejects.pop(key, None)
        if known is not None:
            self._uncount(known)
        self._rejects[key] = reject
        self.reasons[self._reason(reject)] += 1
        if len(self._rejects) > MOST_REJECTS:
            del self._rejects[next(iter(self._rejects))]

    def _forget(self, forget: Forget) -> None:
        """Drops all that is known of a subject; what is older is not taken in any more."""
        forgotten_at = max(forget.forgotten_at, self._forgotten.get(forget.forget, 0.0))
        self._forgotten[forget.forget] = forgotten_at
        if len(self._forgotten) > MOST_FORGOTTEN:
            del self._forgotten[next(iter(self._forgotten))]
        for name in [name for name in self.subjects if subject_digest(name) == forget.forget]:
            del self.subjects[name]
        for key, reject in list(self._rejects.items()):
            if reject.reference and subject_digest(reject.reference.subject) == forget.forget:
                del self._rejects[key]
                self._uncount(reject)
        last = self.last_photo
        if last is not None and subject_digest(last.subject) == forget.forget:
            self.last_photo = None

    def _is_forgotten(self, news: SkeletonRecord | HistoryRecord | Sighting) -> bool:
        if not self._forgotten:
            return False
        at = news.observed_at if isinstance(news, Sighting) else news.estimated_at
        return at <= self._forgotten.get(subject_digest(news.subject), -1.0)

    def _uncount(self, reject: Reject) -> None:
        reason = self._reason(reject)
        self.reasons[reason] -= 1
        if self.reasons[reason] <= 0:
            del self.reasons[reason]

    def _reason(self, reject: Reject) -> str:
        reason = reject.reason[:_COUNTED_REASON_LENGTH]
        known = reason in self.reasons or len(self.reasons) < _MOST_REASONS
        return reason if known else "other"
