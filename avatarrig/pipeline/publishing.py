"""Finds a run's photos and publishes those that are not processed yet, on a thread of its own.

It publishes as ingests do, with `producers.publish`. They are processes, which hold nothing of the
command's; here each photo is asked of the run's files and of what this process reads of the topics.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from enum import Enum, auto
from pathlib import Path

import structlog

from avatarrig.photos.passed_over import FileCounts
from avatarrig.process.background import Background
from avatarrig.runs import (
    Lacking,
    Pictures,
    RunDirectory,
    RunStorageError,
    WantedFiles,
    lacking_files,
    read_observation,
    write_json,
    write_observation,
)
from avatarrig.views.progress import Found, ObservedPhoto, Progress, found_photo
from avatarrig.wire import Observation, PhotoReference
from avatarrig.wire.keys import PhotoKey
from producers.publish import Record, RecordProducer, described, publish_patiently
from producers.references import Dataset, Published, is_near_copy, reference_in
from producers.scan import DatasetError

MENDING_SECONDS = 0.5
MENDED_AT_ONCE = 200
Restore = Callable[[PhotoKey, ObservedPhoto], Observation | None]
_log = structlog.get_logger(__name__)


class Standing(Enum):
    """How far a photo of the dataset is."""

    NEW = auto()
    """A detector has to look at it."""
    WAITING = auto()
    """It waits on the images topic, from an earlier start."""
    REJECTED = auto()
    OBSERVED = auto()
    LOST = auto()
    """It was observed, and its files are there; only the topic has its observation no more."""


class RunPhotos:
    """Knows how far each photo of a run is, and brings it further.

    Args:
        wanted: Files asked for beside the observations.
        pending: image_ids that wait on the images topic from an earlier start.
        restore: Reads an observation that Kafka has, where its file is lost.

    Attributes:
        detection_needed: Whether a detector has to look at any photo so far.
        mended: How many photos had files that were lost, and were made again from what Kafka has.
        unverified: How many observation files carry no checksum.
    """

    def __init__(  # noqa: PLR0913 - what decides about a photo, gathered in one place
        self,
        progress: Progress,
        run: RunDirectory,
        *,
        fingerprint: str,
        wanted: WantedFiles,
        pending: AbstractSet[str],
        restore: Restore = lambda *_: None,
    ) -> None:
        self._progress = progress
        self._run = run
        self._fingerprint = fingerprint
        self._wanted = wanted
        self._pending = pending
        self._restore = restore
        self._since = time.time()
        self._mending: dict[PhotoKey, Found] = {}
        self._mending_lock = threading.Lock()
        self._looked_at = 0.0
        self._only: AbstractSet[PhotoKey] | None = None
        self.unmendable: dict[str, str] = {}
        self.mended = 0
        self.unverified = 0
        self.detection_needed = False
        self.found: queue.SimpleQueue[Found] = queue.SimpleQueue()

    def look_again(self, photos: AbstractSet[PhotoKey]) -> None:
        """Has the next walk bring these photos alone further, whatever an earlier start left."""
        self._only = photos
        self._pending = frozenset()

    def note(self, record: Published) -> None:
        """Notes a photo that was found."""
        reference = reference_in(record)
        if reference is not None:
            self.found.put(found_photo(reference, is_near_copy=is_near_copy(record)))

    def looked_at(self, counts: FileCounts) -> None:
        """Notes the dataset's files when all of them were seen."""
        write_json(self._run.files, counts.to_document())

    def standing(self, photo: Found) -> Standing:
        """Tells how far a photo is; its observation's file is restored where Kafka has it."""
        if photo.image_id in self._pending:
            return Standing.WAITING
        if self._progress.is_rejected(photo):
            return Standing.REJECTED
        if not self._is_complete(photo):
            return Standing.NEW
        return Standing.OBSERVED if self._progress.is_observed(photo) else Standing.LOST

    def bring_further(self, record: Published) -> Record | None:
        """Does what a photo needs beside a detector; returns what is to be published of it.

        A near-copy that was observed, or waits for it, from an earlier start is one no more.

        Raises:
            ObservationFileError: The file of an observation cannot be read.
        """
        reference = reference_in(record)
        if reference is None or not (isinstance(record, PhotoReference) or is_near_copy(record)):
            return record if self._only is None else None
        photo = found_photo(reference, is_near_copy=is_near_copy(record))
        if self._only is not None and photo.key not in self._only:
            return None
        match self.standing(photo):
            case Standing.NEW if photo.is_near_copy and not self._progress.is_observed(photo):
                return record
            case Standing.NEW:
                self.detection_needed = True
                if self._progress.is_observed(photo):
                    with self._mending_lock:
                        self._mending[photo.key] = photo
                return reference
            case Standing.WAITING:
                self.detection_needed = True
                self._progress.expect(photo)
            case Standing.LOST:
                return read_observation(self._run.observation(photo.image_id))
            case Standing.REJECTED | Standing.OBSERVED:
                pass
        return None

    @property
    def is_mending(self) -> bool:
        """Whether files are waited for of photos that were observed before; looks now and then."""
        now = time.monotonic()
        with self._mending_lock:
            if self._mending and now - self._looked_at >= MENDING_SECONDS:
                self._looked_at = now
                for key in list(self._mending)[:MENDED_AT_ONCE]:
                    self._look_after(key, self._mending[key])
            return bool(self._mending)

    def _look_after(self, key: PhotoKey, photo: Found) -> None:
        reject = self._progress.rejected_again(photo, self._since)
        if reject is not None:
            self.unmendable[photo.path] = reject.message
        elif not self._lacking(photo).nothing:
            return
        else:
            self.mended += 1
        del self._mending[key]

    def _lacking(self, photo: Found) -> Lacking:
        return lacking_files(
            self._run, photo.image_id, photo.subject, self._fingerprint, self._wanted
        )

    def _is_complete(self, photo: Found) -> bool:
        lacking = self._lacking(photo)
        if lacking.observation and self._restored(photo):
            self.mended += 1
            lacking = self._lacking(photo)
        if not lacking.observation:
            self.unverified += not lacking.is_verified
        return lacking.nothing

    def _restored(self, photo: Found) -> bool:
        """Writes a photo's observation anew from what Kafka has; tells whether it has it."""
        seen = self._progress.observed_at(photo)
        observation = None if seen is None else self._restore(photo.key, seen)
        if observation is None or observation.fingerprint != self._fingerprint:
            return False
        write_observation(self._run, observation, Pictures())
        return True


class Publishing:
    """Walks the dataset and publishes it; starts again when the broker was away.

    Args:
        producer: Idempotent, with ``acks="all"``.
        max_images: At most so many photos.
        clips: Whether frames of clips are taken, too.
        leave_out: Folders that are not looked into, such as the run directory.
    """

    def __init__(  # noqa: PLR0913 - passed on to the producer as they are
        self,
        folder: Path,
        dataset: Dataset,
        photos: RunPhotos,
        producer: RecordProducer,
        *,
        max_images: int | None,
        leave_out: tuple[Path, ...],
        clips: bool = False,
    ) -> None:
        self._folder = folder
        self._dataset = dataset
        self._photos = photos
        self._producer = producer
        self._max_images = max_images
        self._leave_out = leave_out
        self._clips = clips
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._again: set[PhotoKey] = set()
        self._background: Background | None = None
        self.finished = False
        self.failure: DatasetError | RunStorageError | None = None

    def start(self, background: Background) -> threading.Thread:
        """Begins; `finished` tells when every photo is known and published."""
        self._background = background
        return background.start("publishing", self._run)

    def again(self, photos: AbstractSet[PhotoKey]) -> None:
        """Walks once more, for photos that were done with: what was known of them is lost."""
        with self._lock:
            self._again |= photos
            is_walking, self.finished = not self.finished, False
        if not is_walking and self._background is not None:
            self._background.start("publishing", self._run_again)

    def stop(self) -> None:
        """Gives up; what is not published is found again by the next start."""
        self._stopping.set()

    def _run(self) -> None:
        try:
            while publish_patiently(self._records, self._producer, self._stopping):
                if self._stopping.is_set() or not self._walks_again():
                    return
        except (DatasetError, RunStorageError) as error:
            self.failure = error

    def _run_again(self) -> None:
        if self._walks_again():
            self._run()

    def _walks_again(self) -> bool:
        with self._lock:
            self.finished = not self._again
            if self._again:
                self._photos.look_again(frozenset(self._again))
                self._again.clear()
            return not self.finished

    def _records(self) -> Iterator[Record]:
        """Walks the dataset, and does what its photos need."""
        counts = FileCounts()
        for record in described(
            self._folder,
            self._dataset,
            max_images=self._max_images,
            leave_out=self._leave_out,
            clips=self._clips,
            counts=counts,
        ):
            if self._stopping.is_set():
                return
            self._photos.note(record)
            wanted = self._photos.bring_further(record)
            if wanted is not None:
                yield wanted
        if self._max_images is None:
            self._photos.looked_at(counts)
