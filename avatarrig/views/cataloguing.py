"""Reads every photo into a catalogue, once somebody asks for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from typing import Final, Self

import msgspec
import structlog

from avatarrig.kafka.deciding.known import Known
from avatarrig.kafka.errors import TransportError
from avatarrig.kafka.reading import Reader, from_beginning, reading
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.process.background import Background
from avatarrig.views.catalogue import Catalogue
from avatarrig.views.trouble import in_words
from avatarrig.wire.channels import OBSERVED
from avatarrig.wire.topics import OBSERVATIONS

_FETCHED_BYTES: Final = 1 << 20
_POLL_SECONDS: Final = 0.3
_REST_SECONDS: Final = 0.002
"""After each batch of the past, so that whoever shares the process gets on with it."""

_RETRY_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 2.0
_log = structlog.get_logger(__name__)


class Reached(msgspec.Struct, frozen=True):
    """How far the past is read.

    Attributes:
        trouble: Why it does not go on, for a person; empty where it does.
    """

    read: int = 0
    all: int = 0
    trouble: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether all is read that was there."""
        return self.all > 0 and self.read >= self.all and not self.trouble


class Cataloguing:
    """Keeps a catalogue for as long as the context is open, from the first time it is asked for.

    Nothing is read before: where nobody looks at photos, they cost nothing. What is known of an
    earlier connection is shown until the next one has read everything.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._lock = threading.Lock()
        self._background = Background()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._catalogue = Catalogue()
        self._reached = Reached()
        self._version = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    @property
    def version(self) -> int:
        """Grows with every change; asking for it begins nothing."""
        return self._version + self._catalogue.version

    def ask(self) -> tuple[Catalogue, Reached]:
        """Returns the catalogue as far as it is known, and how far that is.

        Raises:
            BackgroundError: Nothing will ever be known, by a fault of this program.
        """
        self._background.check()
        with self._lock:
            if self._thread is None:
                self._thread = self._background.start("catalogue", self._run)
            return self._catalogue, self._reached

    def known(self, subject: str, image_ids: Collection[str]) -> Known | None:
        """Looks photos up; None while the past is not read."""
        catalogue, reached = self.ask()
        return catalogue.known(subject, image_ids) if reached.is_complete else None

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._read()
            except (TransportError, OSError) as error:
                self._reached = msgspec.structs.replace(self._reached, trouble=in_words(error))
                _log.info("photos cannot be read for those who look on", why=str(error))
            self._ended.wait(_RETRY_SECONDS)

    def _read(self) -> None:
        with reading(self._kafka, max_partition_fetch_bytes=_FETCHED_BYTES) as consumer:
            starts = from_beginning(consumer, OBSERVATIONS)
            reader = Reader(consumer, (OBSERVED,), starts, tell=lambda *_: None)
            catalogue = Catalogue()
            everything = max(reader.distance, 1)
            if not self._catalogue.version:  # nothing is shown yet
                self._show(catalogue)
            while reader.behind and not self._ended.is_set():
                _read_on(reader, catalogue)
                self._reached = Reached(everything - max(reader.distance, 1), everything)
                time.sleep(_REST_SECONDS)
            self._reached = Reached(everything, everything)
            self._show(catalogue)
            while not self._ended.is_set():
                _read_on(reader, catalogue)

    def _show(self, catalogue: Catalogue) -> None:
        with self._lock:
            if catalogue is not self._catalogue:
                self._version += self._catalogue.version + 1
                self._catalogue = catalogue


def _read_on(reader: Reader, catalogue: Catalogue) -> None:
    messages = reader.poll(_POLL_SECONDS)
    catalogue.take(messages, reader.positions())
