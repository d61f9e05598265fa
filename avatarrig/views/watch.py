"""Keeps a board up to date from threads of its own, through every outage."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final, Self

import structlog

from avatarrig.kafka.errors import TransportError
from avatarrig.kafka.groups import GroupState, read_groups
from avatarrig.kafka.reading import Reader, Tell, log_refusal
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import admin_client
from avatarrig.process.background import Background
from avatarrig.views.board import Board
from avatarrig.views.feed import advance, following
from avatarrig.views.snapshot import Snapshot
from avatarrig.views.trouble import NOT_CONNECTED, READING, Troubles

ASK_SECONDS: Final = 1.0
_ANSWER_MS: Final = 4_000
_POLL_SECONDS: Final = 0.2
_RETRY_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 2.0
_STARTING_SECONDS: Final = 15.0
"""Who looks on may be there before Kafka; it is no trouble yet that it does not answer."""

_log = structlog.get_logger(__name__)


class Watching:
    """Reads a pipeline's topics for as long as the context is open.

    What is known of an earlier connection is shown until the next one has read everything.

    Args:
        clock: Monotonic seconds.
        tell: Hears of messages that hold no record.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        tell: Tell = log_refusal,
    ) -> None:
        self._kafka = kafka
        self._clock = clock
        self._patient_until = clock() + _STARTING_SECONDS
        self._tell = tell
        self._lock = threading.Lock()
        self._board = Board()
        self._groups: tuple[GroupState, ...] = ()
        self._troubles = Troubles(clock)
        self._troubles.begins(self._read_topics.__name__, NOT_CONNECTED)
        self._background = Background()
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        for work in (self._read_topics, self._ask_for_groups):
            self._threads.append(self._background.start(work.__name__, partial(self._run, work)))
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        give_up = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, give_up - time.monotonic()))

    @property
    def trouble(self) -> str:
        """Why there is no news, for a person; empty where all is well."""
        return self._troubles.words

    def snapshot(self) -> Snapshot:
        """What is known now; it does not change any more.

        Raises:
            BackgroundError: Nothing will ever be known again, by a fault of this program.
        """
        self._background.check()
        with self._lock:
            return self._board.snapshot()

    def _run(self, work: Callable[[], None]) -> None:
        while not self._ended.is_set():
            try:
                work()
            except (TransportError, OSError) as error:
                is_new = not self._board.version and self._clock() < self._patient_until
                words = NOT_CONNECTED if is_new else self._troubles.why(error)
                if self._troubles.begins(work.__name__, words):
                    _log.debug("nothing can be read for those who look on", why=str(error))
            self._ended.wait(_RETRY_SECONDS)

    def _read_topics(self) -> None:
        name = self._read_topics.__name__
        with following(self._kafka, tell=self._tell) as reader:
            self._troubles.begins(name, READING)
            board = Board(version=self._board.version + 1)
            board.begin(reader.firsts, reader.starts)
            board.groups(self._groups)
            if not self._board.version:  # nothing is shown yet: then all that comes is news
                self._board = board
            while reader.behind and not self._ended.is_set():
                self._advance(reader, board)
            with self._lock:
                self._board = board
            self._troubles.ends(name)
            while not self._ended.is_set():
                self._advance(reader, board)

    def _advance(self, reader: Reader, board: Board) -> None:
        messages, positions = reader.poll(_POLL_SECONDS), reader.positions()
        with self._lock:
            board.take(messages, positions)

    def _ask_for_groups(self) -> None:
        name = self._ask_for_groups.__name__
        with admin_client(
            self._kafka, bootstrap_timeout_ms=_ANSWER_MS, request_timeout_ms=_ANSWER_MS
        ) as admin:
            while not self._ended.is_set():
                groups = read_groups(admin)
                self._troubles.answered()
                self._troubles.ends(name)
                with self._lock:
                    self._groups = tuple(groups)
                    self._board.groups(groups)
                self._ended.wait(ASK_SECONDS)


def watched_once(kafka: KafkaSettings) -> Snapshot:
    """Reads what a watcher would see by now, and ends.

    Raises:
        TransportError: Kafka does not answer, or no pipeline has used it.
    """
    board = Board()
    with following(kafka) as reader, admin_client(kafka) as admin:
        board.begin(reader.firsts, reader.starts)
        while reader.behind:
            advance(reader, board, _POLL_SECONDS)
        board.groups(read_groups(admin))
    return board.snapshot()
