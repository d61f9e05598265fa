"""How far a run is: a fold over what the topics say. Pure; the clock is an argument."""

from __future__ import annotations

import contextlib
import math
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from avatarrig.body.evidence.counting import Excluded, judge
from avatarrig.body.refused import StateRefusedError
from avatarrig.body.sums.capture_days import credible
from avatarrig.kafka.reading import Message, Offsets
from avatarrig.views.ahead import Ahead
from avatarrig.wire import Decision, Forget, Observation, PhotoReference, Reject, SkeletonRecord
from avatarrig.wire.channels import ESTIMATED, OBSERVED, REJECTED
from avatarrig.wire.estimate import Estimate
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.keys import KeyRefusedError, PhotoKey, about, series_of
from avatarrig.wire.reasons import Exclusion, RejectReason
from avatarrig.wire.standings import AS_SEEN, as_decided
from avatarrig.wire.topics import OBSERVATIONS, SKELETONS

RATE_WINDOW_SECONDS = 15.0
_ORIGIN = re.compile(rf"{re.escape(OBSERVATIONS)}/([0-9]{{1,10}})/([0-9]{{1,19}})")

FOLLOWED: Final = (OBSERVED, REJECTED, ESTIMATED)
"""What a run reads of the topics."""


class ObservedPhoto(msgspec.Struct, frozen=True):
    """Where an observation stands on its topic, and what it saw.

    Attributes:
        person: Whether somebody was found.
        path: The photo's path within its dataset.
        is_own: Whether the run asked for it.
        is_copy: Whether it was marked as the same photo as another one.
        captured_at: When the photo was taken, Unix seconds; None where it does not say, credibly.
        content: SHA-256 of its file, hexadecimal; empty where that is not known.
        pixels: Stands for its decoded pixels; empty where that is not known.
        standing: What was decided about it; see `avatarrig.wire.standings`.
        excluded: Why it does not count in the estimate, None where it counts.
    """

    partition: int
    offset: int
    person: bool
    excluded: Exclusion | None
    path: str = ""
    is_own: bool = False
    is_copy: bool = False
    captured_at: float | None = None
    content: str = ""
    pixels: str = ""
    standing: str = AS_SEEN


class Found(msgspec.Struct, frozen=True):
    """A photo that belongs to the run.

    Attributes:
        is_copy: Whether it has the same bytes as an earlier one.
        is_near_copy: Whether it need not be detected, since nearly the same photo is.
    """

    image_id: str
    path: str
    subject: str
    is_copy: bool = False
    is_near_copy: bool = False

    @property
    def key(self) -> PhotoKey:
        """What tells photos apart; the same photo may be shown for two subjects."""
        return (self.subject, self.image_id)


def found_photo(reference: PhotoReference, *, is_near_copy: bool = False) -> Found:
    """A photo of the dataset as its reference names it."""
    return Found(
        reference.image_id,
        reference.path,
        reference.subject,
        is_copy=reference.duplicate_of is not None,
        is_near_copy=is_near_copy,
    )


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Photos of a run by what became of them.

    Attributes:
        rejected: Near-copies among them.
    """

    found: int
    observed: int
    person: int
    rejected: int
    near_copies: int = 0

    @property
    def waiting(self) -> int:
        """Not yet processed; never failed."""
        return self.found - self.observed - self.rejected


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """What the topics said by the end of a run, without the dataset's own share.

    Attributes:
        observed: Photos and how they were observed.
        rejects: Photos and why they were rejected.
        reached: Subject to partition to the offset that its estimate has to contain.
        unmade: Why subjects have no estimate.
    """

    observed: list[tuple[PhotoKey, ObservedPhoto]]
    rejects: list[tuple[PhotoKey, Reject]]
    reached: dict[str, dict[int, int]]
    skeletons: list[SkeletonRecord]
    unmade: list[Reject]


class Progress:
    """Keeps what is known about a run's photos and its estimates.

    Args:
        fingerprint: Observations of other detector settings are not this run's.
        learned: Version of the weights that estimates are made with; None where nothing was
            learned for the pose model.
    """

    def __init__(self, run: str, fingerprint: str, learned: str | None = None) -> None:
        self._run = run
        self._learned = learned
        self._fingerprint = fingerprint
        self._found: dict[PhotoKey, Found] = {}
        self._observed: dict[PhotoKey, ObservedPhoto] = {}
        self._rejects: dict[PhotoKey, Reject] = {}
        self._rejected_again: dict[PhotoKey, Reject] = {}
        self._own: set[str] = set()
        self._subjects: dict[str, dict[int, int]] = {}
        self._skeletons: dict[str, SkeletonRecord] = {}
        self._finished: deque[float] = deque()
        self._counted: Counter[str] = Counter()
        self._standings: dict[tuple[PhotoKey, int], str] = {}
        self._places: dict[tuple[int, int], PhotoKey] = {}
        self._later: dict[PhotoKey, list[ObservedPhoto]] = {}
        self._refusals: dict[tuple[int, int], Reject] = {}
        self._unmade: dict[str, Reject] = {}
        self._lost: set[PhotoKey] = set()
        self._ahead = Ahead()

    def begin(self, ends: Offsets) -> None:
        """Notes where the topics end that are read now: what they hold by then was written."""
        self._ahead.extend(
            {place.partition: end for place, end in ends.items() if place.topic == OBSERVATIONS}
        )

    def take(self, messages: Iterable[Message], now: float) -> bool:
        """Takes in messages of the topics `FOLLOWED`, those of a partition in their order.

        Args:
            now: Monotonic seconds.

        Returns:
            Whether there were any.
        """
        any_came = False
        for message in messages:
            any_came = True
            if message.topic == OBSERVATIONS:
                self._ahead.extend({message.partition: message.offset + 1})
            match message.record:
                case Observation() as record:
                    self.observation(record, message.partition, message.offset, now)
                case Decision() as record:
                    self.decision(record, message.partition, message.offset)
                case Forget() as record:
                    self.forget(record.forget, message.partition)
                case (Reject() | SkeletonRecord()) as record:
                    if not self._ahead.set_aside(record):
                        self._told(record, now)
                case None if message.topic == SKELETONS:
                    with contextlib.suppress(KeyRefusedError):
                        self.no_skeleton(*series_of(message.key))
        for record in self._ahead.arrived():
            self._told(record, now)
        return any_came

    def _told(self, record: Reject | SkeletonRecord, now: float) -> None:
        if isinstance(record, Reject):
            self.reject(record, now)
        else:
            self.skeleton(record)

    def remembered(self) -> Remembered:
        """Returns what `recall` needs to go on here, without faces: it is kept in a file."""
        return Remembered(
            observed=list(self._observed.items()),
            rejects=[(key, reject.without_template()) for key, reject in self._rejects.items()],
            reached=self._subjects,
            skeletons=list(self._skeletons.values()),
            unmade=list(self._unmade.values()),
        )

    def recall(self, remembered: Remembered) -> None:
        """Takes up what was known at the end of a run; nothing must be known yet."""
        self._observed = dict(remembered.observed)
        self._rejects = dict(remembered.rejects)
        self._subjects = remembered.reached
        self._skeletons = {record.subject: record for record in remembered.skeletons}
        self._unmade = {record.subject: record for record in remembered.unmade}

    def found(self, photo: Found) -> None:
        """Notes a photo of the dataset."""
        self._own.add(photo.subject)
        with self._changing(photo.key):
            self._found[photo.key] = photo

    def observation(self, record: Observation, partition: int, offset: int, now: float) -> None:
        """Notes an observation; of the same photo, the first one that counts on the topic does.

        One whose evidence is malformed is none: the aggregator rejects it, too.
        """
        key = (record.subject, record.image_id)
        if record.fingerprint != self._fingerprint:
            return
        refusal = self._refusals.pop((partition, offset), None)
        if refusal is not None:
            self._note_reject(key, refusal, now)
            return
        standing = self._standings.get((key, partition), AS_SEEN)
        try:
            excluded = _exclusion(as_decided(record, standing))
        except StateRefusedError:
            return
        seen = ObservedPhoto(
            partition,
            offset,
            person=record.pose is not None,
            excluded=excluded,
            path=record.path,
            is_own=record.run == self._run,
            is_copy=(record.excluded or "").startswith(Exclusion.DUPLICATE),
            captured_at=credible(record.captured_at, record.found_at),
            content=record.content_hash,
            pixels=record.pixels,
            standing=standing,
        )
        if key in self._observed:
            if self._places.get((partition, offset)) != key:  # else it is read again
                self._later.setdefault(key, []).append(seen)
            return
        self._finished.append(now)
        self._observe(key, seen)

    def _observe(self, key: PhotoKey, seen: ObservedPhoto) -> None:
        with self._changing(key):
            self._observed[key] = seen
            self._rejects.pop(key, None)
        self._places[seen.partition, seen.offset] = key
        self._reached(key[0], seen.partition, seen.offset)

    def decision(self, record: Decision, partition: int, offset: int) -> None:
        """Notes what was decided about photos."""
        for image_id in record.image_ids:
            self._standings[(record.subject, image_id), partition] = record.standing
        for brought in record.observed:
            key = (record.subject, brought.image_id)
            seen = self._observed.get(key)
            if brought.fingerprint != self._fingerprint or seen is None:
                continue
            if seen.partition != partition or seen.offset > offset:
                continue
            try:
                excluded = _exclusion(as_decided(brought, record.standing))
            except StateRefusedError:
                continue
            self._observed[key] = msgspec.structs.replace(
                seen, excluded=excluded, standing=record.standing
            )
            self._reached(record.subject, partition, offset)

    def reject(self, record: Reject, now: float) -> None:
        """Notes a reject: of a photo, of an observation, or of an estimate.

        One of a photo that was observed after all is passed over.
        """
        if record.fingerprint not in ("", self._fingerprint):
            return
        if record.applied:
            self._unmade[record.subject] = record
        elif record.reference is None:
            self._refuse(record, now)
        elif record.run == self._run:
            self._note_reject(about(record), record, now)

    def _refuse(self, record: Reject, now: float) -> None:
        """Takes back an observation that the aggregator refused: no estimate will contain it."""
        place = _observation_place(record)
        if place is None:
            return
        key = self._places.pop(place, None)
        if key is None:  # not read yet
            self._refusals[place] = record
            return
        with self._changing(key):
            del self._observed[key]
        self._count_offsets(key[0], place[0])
        for seen in self._later.pop(key, []):
            if key in self._observed:
                self._later.setdefault(key, []).append(seen)
            elif self._refusals.pop((seen.partition, seen.offset), None) is None:
                self._observe(key, seen)
        self._note_reject(key, record, now)

    def _count_offsets(self, subject: str, partition: int) -> None:
        """Finds the last observation of a subject in a partition, after one was taken back."""
        offsets = self._subjects[subject]
        offsets[partition] = max(
            (
                seen.offset
                for key, seen in self._observed.items()
                if key[0] == subject and seen.partition == partition
            ),
            default=-1,
        )

    def _note_reject(self, key: PhotoKey, record: Reject, now: float) -> None:
        if key in self._observed:
            self._rejected_again[key] = record
            return
        if record.is_near_copy and key in self._rejects:
            return  # a detector has seen it since: they are in partitions that are read at once
        if key not in self._rejects:
            self._finished.append(now)
        with self._changing(key):
            self._rejects[key] = record

    def forget(self, digest: str, partition: int) -> None:
        """Drops what a partition of the observations topic has said about a forgotten subject."""
        gone = [
            key
            for key, seen in self._observed.items()
            if seen.partition == partition and subject_digest(key[0]) == digest
        ]
        for key in gone:
            with self._changing(key):
                del self._observed[key]
            self._later.pop(key, None)
        self._lost.update(key for key in gone if key in self._found)
        for place in [
            (key, number)
            for key, number in self._standings
            if number == partition and subject_digest(key[0]) == digest
        ]:
            del self._standings[place]
        for subject in [name for name in self._subjects if subject_digest(name) == digest]:
            self._subjects[subject].pop(partition, None)
            if not self._subjects[subject]:
                del self._subjects[subject]

    def take_lost(self) -> set[PhotoKey]:
        """Returns the photos that were observed and then forgotten since this was asked last."""
        lost, self._lost = self._lost - self._observed.keys(), set()
        return lost

    def _reached(self, subject: str, partition: int, offset: int) -> None:
        """Notes what an estimate has to contain to be complete."""
        offsets = self._subjects.setdefault(subject, {})
        offsets[partition] = max(offset, offsets.get(partition, -1))

    def no_skeleton(self, subject: str, fingerprint: str) -> None:
        """Notes that there is no estimate of a subject any more."""
        if fingerprint == self._fingerprint:
            self._skeletons.pop(subject, None)

    def expect(self, photo: Found) -> None:
        """Notes that a photo is tried again: an earlier reject does not stand any more."""
        with self._changing(photo.key):
            self._rejects.pop(photo.key, None)

    def skeleton(self, record: SkeletonRecord) -> None:
        """Notes an estimate; of two, the one that contains more is kept."""
        if record.fingerprint != self._fingerprint:
            return
        known = self._skeletons.get(record.subject)
        if known is None or sum(record.applied.values()) >= sum(known.applied.values()):
            self._skeletons[record.subject] = record

    def is_observed(self, photo: Found) -> bool:
        """Whether the observations topic has this photo."""
        return photo.key in self._observed

    def observed_at(self, photo: Found) -> ObservedPhoto | None:
        """Where the observations topic has this photo; None where it has not."""
        return self._observed.get(photo.key)

    def rejected_again(self, photo: Found, since: float) -> Reject | None:
        """Why a photo that was observed was rejected since then, Unix seconds; None if not."""
        record = self._rejected_again.get(photo.key)
        return None if record is None or record.rejected_at < since else record

    def is_rejected(self, photo: Found) -> bool:
        """Whether this photo was rejected."""
        return self.reject_of(photo) is not None

    def reject_of(self, photo: Found) -> Reject | None:
        """Why this photo was rejected; None where it was not, or is to be detected after all."""
        reject = self._rejects.get(photo.key)
        return None if _is_outdated(reject, photo) else reject

    @property
    def counts(self) -> Counts:
        """The run's photos by what became of them."""
        return Counts(
            found=len(self._found),
            observed=self._counted["observed"],
            person=self._counted["person"],
            rejected=self._counted["rejected"],
            near_copies=self._counted["near_copies"],
        )

    @contextmanager
    def _changing(self, key: PhotoKey) -> Iterator[None]:
        """Keeps `counts` right while something about a photo changes.

        They are asked for many times a second, so they cannot be made by going through the photos.
        """
        self._counted.subtract(self._counts_for(key))
        yield
        self._counted.update(self._counts_for(key))

    def _counts_for(self, key: PhotoKey) -> list[str]:
        if key not in self._found:
            return []
        seen = self._observed.get(key)
        reject = self.reject_of(self._found[key])
        named = {
            "observed": seen is not None,
            "person": seen is not None and seen.person,
            "rejected": reject is not None,
            "near_copies": reject is not None and reject.is_near_copy,
        }
        return [name for name, holds in named.items() if holds]

    @property
    def rejected(self) -> list[tuple[Found, Reject]]:
        """The run's rejects by path."""
        pairs = [
            (photo, reject)
            for key, reject in self._rejects.items()
            if (photo := self._found.get(key)) and not _is_outdated(reject, photo)
        ]
        return sorted(pairs, key=lambda pair: pair[0].path)

    @property
    def observed_photos(self) -> list[tuple[Found, ObservedPhoto]]:
        """The run's observed photos by path."""
        pairs = [(self._found[i], o) for i, o in self._observed.items() if i in self._found]
        return sorted(pairs, key=lambda pair: pair[0].path)

    @property
    def excluded(self) -> Counter[Exclusion]:
        """How many observed photos do not count in the estimate, by reason."""
        return Counter(seen.excluded for _, seen in self.observed_photos if seen.excluded)

    @property
    def gone(self) -> dict[PhotoKey, ObservedPhoto]:
        """Photos that this run observed, and that are no longer in the dataset."""
        return {
            key: seen
            for key, seen in self._observed.items()
            if seen.is_own and key not in self._found
        }

    @property
    def standings(self) -> dict[PhotoKey, str]:
        """How photos stand about which something was decided, by hand or not."""
        return {key: seen.standing for key, seen in self._observed.items() if seen.standing}

    def seen(self, key: PhotoKey) -> ObservedPhoto | None:
        """What is known of an observed photo."""
        return self._observed.get(key)

    @property
    def skeletons(self) -> dict[str, SkeletonRecord]:
        """Latest estimate of each subject that this run has photos of, which were observed.

        A Kafka that is shared has other people's as well.
        """
        return {s: r for s, r in sorted(self._skeletons.items()) if s in self._observed_subjects}

    @property
    def all_processed(self) -> bool:
        """Whether no photo waits."""
        return self.counts.waiting == 0

    @property
    def estimates_complete(self) -> bool:
        """Whether each of the run's subjects' estimates contains every observation of theirs."""
        return all(
            self._contains(subject, self._subjects[subject]) for subject in self._observed_subjects
        )

    @property
    def _observed_subjects(self) -> set[str]:
        return self._own & self._subjects.keys()

    @property
    def unmade(self) -> dict[str, str]:
        """Subject of the run to why there is no estimate of all that was observed of it."""
        return {
            subject: self._unmade[subject].message
            for subject in sorted(self._observed_subjects & self._unmade.keys())
            if not self._is_estimated(subject)
        }

    def _contains(self, subject: str, seen: dict[int, int]) -> bool:
        """Whether an estimate contains all that was seen, or cannot be made of it."""
        refusal = self._unmade.get(subject)
        return self._is_estimated(subject) or (refusal is not None and _covers(refusal, seen))

    def _is_estimated(self, subject: str) -> bool:
        record = self._skeletons.get(subject)
        if record is None or record.estimate.learned not in {None, self._learned}:
            return False
        return _covers(record, self._subjects[subject])

    def photos_per_second(self, now: float) -> float:
        """Photos finished lately, per second."""
        while self._finished and self._finished[0] < now - RATE_WINDOW_SECONDS:
            self._finished.popleft()
        if not self._finished:
            return 0.0
        return len(self._finished) / max(now - self._finished[0], 1.0)

    def seconds_left(self, now: float) -> float:
        """Time that the waiting photos will take at the present pace; infinite when it stands."""
        rate = self.photos_per_second(now)
        return self.counts.waiting / rate if rate > 0 else math.inf

    def estimates(self) -> dict[str, Estimate]:
        """The estimates, by subject."""
        return {subject: record.estimate for subject, record in self.skeletons.items()}


def _is_outdated(reject: Reject | None, photo: Found) -> bool:
    """Whether a photo was left out as a near-copy of another one, and is none any more."""
    return reject is not None and reject.is_near_copy and not photo.is_near_copy


def _exclusion(observation: Observation) -> Exclusion | None:
    verdict = judge(observation)
    return verdict.reason if isinstance(verdict, Excluded) else None


def _covers(told: SkeletonRecord | Reject, seen: dict[int, int]) -> bool:
    return all(told.applied.get(partition, -1) >= offset for partition, offset in seen.items())


def _observation_place(record: Reject) -> tuple[int, int] | None:
    """Partition and offset of an observation whose evidence was refused; None for all else."""
    place = _ORIGIN.fullmatch(record.origin)
    if place is None or record.reason != RejectReason.EVIDENCE:
        return None
    return (int(place[1]), int(place[2]))
