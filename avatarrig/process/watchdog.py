"""Ends a process that gets no further; started anew, it goes on where it was, and loses nothing.

kafka-python's ``commit_transaction`` waits for ever when the transaction's coordinator dies,
and so may Faust's recovery of its tables, or one of its clients; nothing inside the process can
wake them. A replica that is started anew under its transactional id has the broker abort what
was open, and detects those photos again; an aggregator recovers from its changelogs.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from typing import Self

import structlog

from avatarrig.errors import ExitCode

LOOK_SECONDS = 0.25
_log = structlog.get_logger(__name__)


class Watchdog:
    """Counts its own wake-ups since the last sign of life.

    Wake-ups are counted, not seconds, so that a machine that slept, or a process that was
    halted, is not taken for one that hangs.

    Args:
        limit: Seconds without a sign of life.
        end: What to do then; ends the process unless a test says otherwise.
    """

    def __init__(self, limit: float, end: Callable[[], None] | None = None) -> None:
        self._limit = limit
        self._patience = limit
        self._end = end or _end_process
        self._silent = 0
        self._done = threading.Event()
        self._doing = "starting"
        self._progress: Hashable = None
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def alive(self, doing: str, seconds: float | None = None) -> None:
        """Gives a sign of life.

        Args:
            doing: What comes next, for the log.
            seconds: How long that may take, where it is not the usual limit.
        """
        self._doing = doing
        self._patience = self._limit if seconds is None else seconds
        self._silent = 0

    def report(self, progress: Hashable, *, idle: bool) -> None:
        """Says how far the work is, which is a sign of life where it moved or is done.

        Args:
            progress: Anything that differs when there was progress.
            idle: Whether there is nothing to do.
        """
        if idle or progress != self._progress:
            self.alive(f"going on from {progress}")
        self._progress = progress

    def look(self) -> bool:
        """Counts a wake-up; tells whether there was no sign of life for too long."""
        self._silent += 1
        return self._silent * LOOK_SECONDS >= self._patience

    def _watch(self) -> None:
        while not self._done.wait(LOOK_SECONDS):
            if self.look():
                _log.error("no progress, starting anew", doing=self._doing)
                self._end()
                return


def _end_process() -> None:
    os._exit(ExitCode.TRY_AGAIN)
