"""Publishing: records reach the broker, whoever publishes them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Protocol

import structlog

from avatarrig.errors import AvatarRigError
from avatarrig.kafka.border import told_by
from avatarrig.kafka.errors import TransportError
from avatarrig.photos.named_people.written import NamedFace
from avatarrig.photos.passed_over import FileCounts
from avatarrig.wire import Observation, PhotoReference, Reject, encode, record_key
from avatarrig.wire.topics import IMAGES, OBSERVATIONS, REJECTS
from producers.content import read_found, wanted_suffixes
from producers.looking import Looking
from producers.moments import Moments
from producers.naming import people_named
from producers.references import Dataset, Published, describe
from producers.scan import FoundPhoto, scan

UNACKNOWLEDGED_LIMIT = 5000
"""Records sent ahead of the broker's acknowledgement; about 5 MB."""

RETRY_SECONDS = 2.0
Record = PhotoReference | Reject | Observation
_TOPICS = {PhotoReference: IMAGES, Reject: REJECTS, Observation: OBSERVATIONS}
_log = structlog.get_logger(__name__)


class PublishError(AvatarRigError, RuntimeError):
    """The broker did not take a record."""


class Acknowledgement(Protocol):
    """What kafka-python returns for a record on its way."""

    def add_callback(self, callback: Callable[[object], object]) -> object:
        """Calls back when the broker has the record."""

    def add_errback(self, callback: Callable[[BaseException], object]) -> object:
        """Calls back when it will not get there."""


class RecordProducer(Protocol):
    """The part of kafka-python's producer that is needed here."""

    def send(self, topic: str, value: bytes, key: bytes) -> Acknowledgement:
        """Puts a record on its way."""

    def flush(self) -> None:
        """Waits until everything sent is acknowledged or given up."""


class PartitionedProducer(Protocol):
    """The part of kafka-python's producer that `Evenly` needs."""

    def send(
        self, topic: str, value: bytes, key: bytes, *, partition: int | None = None
    ) -> Acknowledgement:
        """Puts a record on its way; to the partition that its key gives, where none is named."""

    def partitions_for(self, topic: str) -> set[int]:
        """Numbers of a topic's partitions."""

    def flush(self) -> None:
        """As `RecordProducer`."""


class Evenly:
    """Sends photos to partitions in turn, so that replicas are done at the same time.

    By their keys, one of two replicas would get some 25 more of 960 photos than the other one.
    This is for who publishes each photo once: what has the same key need not come to the same
    partition.
    """

    def __init__(self, producer: PartitionedProducer) -> None:
        self._producer = producer
        self._sent = 0

    def send(self, topic: str, value: bytes, key: bytes) -> Acknowledgement:
        """Puts a record on its way."""
        if topic != IMAGES:
            return self._producer.send(topic, value=value, key=key)
        partitions = sorted(self._producer.partitions_for(topic))
        self._sent += 1
        partition = partitions[self._sent % len(partitions)]
        return self._producer.send(topic, value=value, key=key, partition=partition)

    def flush(self) -> None:
        """Waits until everything sent is acknowledged or given up."""
        self._producer.flush()


def described(  # noqa: PLR0913 - what, whose, and three ways to leave some out
    folder: Path,
    dataset: Dataset,
    *,
    max_images: int | None = None,
    leave_out: Sequence[Path] = (),
    clips: bool = False,
    counts: FileCounts | None = None,
) -> Iterator[Published]:
    """Walks a dataset: a reference to each photo, and a reject of what is unreadable.

    Args:
        max_images: At most so many photos, the first ones.
        leave_out: Folders that are not looked into.
        clips: Whether frames of clips are taken, too.
        counts: Hears of everything in the dataset, also of what is no photo.

    Raises:
        DatasetError: The folder cannot be listed.
    """
    suffixes = wanted_suffixes(clips=clips)
    photos = islice(scan(folder, leave_out=leave_out, counts=counts, suffixes=suffixes), max_images)
    most = dataset.sharpest_of_moment
    with Looking() as looks:
        records = describe(
            photos,
            dataset,
            read_content=partial(read_found, looks=None if most is None else looks),
            read_names=_read_names,
            now=time.time,
            moments=None if most is None else Moments(most),
        )
        yield from islice(records, max_images)


def publish(records: Iterable[Record], producer: RecordProducer) -> None:
    """Sends records to their topics and waits until the broker has them all.

    Args:
        producer: Connected with ``acks="all"`` and idempotence.

    Raises:
        PublishError: The broker did not take a record; publishing again is harmless.
    """
    pending = _Pending(producer)
    for record in records:
        pending.send(_TOPICS[type(record)], record_key(record), encode(record))
    pending.finish()


def publish_patiently(
    records: Callable[[], Iterable[Record]], producer: RecordProducer, stop: threading.Event
) -> bool:
    """Publishes until the broker has all records, from the first one on after each failure.

    Args:
        records: Makes them, anew for each try.

    Returns:
        Whether the broker has them; False where it was time to stop before.
    """
    say = _log.info
    while not stop.is_set():
        try:
            with told_by("Kafka does not take the photos"):
                publish(records(), producer)
        except (PublishError, TransportError) as error:
            say("the broker did not take the photos; trying again", why=str(error))
            say = _log.debug
            stop.wait(RETRY_SECONDS)
        else:
            return True
    return False


def _read_names(photo: FoundPhoto) -> Sequence[NamedFace]:
    return people_named(photo.file)


class _Pending:
    """Keeps the number of unacknowledged records bounded, and the first failure."""

    def __init__(self, producer: RecordProducer) -> None:
        self._producer = producer
        self._lock = threading.Lock()  # acknowledgements come on the producer's thread
        self._unacknowledged = 0
        self._failure: BaseException | None = None

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        self._check()
        if self._unacknowledged >= UNACKNOWLEDGED_LIMIT:
            self._producer.flush()
        with self._lock:
            self._unacknowledged += 1
        acknowledgement = self._producer.send(topic, value=value, key=key)
        acknowledgement.add_callback(self._acknowledged)
        acknowledgement.add_errback(self._failed)

    def finish(self) -> None:
        self._producer.flush()
        self._check()

    def _acknowledged(self, _: object) -> None:
        with self._lock:
            self._unacknowledged -= 1

    def _failed(self, error: BaseException) -> None:
        with self._lock:
            self._unacknowledged -= 1
            self._failure = self._failure or error

    def _check(self) -> None:
        if self._failure is not None:
            raise PublishError(
                f"the broker did not take a record ({self._failure!r}): check that it is running, "
                "then run the same command again"
            ) from self._failure
