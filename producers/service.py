"""One ingest from start to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog
from prometheus_client import CollectorRegistry

from avatarrig.kafka.clients import open_producer
from avatarrig.kafka.reading import Reader, from_beginning, reading
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.metrics.ingest import IngestMetrics
from avatarrig.photos.object_store import is_store_url
from avatarrig.wire import Departed, PhotoReference, Reject
from avatarrig.wire.channels import REFERENCES, REJECTED
from avatarrig.wire.keys import dataset_of_departed
from avatarrig.wire.topics import IMAGES, REJECTS
from producers.bucket import Bucket
from producers.departures.keeping import Keeping
from producers.departures.presence import Presence
from producers.departures.versions import Versions
from producers.hashing import Looks
from producers.ingest import Ingest, Schedule
from producers.looking import Looking
from producers.memory import Memory
from producers.settings import IngestSettings, SourceSettings
from producers.source import LocalFolder, Source

_CLOSE_SECONDS = 2.0
_LOOKS = 2
"""A watched photo is gone that so many looks in a row did not find."""
_log = structlog.get_logger(__name__)


class Kind(NamedTuple):
    """A kind of place that photos come from.

    Attributes:
        is_address: Whether an address is of this kind.
        open: Opens it by the address; of a store clips are not looked into. The last argument
            looks at each photo that is read, where that is asked for.
    """

    is_address: Callable[[str], bool]
    open: Callable[[str, SourceSettings, Looks | None], Source]


SOURCES = (
    Kind(is_store_url, lambda url, _, looks: Bucket(url, looks)),
    Kind(
        lambda _: True,
        lambda folder, asked, looks: LocalFolder(
            Path(folder),
            [Path(each) for each in asked.leave_out],
            clips=asked.clips,
            looks=looks,
            names=bool(asked.dataset.person),
        ),
    ),
)
"""The first one that knows an address opens it; a folder may have any name."""


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What an ingest did.

    Attributes:
        found: Photos looked at, known ones included.
        published: References that Kafka has since.
        rejected: Photos that could not be read.
        near_copies: Photos that are not detected, since nearly the same ones are.
        files: What the dataset holds, in words; empty where it was not looked at to the end.
    """

    found: int
    published: int
    rejected: int
    near_copies: int = 0
    files: str = ""


def ingest(
    settings: IngestSettings,
    stop: threading.Event,
    *,
    registry: CollectorRegistry | None = None,
    on_working: Callable[[], None] = lambda: None,
) -> Totals:
    """Publishes a dataset's photos, once or until told to stop.

    Args:
        settings: What to publish where.
        on_working: Is called when what was published before is known.

    Raises:
        DatasetError: The folder cannot be listed; while watching it is waited for instead.
        SourceAwayError: The same for a store.
        TransportError: Kafka does not answer at the start.
    """
    asked, dataset = settings.source, settings.source.dataset
    with ExitStack() as stack:
        source = source_at(asked, stack.enter_context(Looking()))
        if not settings.watch:
            source.check()
        versions = Versions(source.uri, dataset.subject_of, asked.period)
        memory = recall(settings.kafka, dataset.name, versions)
        _log.info("known from earlier", photos=len(memory), dataset=dataset.name)
        producer = open_producer(settings.kafka)
        stack.callback(producer.close, timeout=_CLOSE_SECONDS)
        keeping = Keeping(
            settings.kafka,
            dataset.name,
            versions,
            Presence(_LOOKS if settings.watch else 1),
            producer,
            prune=asked.prune,
            told=memory.departed,
        )
        stack.callback(keeping.close)
        work = Ingest(
            source,
            dataset,
            producer,
            memory,
            schedule=Schedule(rescan=asked.rescan),
            metrics=IngestMetrics(registry or CollectorRegistry()),
            departures=keeping,
        )
        on_working()
        if settings.watch:
            with source.events() as events:
                work.watch(stop, events)
        else:
            work.once(stop)
    return Totals(
        found=work.found,
        published=work.published,
        rejected=work.rejected,
        near_copies=work.near_copies,
        files=work.files,
    )


def source_at(asked: SourceSettings, looks: Looks | None = None) -> Source:
    """Opens the place that photos come from by its address; see `SOURCES`.

    Args:
        looks: Looks at each photo that is read; only where near-copies are told apart.
    """
    kind = next(kind for kind in SOURCES if kind.is_address(asked.location))
    is_asked = asked.dataset.sharpest_of_moment is not None
    return kind.open(asked.location, asked, looks if is_asked else None)


def recall(kafka: KafkaSettings, dataset: str, versions: Versions | None = None) -> Memory:
    """Reads from Kafka what is known of a dataset.

    Raises:
        TransportError: Kafka does not answer, or has no such topics.
    """
    memory = Memory(dataset, versions)
    with reading(kafka) as consumer:
        starts = from_beginning(consumer, IMAGES, REJECTS)
        for message in Reader(consumer, (REFERENCES, REJECTED), starts).to_end():
            if isinstance(message.record, PhotoReference | Reject | Departed):
                memory.recall(message.record)
            elif message.record is None and dataset_of_departed(message.key) == dataset:
                memory.departed = 0
    return memory
