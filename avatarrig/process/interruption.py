"""Ctrl-C and SIGTERM: a first one asks for an orderly stop, a second one insists."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any, Self


class Interruption:
    """Notes a request to stop while the main loop runs; elsewhere it raises at once.

    Must be entered on the main thread.
    """

    def __init__(self) -> None:
        self.requested = False
        self._polite = False
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def be_polite(self) -> None:
        """From now on the loop looks at `requested`; a first signal does not raise any more."""
        self._polite = True

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if not self._polite or self.requested:
            self.requested = True
            raise KeyboardInterrupt
        self.requested = True
