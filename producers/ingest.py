"""Publishes the photos of a folder or a store, once or for ever, each of them once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Protocol

import structlog

from avatarrig.metrics.ingest import IngestMetrics
from avatarrig.photos.clips.address import clip_and_seconds
from avatarrig.photos.passed_over import FileCounts
from avatarrig.wire import PhotoReference
from producers.events import FolderEvents
from producers.memory import Memory
from producers.moments import Moments
from producers.publish import RecordProducer, publish_patiently
from producers.references import Dataset, Published, describe, is_near_copy, reference_in
from producers.scan import DatasetError
from producers.settling import Settling, Stamp
from producers.source import Entry, Source, SourceAwayError

PORTION = 200
"""Photos read, published and remembered together."""
STOP_SECONDS = 0.5
"""A request to stop is heard at least so often."""
AWAY_SECONDS = 1.0
"""Between looks for a folder that is away."""
_log = structlog.get_logger(__name__)


class Listed:
    """What a look at everything found.

    Attributes:
        paths: Of photos, also of those that cannot be read.
        unlisted: Folders of which nothing is known, and photos that cannot be read.
    """

    def __init__(self) -> None:
        self.paths: set[str] = set()
        self.unlisted: set[str] = set()

    def noting(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Passes entries on."""
        for entry in entries:
            path = entry.photo.printable_path
            self.paths.add(path)
            if entry.photo.problem is not None:
                self.unlisted.add(path)
            yield entry


class Departures(Protocol):
    """Has photos that are gone or replaced stop counting; see `producers.departures.keeping`."""

    @property
    def faces(self) -> Mapping[str, Sequence[bytes]]:
        """Subject to the faces that somebody pointed at."""

    def catch_up(self, stop: threading.Event) -> None:
        """Reads what was decided by now, unless told to stop."""

    def looked(self, listed: Listed) -> None:
        """Notes a look at everything, which was not broken off."""

    def due(self) -> None:
        """Notes that photos were published."""

    def work(self) -> None:
        """Does what is to be done; waits for nothing, and raises nothing of Kafka's."""

    def finish(self) -> None:
        """Does what is to be done, and waits for it."""


class Schedule:
    """How often an ingest looks. Seconds.

    Args:
        rescan: Between two looks at everything.
        quiet: Between two looks at a new file that must agree.
        patience: The same for a file that does not end as its format does.
    """

    def __init__(self, rescan: float = 30.0, quiet: float = 0.05, patience: float = 5.0) -> None:
        self.rescan = rescan
        self.quiet = quiet
        self.patience = patience


class Ingest:
    """Finds new photos and publishes them.

    Args:
        source: Where photos are found.
        producer: Connected with ``acks="all"`` and idempotence.
        schedule: How often to look.
        departures: Has photos that are gone or replaced stop counting; None has them count on.
    """

    def __init__(  # noqa: PLR0913 - its collaborators, wired in one place
        self,
        source: Source,
        dataset: Dataset,
        producer: RecordProducer,
        memory: Memory,
        *,
        schedule: Schedule,
        metrics: IngestMetrics,
        departures: Departures | None = None,
    ) -> None:
        self._source = source
        self._dataset = dataset
        self._producer = producer
        self._memory = memory
        self._schedule = schedule
        self._metrics = metrics
        self._departures = departures
        self._settling = Settling(schedule.quiet, schedule.patience)
        most = dataset.sharpest_of_moment
        self._moments = None if most is None else Moments(most)
        self._faces: Mapping[str, Sequence[bytes]] = {}
        self._is_away = False
        self.found = 0
        self.published = 0
        self.rejected = 0
        self.near_copies = 0
        self.files = ""

    def once(self, stop: threading.Event) -> None:
        """Publishes what is there by now; waits for files that are still being copied.

        Raises:
            DatasetError: The folder cannot be listed.
            SourceAwayError: The store does not answer.
        """
        counts = FileCounts()
        listed = Listed()
        self._catch_up(stop)
        self._take(listed.noting(self._counted(self._source.scan(counts))), stop)
        self._looked_at(counts)
        while len(self._settling) and not stop.wait(self._schedule.quiet):
            self._take(self._waited_for(), stop)
        if self._departures is not None and not stop.is_set():
            self._departures.looked(listed)
            self._departures.finish()

    def watch(self, stop: threading.Event, events: FolderEvents | None = None) -> None:
        """Publishes what is there and what comes, until told to stop.

        Args:
            events: The file system's own; None where there are none, as in a store.
        """
        scan_at = 0.0
        identity = self._source.identity
        # Of what was published the question is known: another one is taken up as it comes.
        if not len(self._memory) or self._memory.is_of_other_questions(self._dataset.asked_of):
            self._catch_up(stop)
        while not stop.is_set():
            now = time.monotonic()
            if not self._is_away and self._source.identity != identity:
                scan_at = 0.0
            if now >= scan_at:
                scan_at = now + (self._schedule.rescan if self._scan(stop) else AWAY_SECONDS)
                if events is not None and self._source.identity not in {None, identity}:
                    events.restart()
                identity = self._source.identity
            self._take(self._waited_for(), stop)
            if self._departures is not None:
                self._departures.work()
                if self._is_asked_anew():
                    scan_at = 0.0
            limit = min(max(0.0, scan_at - time.monotonic()), STOP_SECONDS)
            limit = min(limit, self._schedule.quiet) if len(self._settling) else limit
            if events is None:
                stop.wait(limit)
                continue
            changed, is_astray = events.wait(limit)
            if is_astray:
                scan_at = 0.0
            paths = {self._source.path_of(file) for file in changed}
            self._take(self._looks(path for path in paths if path is not None), stop)

    def _catch_up(self, stop: threading.Event) -> None:
        """Learns who is meant before anything is published."""
        if self._departures is not None:
            self._departures.catch_up(stop)
            self._is_asked_anew()

    def _is_asked_anew(self) -> bool:
        """Takes the faces that somebody pointed at for references; tells whether others are now."""
        faces = {} if self._departures is None else self._departures.faces
        if faces == self._faces:
            return False
        self._faces = faces
        self._dataset = self._dataset.pointing(faces)
        _log.info(
            "other faces are references now: photos are looked at again",
            references={subject: len(some) for subject, some in faces.items()},
            dataset=self._dataset.name,
        )
        return True

    def _counted(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        for entry in entries:
            self.found += 1
            yield entry

    def _scan(self, stop: threading.Event) -> bool:
        """Looks at everything; tells whether the source answered."""
        counts = FileCounts()
        listed = Listed()
        try:
            self._take(listed.noting(self._source.scan(counts)), stop)
        except (DatasetError, SourceAwayError) as error:
            if not self._is_away:
                self._is_away = True
                _log.warning("the photos are away and waited for", why=str(error))
            return False
        if self._is_away:
            self._is_away = False
            _log.info("the photos are back")
        if not stop.is_set():
            self._looked_at(counts)
            if self._departures is not None:
                self._departures.looked(listed)
        return True

    def _looked_at(self, counts: FileCounts) -> None:
        """Says what is there whenever it is something else than before."""
        if str(counts) != self.files:
            self.files = str(counts)
            _log.info("looked at", files=self.files, dataset=self._dataset.name)

    def _waited_for(self) -> Iterator[Entry]:
        return self._looks(self._settling.waiting)

    def _looks(self, paths: Iterable[str]) -> Iterator[Entry]:
        for path in paths:
            entry = self._source.look(path)
            if entry is None:
                self._settling.forget(path)
            else:
                yield entry

    def _take(self, entries: Iterable[Entry], stop: threading.Event) -> None:
        """Publishes those of the photos that are new and whole."""
        ready = (entry for entry in entries if self._is_ready(entry))
        while not stop.is_set() and (portion := list(islice(ready, PORTION))):
            self._publish(portion, stop)

    def _is_ready(self, entry: Entry) -> bool:
        photo = entry.photo
        reason = None if photo.problem is None else photo.problem.reason
        subject = self._dataset.subject_of(photo.printable_path)
        if self._memory.is_known(
            photo.printable_path,
            entry.stamp,
            subject=subject,
            asked=self._dataset.asked_of(subject),
            reason=reason,
            near_copies=self._moments is not None,
        ):
            self._settling.forget(photo.path)
            return False
        if entry.is_whole:
            return True
        return self._settling.is_whole(
            photo.path, entry.stamp, has_end=entry.has_end, now=time.monotonic(), clock=time.time()
        )

    def _publish(self, entries: list[Entry], stop: threading.Event) -> None:
        """Publishes some photos; tries until the broker has them, or it is time to stop."""
        stamps = {entry.photo.printable_path: entry.stamp for entry in entries}
        records = describe(
            (entry.photo for entry in entries),
            self._dataset,
            read_content=self._source.read,
            read_names=self._source.names,
            now=time.time,
            first_with=self._memory.first_with,
            moments=self._moments,
        )
        ordered = map(self._memory.in_order, records)
        new = [record for record in ordered if not self._is_published(record, stamps)]
        if new and publish_patiently(lambda: new, self._producer, stop):
            for record in new:
                self._note(record, stamps)
            if self._departures is not None:
                self._departures.due()
            _log.info("published", photos=len(new), dataset=self._dataset.name)

    def _is_published(self, record: Published, stamps: dict[str, Stamp]) -> bool:
        """Whether a photo was published before, or left out by the same kind of choice."""
        reference = reference_in(record)
        if reference is None or not (isinstance(record, PhotoReference) or is_near_copy(record)):
            return False
        is_left_out = self._moments is not None and self._memory.has_left_out(reference)
        if reference not in self._memory and not is_left_out:
            return False
        self._memory.seen_again(reference, _stamp_of(reference, stamps))
        self._metrics.known()
        return True

    def _note(self, record: Published, stamps: dict[str, Stamp]) -> None:
        reference = reference_in(record)
        if reference is None:
            return
        self._memory.published(record, _stamp_of(reference, stamps))
        log = _log.bind(image_id=reference.image_id, subject=reference.subject)
        if isinstance(record, PhotoReference):
            self.published += 1
            self._metrics.published(time.time() - record.found_at)
            log.debug("published")
        elif is_near_copy(record):
            self.near_copies += 1
            self._metrics.near_copy()
            log.debug("a near-copy", why=record.message)
        else:
            self.rejected += 1
            self._metrics.rejected(record.reason)
            log.warning("a photo was rejected", reason=record.reason, why=record.message)


def _stamp_of(reference: PhotoReference, stamps: dict[str, Stamp]) -> Stamp:
    """The stamp of the file that a photo, or a clip's frame, is in."""
    return stamps[clip_and_seconds(reference.path)[0]]
