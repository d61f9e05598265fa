"""Publishing a dataset: each photo's reference reaches the broker, or the run hears of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

import msgspec

from avatarrig.errors import AvatarRigError
from avatarrig.photos.passed_over import FileCounts
from avatarrig.photos.people import NamedFace
from avatarrig.wire import PhotoReference, encode, record_key
from avatarrig.wire.topics import IMAGES, REJECTS
from producers.content import read_found, wanted_suffixes
from producers.naming import people_named
from producers.references import Dataset, Published, describe
from producers.scan import FoundPhoto, scan

UNACKNOWLEDGED_LIMIT = 5000
"""Records sent ahead of the broker's acknowledgement; about 5 MB."""


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


class PublishReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a dataset's photos.

    Attributes:
        found: Everything in the dataset that goes by a photo's name.
        already: Not wanted, since they were observed before.
        rejected: Set aside, since they cannot be read.
        duplicates: Photos with the same bytes as another one; part of the above.
    """

    found: int = 0
    published: int = 0
    already: int = 0
    rejected: int = 0
    duplicates: int = 0


def publish_dataset(  # noqa: PLR0913 - what, whose, where to, and four ways to leave some out
    folder: Path,
    dataset: Dataset,
    producer: RecordProducer,
    *,
    is_wanted: Callable[[PhotoReference], bool] = lambda _: True,
    max_images: int | None = None,
    leave_out: Sequence[Path] = (),
    clips: bool = False,
    counts: FileCounts | None = None,
    on_photo: Callable[[Published], None] = lambda _: None,
) -> PublishReport:
    """Publishes a reference for each photo of a dataset, and a reject for what is unreadable.

    Args:
        producer: Connected with ``acks="all"`` and idempotence.
        is_wanted: Whether a photo shall be published; asked once for each, in their order.
        max_images: At most so many photos, the first ones.
        leave_out: Folders that are not looked into.
        clips: Whether frames of clips are taken, too.
        counts: Hears of everything in the dataset, also of what is no photo.
        on_photo: Hears of each photo as it is found, also of those that are passed over.

    Returns:
        What became of the photos; everything is acknowledged by then.

    Raises:
        DatasetError: The folder cannot be listed.
        PublishError: The broker did not take a record; publishing again is harmless.
    """
    records = described(
        folder,
        dataset,
        max_images=max_images,
        leave_out=leave_out,
        clips=clips,
        counts=counts,
    )
    return publish(records, producer, is_wanted=is_wanted, on_photo=on_photo)


def described(  # noqa: PLR0913 - as publish_dataset
    folder: Path,
    dataset: Dataset,
    *,
    max_images: int | None,
    leave_out: Sequence[Path],
    clips: bool = False,
    counts: FileCounts | None,
) -> Iterator[Published]:
    """Walks a dataset: what `publish_dataset` publishes, in its order; the same arguments.

    Raises:
        DatasetError: The folder cannot be listed.
    """
    suffixes = wanted_suffixes(clips=clips)
    photos = islice(scan(folder, leave_out=leave_out, counts=counts, suffixes=suffixes), max_images)
    records = describe(
        photos, dataset, read_content=read_found, read_names=_read_names, now=time.time
    )
    return islice(records, max_images)


def publish(
    records: Iterable[Published],
    producer: RecordProducer,
    *,
    is_wanted: Callable[[PhotoReference], bool] = lambda _: True,
    on_photo: Callable[[Published], None] = lambda _: None,
) -> PublishReport:
    """Sends records to their topics and waits until the broker has them all.

    Args:
        producer: Connected with ``acks="all"`` and idempotence.
        is_wanted: Whether a photo shall be published; asked once for each, in their order.
        on_photo: Hears of each record before it is sent, also of those passed over.

    Raises:
        PublishError: The broker did not take a record.
    """
    pending = _Pending(producer)
    found = published = skipped = rejected = duplicates = 0
    for record in records:
        found += 1
        on_photo(record)
        if isinstance(record, PhotoReference):
            duplicates += record.duplicate_of is not None
            if not is_wanted(record):
                skipped += 1
                continue
            published += 1
            pending.send(IMAGES, record_key(record), encode(record))
        else:
            rejected += 1
            pending.send(REJECTS, record_key(record), encode(record))
    pending.finish()
    return PublishReport(
        found=found,
        published=published,
        already=skipped,
        rejected=rejected,
        duplicates=duplicates,
    )


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
