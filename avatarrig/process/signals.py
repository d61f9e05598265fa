"""Ctrl-C and SIGTERM of a command: a first one asks for an orderly stop, a second one insists."""

from __future__ import annotations

import _thread
import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any, Self


def set_soon(event: threading.Event) -> None:
    """Sets an event from a signal's handler.

    A handler runs between two steps of the main thread, which may hold the event's own lock just
    then, since it waits for the event. To set it there would be to wait for that lock for ever.
    """
    try:
        _thread.start_new_thread(event.set, ())
    except RuntimeError:  # no thread is to be had, or Python ends: nobody waits for the event then
        event.set()


class Interruption:
    """Notes a request to stop while there is something to bring to an end; elsewhere it raises.

    Must be entered on the main thread.
    """

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._is_asked = False
        self._polite = False
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @property
    def requested(self) -> bool:
        """Whether to stop."""
        return self._is_asked or self.stop.is_set()

    def be_polite(self) -> None:
        """From now on somebody looks at `stop`; a first signal does not raise any more."""
        self._polite = True

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        insists = self.requested or not self._polite
        self._is_asked = True
        set_soon(self.stop)
        if insists:
            raise KeyboardInterrupt


@contextlib.contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Gives an event that Ctrl-C and SIGTERM set. Must be entered on the main thread."""
    interruption = Interruption()
    interruption.be_polite()
    with interruption:
        yield interruption.stop
