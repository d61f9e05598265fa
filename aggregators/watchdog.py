"""Ends a process that gets no further: Faust's table recovery, or a client, may hang for ever.

Started anew, the worker recovers from its changelogs; nothing is lost.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final, Self

import structlog

from avatarrig.supervision import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

LOOK_SECONDS: Final = 0.25
_log = structlog.get_logger(__name__)


class Watchdog:
    """Counts its own wake-ups since the last progress.

    Wake-ups are counted, not seconds, so that a machine that slept is not taken for one that
    hangs. An event loop that stands still reports nothing, and counts as no progress.

    Args:
        limit: Seconds without progress.
        end: What to do then; ends the process unless a test says otherwise.
    """

    def __init__(self, limit: float, end: Callable[[], None] | None = None) -> None:
        self._most = max(1, round(limit / LOOK_SECONDS))
        self._end = end or _end_process
        self._silent = 0
        self._progress: Hashable = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def report(self, progress: Hashable, *, idle: bool) -> None:
        """Says how things are.

        Args:
            progress: Anything that differs when there was progress.
            idle: Whether there is nothing to do.
        """
        if idle or progress != self._progress:
            self._silent = 0
        self._progress = progress

    def look(self) -> bool:
        """Counts a wake-up; tells whether there was no progress for too long."""
        self._silent += 1
        return self._silent >= self._most

    def _watch(self) -> None:
        while not self._done.wait(LOOK_SECONDS):
            if self.look():
                _log.error("no progress, starting anew", progress=self._progress)
                self._end()
                return


def _end_process() -> None:
    os._exit(ExitCode.TRY_AGAIN)
