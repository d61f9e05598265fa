"""Finds a run's photos and publishes those that are not processed yet, on a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Set as AbstractSet
from pathlib import Path

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError

from avatarrig.photos.passed_over import FileCounts
from avatarrig.process.background import Background
from avatarrig.runs import RunDirectory, WantedFiles, is_complete, read_observation, write_json
from avatarrig.views.progress import Found, Progress
from avatarrig.wire import PhotoReference, encode, record_key
from avatarrig.wire.topics import OBSERVATIONS
from producers.publish import PublishError, publish_dataset
from producers.references import Dataset, Published
from producers.scan import DatasetError

RETRY_SECONDS = 2.0
_log = structlog.get_logger(__name__)


class Processed:
    """Knows which photos need no detector any more; the producer asks with ``in``.

    A photo is processed when its files are there and the topic has its observation; where
    only the topic forgot it, the observation is replayed from its file.

    Args:
        progress: What the topics say.
        run: The run directory.
        fingerprint: Detector fingerprint that counts.
        wanted: Files asked for beside the observations.
        pending: image_ids that wait on the images topic from an earlier start.
        producer: For replays.

    Attributes:
        detection_needed: Whether a photo was asked about that a detector has to look at.
        found: Photos as they are found.
    """

    def __init__(  # noqa: PLR0913 - what decides about a photo, gathered in one place
        self,
        progress: Progress,
        run: RunDirectory,
        *,
        fingerprint: str,
        wanted: WantedFiles,
        pending: AbstractSet[str],
        producer: KafkaProducer,
    ) -> None:
        self._progress = progress
        self._run = run
        self._fingerprint = fingerprint
        self._wanted = wanted
        self._pending = pending
        self._producer = producer
        self._latest: Found | None = None
        self.detection_needed = False
        self.found: queue.SimpleQueue[Found] = queue.SimpleQueue()

    def note(self, record: Published) -> None:
        """Hears of a photo before the producer asks about it."""
        reference = record if isinstance(record, PhotoReference) else record.reference
        if reference is not None:
            self._latest = Found(reference.image_id, reference.path, reference.subject)
            self.found.put(self._latest)

    def looked_at(self, counts: FileCounts) -> None:
        """Hears of the dataset's files when all of them were seen."""
        write_json(self._run.files, counts.to_document())

    def __contains__(self, image_id: object) -> bool:
        photo = self._latest
        if photo is None or photo.image_id != image_id:
            return False
        if photo.image_id in self._pending:
            self._progress.expect(photo)
            self.detection_needed = True
            return True
        if self._progress.is_rejected(photo):
            return True
        if self._is_complete(photo):
            self._replay_where_forgotten(photo)
            return True
        self.detection_needed = True
        return False

    def _is_complete(self, photo: Found) -> bool:
        return is_complete(
            self._run, photo.image_id, photo.subject, self._fingerprint, self._wanted
        )

    def _replay_where_forgotten(self, photo: Found) -> None:
        if self._progress.is_observed(photo):
            return
        observation = read_observation(self._run.observation(photo.image_id))
        self._producer.send(OBSERVATIONS, value=encode(observation), key=record_key(observation))


class Publishing:
    """Walks the dataset and publishes it; starts again when the broker was away.

    Args:
        folder: The dataset.
        dataset: Whose photos they are.
        processed: Which photos to pass over.
        producer: Idempotent, with ``acks="all"``.
        max_images: At most so many photos.
        leave_out: Folders that are not looked into, such as the run directory.
    """

    def __init__(  # noqa: PLR0913 - passed on to the producer as they are
        self,
        folder: Path,
        dataset: Dataset,
        processed: Processed,
        producer: KafkaProducer,
        *,
        max_images: int | None,
        leave_out: tuple[Path, ...],
    ) -> None:
        self._folder = folder
        self._dataset = dataset
        self._processed = processed
        self._producer = producer
        self._max_images = max_images
        self._leave_out = leave_out
        self._stopping = threading.Event()
        self.finished = False
        self.failure: DatasetError | None = None

    def start(self, background: Background) -> threading.Thread:
        """Begins; `finished` tells when every photo is known and published."""
        return background.start("publishing", self._run)

    def stop(self) -> None:
        """Gives up; what is not published is found again by the next start."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            counts = FileCounts()
            try:
                publish_dataset(
                    self._folder,
                    self._dataset,
                    self._producer,
                    already=self._processed,
                    max_images=self._max_images,
                    leave_out=self._leave_out,
                    counts=counts,
                    on_photo=self._note,
                )
            except (PublishError, KafkaError) as error:
                _log.warning("publishing again", why=str(error))
                self._stopping.wait(RETRY_SECONDS)
            except DatasetError as error:
                self.failure = error
                break
            except _StoppedError:
                break
            else:
                if self._max_images is None:
                    self._processed.looked_at(counts)
                self.finished = True
                break

    def _note(self, record: Published) -> None:
        if self._stopping.is_set():
            raise _StoppedError
        self._processed.note(record)


class _StoppedError(Exception):
    """Publishing was asked to stop."""
