"""Has a run's photos stand as was decided about them, and as the dataset has them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import structlog

from avatarrig.body.evidence.current_evidence import slim
from avatarrig.kafka.border import told_by
from avatarrig.kafka.deciding.records import TOGETHER, decisions_about
from avatarrig.kafka.errors import TransportError
from avatarrig.photos.clips.address import clip_and_seconds
from avatarrig.photos.period import ALWAYS, Period
from avatarrig.runs import ObservationFileError, read_observation
from avatarrig.wire import Decision, encode
from avatarrig.wire.identity import copies, taken_over
from avatarrig.wire.keys import PhotoKey, decision_key
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.standings import AS_SEEN, AUTOMATIC, COUNTS
from avatarrig.wire.topics import OBSERVATIONS
from producers.departures import presence
from producers.departures.standing import standing_there

if TYPE_CHECKING:
    from kafka import KafkaProducer

    from avatarrig.runs import Decided, Decisions, RunDirectory
    from avatarrig.views.progress import Found, ObservedPhoto, Progress
    from avatarrig.wire import Observation

_log = structlog.get_logger(__name__)


def wanted_standing(
    seen: ObservedPhoto, decided: str | None, *, is_copy: bool, period: Period = ALWAYS
) -> str:
    """Tells how a photo of the dataset shall stand.

    Args:
        seen: As it was observed, and how it stands.
        decided: What was decided about it; empty where that was undone, None where nothing was.
        is_copy: Whether the dataset has the same picture in an earlier photo.
        period: When photos that count were taken.
    """
    if decided:
        return decided
    to = standing_there(seen.captured_at, period, is_copy=is_copy, seen_as_copy=seen.is_copy)
    if to == AS_SEEN and decided is None and seen.standing not in AUTOMATIC:
        return seen.standing
    return to


def unsettled(
    progress: Progress, decisions: Decisions, *, prune: bool | None, period: Period
) -> Iterator[tuple[PhotoKey, str]]:
    """Lists the photos that do not stand as they shall, and how they shall; see `Standings`."""
    photos = progress.observed_photos
    same = _same_pixels(photos)
    by_picture = _taken_over(progress, decisions)
    for found, seen in photos:
        decided = decisions.get(found.key)
        is_copy = found.is_copy or found.key in same
        inherited = None if is_copy else by_picture.get(found.key)
        by_hand = inherited if decided is None else decided.standing
        to = wanted_standing(seen, by_hand, is_copy=is_copy, period=period)
        if to != seen.standing:
            yield found.key, to
    departing = _departing(progress, decisions, prune=prune)
    for key, seen in departed(progress).items():
        decided = decisions.get(key)
        if key in departing:
            to = Exclusion.GONE.value
        elif decided is None or not (decided.standing or seen.standing not in AUTOMATIC):
            to = seen.standing
        else:
            to = decided.standing
        if to != seen.standing:
            yield key, to


def _taken_over(progress: Progress, decisions: Decisions) -> dict[PhotoKey, str]:
    by_hand = (
        (_marked(key, seen), standing)
        for key, seen in departed(progress).items()
        if (standing := _by_hand(decisions.get(key), seen))
    )
    undecided = (
        (found.key, _marked(found.key, seen))
        for found, seen in progress.observed_photos
        if seen.standing in AUTOMATIC
    )
    return taken_over(by_hand, undecided)


def _marked(key: PhotoKey, seen: ObservedPhoto) -> list[tuple[str, str]]:
    return [(key[0], mark) for mark in _marks(seen)]


def _marks(seen: ObservedPhoto) -> list[str]:
    """What stands for the picture of a photo."""
    _, seconds = clip_and_seconds(seen.path)
    file = f"{seen.content} {seconds}" if seen.content else ""
    return [mark for mark in (file, seen.pixels) if mark]


def _departing(progress: Progress, decisions: Decisions, *, prune: bool | None) -> set[PhotoKey]:
    """Photos that shall stop counting since they are gone, or newer versions took their places."""
    gone = departed(progress)
    undecided = prunable(progress, decisions)
    photos = progress.observed_photos
    here = {(found.subject, found.path) for found, _ in photos}
    away = ((key, (key[0], seen.path) in here, seen.content) for key, seen in gone.items())
    certain, others = presence.told_apart(away, {seen.content for _, seen in photos})
    # Whoever said that a photo counts said so of its picture, which counts where it lies now.
    counting = {key for key in certain if _by_hand(decisions.get(key), gone[key]) == COUNTS}
    leaving = {key: undecided[key] for key in others & undecided.keys()}
    if prune or (prune is not None and is_plausible(progress, leaving)):
        return undecided.keys() | counting
    return (certain & undecided.keys()) | counting


class Standings:
    """Publishes decisions until every photo of a run stands as it shall.

    Args:
        producer: Idempotent, with ``acks="all"``.
        prune: Whether photos that are gone stop counting, however many they are; None where
            nothing is known of that, since the dataset was not listed whole.
        restore: Reads an observation of which the file is away from Kafka; None where it is not
            there any more.
        period: When photos that count were taken.
    """

    def __init__(  # noqa: PLR0913 - what decides about a photo, gathered in one place
        self,
        run: RunDirectory,
        progress: Progress,
        producer: KafkaProducer,
        *,
        fingerprint: str,
        decisions: Decisions,
        prune: bool | None,
        restore: Callable[[PhotoKey, ObservedPhoto], Observation | None],
        period: Period = ALWAYS,
    ) -> None:
        self._run = run
        self._progress = progress
        self._producer = producer
        self._fingerprint = fingerprint
        self._decisions = decisions
        self._prune = prune
        self._restore = restore
        self._period = period
        self._sent: dict[PhotoKey, str] = {}
        self._unreadable: set[PhotoKey] = set()

    def settle(self) -> bool:
        """Publishes what is missing; tells whether every photo stands as it shall.

        It is asked when every photo of the dataset is known and observed.
        """
        open_ones = dict(self._open())
        unsent = {key: to for key, to in open_ones.items() if self._sent.get(key) != to}
        by_place: dict[tuple[str, int, str], list[PhotoKey]] = {}
        for key, standing in unsent.items():
            seen = self._progress.seen(key)
            if seen is not None:
                by_place.setdefault((key[0], seen.partition, standing), []).append(key)
        for (subject, partition, standing), keys in by_place.items():
            for start in range(0, len(keys), TOGETHER):
                some = keys[start : start + TOGETHER]
                self._publish(subject, partition, standing, some)
        return not open_ones

    def _open(self) -> Iterator[tuple[PhotoKey, str]]:
        for key, to in unsettled(
            self._progress, self._decisions, prune=self._prune, period=self._period
        ):
            if key not in self._unreadable:
                yield key, to

    def _publish(self, subject: str, partition: int, standing: str, keys: list[PhotoKey]) -> None:
        brought = {key: seen for key in keys if (seen := self._observation(key)) is not None}
        self._unreadable |= set(keys) - set(brought)
        if not brought:
            return
        why = Decision(subject=subject, image_ids=(), standing=standing, decided_at=0)
        observed = {image_id: [seen] for (_, image_id), seen in brought.items()}
        self._sent |= dict.fromkeys(brought, standing)
        try:
            with told_by("Kafka does not take a decision"):
                for decision in decisions_about(why, observed, observed):
                    key = decision_key(decision, time.time_ns(), partition)
                    self._producer.send(
                        OBSERVATIONS, value=encode(decision), key=key, partition=partition
                    ).add_errback(lambda _: self._unsend(brought))
        except TransportError as error:  # it is tried again as long as a photo stands otherwise
            _log.warning("a decision could not be published yet", why=str(error))
            self._unsend(brought)

    def _unsend(self, keys: Iterable[PhotoKey]) -> None:
        for key in keys:
            self._sent.pop(key, None)

    def _observation(self, key: PhotoKey) -> Observation | None:
        """What was observed of a photo; None where neither its file nor the topic tells it."""
        with contextlib.suppress(OSError, ObservationFileError):
            seen = read_observation(self._run.observation(key[1]))
            if (seen.subject, seen.fingerprint) == (key[0], self._fingerprint):
                return slim(seen)
        place = self._progress.seen(key)
        restored = None if place is None else self._restore(key, place)
        if restored is None:
            _log.warning("a photo's file is away: it stands as it stood", image_id=key[1])
            return None
        return slim(restored)


def _same_pixels(photos: Iterable[tuple[Found, ObservedPhoto]]) -> set[PhotoKey]:
    """Photos of which an earlier one was saved anew, so that its file alone does not tell it."""
    return copies(
        (found.key, [(found.subject, seen.pixels)] if seen.pixels else [])
        for found, seen in photos
        if not found.is_copy
    )


def departed(progress: Progress) -> dict[PhotoKey, ObservedPhoto]:
    """Photos that are no longer in the dataset, as far as its folders could be listed."""
    paths = {found.path for found, _ in progress.rejected}
    if presence.DATASET in paths:
        return {}
    unlisted = [f"{path}/" for path in paths]
    return {
        key: seen
        for key, seen in progress.gone.items()
        if not any(seen.path.startswith(folder) for folder in unlisted)
    }


def prunable(progress: Progress, decisions: Decisions) -> dict[PhotoKey, ObservedPhoto]:
    """Photos that are gone, and about which nothing was decided by hand: that holds.

    Photos that others observed are theirs.
    """
    return {
        key: seen
        for key, seen in departed(progress).items()
        if not _by_hand(decisions.get(key), seen)
    }


def _by_hand(decided: Decided | None, seen: ObservedPhoto) -> str:
    """What somebody decided, in the run's file or by the topics; empty where nothing stands."""
    if decided is not None:
        return decided.standing
    return seen.standing if seen.standing not in AUTOMATIC else AS_SEEN


def still_counted(progress: Progress, decisions: Decisions) -> int:
    """How many photos are gone and count all the same, so that pruning would change something."""
    return sum(seen.excluded is None for seen in prunable(progress, decisions).values())


def is_plausible(progress: Progress, gone: dict[PhotoKey, ObservedPhoto]) -> bool:
    """Whether so many photos may have been taken away on purpose."""
    leaving = sum(seen.standing != Exclusion.GONE for seen in gone.values())
    return presence.is_plausible(leaving, progress.counts.observed)
