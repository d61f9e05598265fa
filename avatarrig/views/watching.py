"""Keeps a board up to date from a thread of its own, through every outage."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Final, Self

import structlog
from kafka.errors import KafkaError

from avatarrig.kafka.clients import open_reader
from avatarrig.kafka.errors import TransportError
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import admin_client
from avatarrig.views import Board
from avatarrig.views.feed import Feed, read_stream

STREAM_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.2
_RETRY_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 2.0
_log = structlog.get_logger(__name__)


class Watching:
    """Reads a pipeline's topics for as long as the context is open.

    Args:
        kafka: Where Kafka is.

    Attributes:
        lock: Held while the board changes; hold it to read the board.
        complaint: Why there is no news, for a person; empty where all is well.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self.lock = threading.Lock()
        self.complaint = "not connected yet"
        self._kafka = kafka
        self._board = Board()
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(work,), name=work.__name__, daemon=True)
            for work in (self._read_topics, self._ask_for_stream)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        give_up = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, give_up - time.monotonic()))

    @property
    def board(self) -> Board:
        """What is known; another one after an outage."""
        return self._board

    def _run(self, work: Callable[[], None]) -> None:
        while not self._ended.is_set():
            try:
                work()
            except (TransportError, KafkaError, OSError) as error:
                _log.info("nothing can be read for the page", why=str(error))
                self.complaint = str(error)
            except Exception:  # noqa: BLE001 - the page shows it, and tries again
                _log.exception("watching failed")
                self.complaint = "watching failed; the log says why"
            self._ended.wait(_RETRY_SECONDS)

    def _read_topics(self) -> None:
        with contextlib.closing(Feed(self._kafka)) as feed:
            self.complaint = "reading what there is"
            board = Board()
            while feed.behind and not self._ended.is_set():
                for news in feed.poll(_POLL_SECONDS):
                    board.take(news)
            with self.lock:
                board.version += self._board.version
                board.flow(self._board.stream)
                self._board = board
            self.complaint = ""
            while not self._ended.is_set():
                batch = feed.poll(_POLL_SECONDS)
                with self.lock:
                    for news in batch:
                        board.take(news)

    def _ask_for_stream(self) -> None:
        with (
            admin_client(self._kafka) as admin,
            contextlib.closing(open_reader(self._kafka)) as consumer,
        ):
            while not self._ended.wait(STREAM_SECONDS):
                stream = read_stream(admin, consumer)
                with self.lock:
                    self._board.flow(stream)
