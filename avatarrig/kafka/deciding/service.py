"""Deciding about photos of a subject where no run is: through the topics."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Final

import msgspec
from kafka import TopicPartition

from avatarrig.body.evidence.current_evidence import slim
from avatarrig.body.evidence.standing import (
    Asked,
    Change,
    KnownPhoto,
    bring_back,
    did_you_mean,
    fits,
    including,
    is_itself,
    leave_out,
    why_same,
)
from avatarrig.errors import CommandError, ExitCode
from avatarrig.kafka.clients import producing
from avatarrig.kafka.deciding.known import Reference, digest_of, face_left_by
from avatarrig.kafka.deciding.records import decisions_about, fetch_observations, send_decisions
from avatarrig.kafka.reading import Message, Offsets, Reader, from_beginning, offsets_of, reading
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.wire import Decision, Forget, Observation
from avatarrig.wire.channels import OBSERVED
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.standings import AS_SEEN
from avatarrig.wire.topics import OBSERVATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kafka import KafkaConsumer, KafkaProducer

    from avatarrig.kafka.deciding.known import Known, Sight

    LookUp = Callable[[str, Collection[str]], Known | None]

ROUNDS: Final = 5
"""How often it is looked whether photos were observed while they were being decided about."""

Place = tuple[int, str, str]
"""Partition, image_id and fingerprint."""

Meant = Callable[[KnownPhoto], Collection[str]]
"""Which of the names that were given a photo goes by."""


class Deciding(msgspec.Struct, frozen=True):
    """That photos of a subject shall stand otherwise.

    Attributes:
        photos: As they are named.
        change: How each shall stand.
        reference: The subject's face in the photo, though the photo stands as it stood. None
            where nothing is said about it.
        by_name: Whether photos are named as people do, by patterns too, so that those of a
            pattern which were left out are brought back first.
    """

    subject: str
    photos: Sequence[str]
    reason: str
    change: Change
    reference: Reference | None = None
    by_name: bool = False


class Outcome(msgspec.Struct, frozen=True):
    """What became of the photos that were named.

    Attributes:
        changed: Those that stand otherwise now.
        before: image_id of each to how it stood.
        same: Those that stand as they stood, with the reason.
        faces: image_id to what stands for the face that was a reference before.
    """

    changed: list[KnownPhoto]
    before: dict[str, str]
    same: list[tuple[KnownPhoto, str]]
    faces: dict[str, str] = {}


class _Matched:
    """What the observations topic says of the photos that are named.

    Args:
        meant: Tells which of these names a photo goes by.
    """

    def __init__(self, subject: str, names: Sequence[str], meant: Meant) -> None:
        self._subject = subject
        self._digest = subject_digest(subject)
        self._meant = meant
        self.unmatched = set(names)
        self.is_known = False
        self.first: dict[Place, Observation] = {}
        self.standings: dict[tuple[int, str], str] = {}
        self.before: dict[tuple[int, str], str] = {}
        self.paths: dict[str, KnownPhoto] = {}
        self.names: dict[str, Collection[str]] = {}
        self.itself: set[str] = set()
        self.references: dict[str, tuple[float, bytes]] = {}
        self.faces: dict[str, set[bytes]] = {}

    def take(self, message: Message) -> None:
        """Takes in a message of the topic; the aggregator rejects those that hold no record."""
        match message.record:
            case Forget(forget=digest) if digest == self._digest:
                self._forget(message.partition)
            case Decision(subject=subject) as decision if subject == self._subject:
                for image_id in decision.image_ids:
                    self._stand((message.partition, image_id), decision.standing)
                    self._point(image_id, decision)
            case Observation() as seen:
                self.see(message.partition, seen)

    def see(self, partition: int, record: Observation) -> None:
        """Takes in an observation of a partition, in their order."""
        if record.subject != self._subject:
            return
        self.is_known = True
        photo = KnownPhoto(record.image_id, record.subject, record.path)
        if self.unmatched:
            self.paths[record.path] = photo
        if fitting := self._meant(photo):
            self.unmatched -= set(fitting)
            self.names[record.image_id] = fitting
            self.itself |= {name for name in fitting if is_itself(photo, name)}
            place = (partition, record.image_id, record.fingerprint)
            self.first.setdefault(place, slim(record))

    def _stand(self, place: tuple[int, str], standing: str) -> None:
        known = self.standings.get(place, AS_SEEN)
        if known != standing:
            self.before[place] = known
        self.standings[place] = standing

    def is_meant(self, photo: KnownPhoto) -> bool:
        """Tells whether a photo is named; a name that is another's own is no pattern, too."""
        names = self.names[photo.image_id]
        return any(name not in self.itself or is_itself(photo, name) for name in names)

    def _point(self, image_id: str, decision: Decision) -> None:
        at, before = self.references.get(image_id, (0.0, b""))
        if decision.decided_at >= at:
            self.references[image_id] = (decision.decided_at, face_left_by(decision, before))
        if decision.face:
            self.faces.setdefault(image_id, set()).add(decision.face)

    def recall(self, known: Known) -> None:
        """Takes up which faces are references, and were."""
        self.references = {image_id: (0.0, face) for image_id, face in known.references.items()}
        self.faces = {image_id: set(faces) for image_id, faces in known.faces.items()}

    def face(self, image_ids: Collection[str], digest: str) -> bytes:
        """Finds a face that was pointed at; empty where there is none such."""
        faces = (face for image_id in image_ids for face in self.faces.get(image_id, ()))
        return next((face for face in faces if digest_of(face) == digest), b"")

    def is_of(self, seen: Observation, sight: Sight) -> bool:
        """Tells whether an observation is what was seen of a photo."""
        of = (seen.subject, seen.image_id, seen.fingerprint)
        return of == (self._subject, sight.image_id, sight.fingerprint)

    def _forget(self, partition: int) -> None:
        for place in [place for place in self.first if place[0] == partition]:
            del self.first[place]
        for photo in [photo for photo in self.standings if photo[0] == partition]:
            del self.standings[photo]
        self.references.clear()
        self.faces.clear()


def decide_in_service(
    kafka: KafkaSettings, subject: str, names: Sequence[str], reason: str, *, excluding: bool
) -> tuple[list[KnownPhoto], list[tuple[KnownPhoto, str]]]:
    """Takes photos of a subject out of the estimate, or brings them back.

    Args:
        kafka: Where the pipeline runs.
        names: image_ids, paths within the dataset, folders or patterns.
        excluding: Whether they shall not count.

    Returns:
        The photos that stand otherwise now; and those that do not, with the reason.

    Raises:
        CommandError: No such photo of the subject was observed.
    """

    def meant(photo: KnownPhoto) -> list[str]:
        return [name for name in names if fits(photo, name)]

    change = leave_out if excluding else bring_back
    asked = Deciding(subject, names, reason, change, by_name=not excluding)
    outcome = _decide(kafka, _Matched(subject, names, meant), asked)
    return outcome.changed, outcome.same


def decide_about(kafka: KafkaSettings, look_up: LookUp, asked: Deciding) -> Outcome:
    """Has some photos of a subject stand otherwise.

    What is known of them is not read again: a topic may hold hundreds of thousands of photos.

    Args:
        kafka: Where the pipeline runs.
        look_up: Says of a subject's photos what is known; None where that is not all.
        asked: What is asked for; photos by their image_ids.

    Raises:
        CommandError: No such photo of the subject was observed.
    """
    wanted = frozenset(asked.photos)
    matched = _Matched(asked.subject, sorted(wanted), lambda photo: wanted & {photo.image_id})
    return _decide(kafka, matched, asked, look_up(asked.subject, wanted))


def _decide(
    kafka: KafkaSettings, matched: _Matched, asked: Deciding, known: Known | None = None
) -> Outcome:
    reference = asked.reference
    why = Decision(
        subject=asked.subject, image_ids=(), standing=AS_SEEN, decided_at=0, reason=asked.reason
    )
    with reading(kafka) as consumer, producing(kafka) as producer:
        starts = from_beginning(consumer, OBSERVATIONS)
        since = starts if known is None else _recall(consumer, matched, known, starts)
        ends = _read(consumer, matched, since)
        _refuse_unknown(matched, why.subject)
        wanted, outcome = _wanted(matched, asked)
        if reference is not None:
            face = reference.face or matched.face(wanted, reference.digest)
            why = msgspec.structs.replace(why, face=face)
        for _ in range(ROUNDS):
            if not wanted:
                break
            before = set(matched.first)
            _publish(producer, list(starts), matched, why, wanted)
            ends = _read(consumer, matched, ends)
            late = {image_id for _, image_id, _ in set(matched.first) - before}
            wanted = {image_id: to for image_id, to in wanted.items() if image_id in late}
    return outcome


def _recall(consumer: KafkaConsumer, matched: _Matched, known: Known, starts: Offsets) -> Offsets:
    """Takes up what is known of photos; returns from where on the topic is to be read.

    That is its beginning where something named is not known, or is not where it was.
    """
    ends = offsets_of(consumer.end_offsets, starts)
    if known.positions.keys() != starts.keys() or any(
        not starts[place] <= position <= ends[place] for place, position in known.positions.items()
    ):
        return starts
    positions: dict[int, set[int]] = {}
    for sight in known.sights:
        positions.setdefault(sight.partition, set()).add(sight.position)
    seen = {
        (partition, offset): observation
        for partition, offsets in positions.items()
        for offset, observation in fetch_observations(consumer, partition, offsets).items()
    }
    found = [(sight, seen.get((sight.partition, sight.position))) for sight in known.sights]
    if matched.unmatched != {sight.image_id for sight in known.sights} or not all(
        observation is not None and matched.is_of(observation, sight)
        for sight, observation in found
    ):
        return starts
    matched.recall(known)
    for (partition, _), observation in seen.items():
        matched.see(partition, observation)
    for place in starts:
        for image_id, standing in known.standings.items():
            matched.standings[place.partition, image_id] = standing
    return known.positions


def _read(consumer: KafkaConsumer, matched: _Matched, starts: Offsets) -> dict[TopicPartition, int]:
    """Reads on to the end; returns where that was."""
    ends = dict(starts)
    for message in Reader(consumer, (OBSERVED,), starts).to_end():
        matched.take(message)
        ends[TopicPartition(message.topic, message.partition)] = message.offset + 1
    return ends


def _refuse_unknown(matched: _Matched, subject: str) -> None:
    if not matched.is_known:
        raise CommandError(
            f"no photo of {subject} was observed: avatarrig status lists the subjects",
            ExitCode.WRONG_USAGE,
        )
    if matched.unmatched:
        name = min(matched.unmatched)
        raise CommandError(
            f"no photo of {subject} that was observed is called {name!r}: give a "
            "path within the dataset, a pattern such as '2019/*.jpg', or an image_id"
            + did_you_mean(matched.paths.values(), name),
            ExitCode.WRONG_USAGE,
        )


def _wanted(matched: _Matched, asked: Deciding) -> tuple[dict[str, str], Outcome]:
    stand = {place[:2]: matched.standings.get(place[:2], AS_SEEN) for place in matched.first}
    names = [(name, name) for name in asked.photos]
    shall = (
        including(names, stand.values())
        if asked.by_name
        else Asked(names, asked.change, asked.change)
    )
    wanted: dict[str, str] = {}
    before: dict[str, str] = {}
    changed: dict[str, KnownPhoto] = {}
    same: dict[str, tuple[KnownPhoto, str]] = {}
    for (partition, image_id, _), seen in matched.first.items():
        photo = KnownPhoto(image_id, seen.subject, seen.path)
        if not matched.is_meant(photo):
            continue
        standing = stand[partition, image_id]
        before_that = matched.before.get((partition, image_id), AS_SEEN)
        to = shall.standing(photo, seen, standing, before_that if asked.by_name else AS_SEEN)
        if to == standing and asked.reference is None:
            same.setdefault(seen.image_id, (photo, why_same(seen, standing)))
        else:
            wanted.setdefault(seen.image_id, to)
            changed.setdefault(seen.image_id, photo)
            before[seen.image_id] = standing
    unchanged = [pair for image_id, pair in same.items() if image_id not in wanted]
    faces = {name: digest_of(matched.references.get(name, (0.0, b""))[1]) for name in wanted}
    return wanted, Outcome(list(changed.values()), before, unchanged, faces)


def _publish(
    producer: KafkaProducer,
    places: Sequence[TopicPartition],
    matched: _Matched,
    why: Decision,
    wanted: Mapping[str, str],
) -> None:
    """Tells every partition, and brings along what each has seen of the photos.

    Args:
        wanted: image_id to how the photo shall stand.
    """
    seen: dict[int, dict[str, list[Observation]]] = {}
    for (partition, image_id, _), observation in matched.first.items():
        seen.setdefault(partition, {}).setdefault(image_id, []).append(observation)
    send_decisions(
        producer,
        (
            (place.partition, decision)
            for standing in sorted(set(wanted.values()))
            for place in places
            for decision in decisions_about(
                msgspec.structs.replace(why, standing=standing),
                sorted(image_id for image_id, to in wanted.items() if to == standing),
                seen.get(place.partition, {}),
            )
        ),
    )
