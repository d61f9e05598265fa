"""What the file system tells of changes. A help for speed alone: rescans find what it misses."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Self

import structlog
import watchfiles

GROUPED_MS = 200
"""Changes of a busy folder are handed on at least so often."""
STEP_MS = 20
"""A quiet folder's change is handed on after that."""
_RETRY_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class FolderEvents:
    """Watches a folder on a thread of its own.

    Args:
        folder: It may be away for a while, and come back as another folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._changed: set[Path] = set()
        self._is_astray = False
        self._news = threading.Condition()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.restart()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def restart(self) -> None:
        """Watches the folder that is now in that place."""
        self._end()
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._watch, args=(self._stop,), name="watcher", daemon=True
        )
        self._thread.start()

    def wait(self, seconds: float) -> tuple[set[Path], bool]:
        """Waits for changes, at most so long.

        Returns:
            What changed since, and whether more may have changed than that.
        """
        with self._news:
            if not self._changed and not self._is_astray:
                self._news.wait(seconds)
            changed, self._changed = self._changed, set()
            astray, self._is_astray = self._is_astray, False
        return changed, astray

    def _end(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _watch(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self._follow(stop)
            except (OSError, RuntimeError) as error:
                # Away, or more folders than the system lets anybody watch.
                _log.debug("the folder cannot be watched", why=str(error))
                stop.wait(_RETRY_SECONDS)

    def _follow(self, stop: threading.Event) -> None:
        for changes in watchfiles.watch(
            self._folder,
            watch_filter=None,
            debounce=GROUPED_MS,
            step=STEP_MS,
            stop_event=stop,
            rust_timeout=500,
            raise_interrupt=False,
            ignore_permission_denied=True,
        ):
            with self._news:
                self._changed.update(
                    Path(path) for kind, path in changes if kind is not watchfiles.Change.deleted
                )
                self._is_astray |= any(Path(path).is_dir() for _, path in changes)
                self._news.notify_all()
