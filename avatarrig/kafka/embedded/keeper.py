"""Keeps an embedded broker at work: one that ended is started again."""

from __future__ import annotations

import threading
from collections.abc import Callable

from avatarrig.kafka.embedded.embedded import EmbeddedBroker
from avatarrig.process.background import Background

LOOK_SECONDS = 0.2


class BrokerKeeper:
    """Starts a broker, and starts it again on its data and port whenever it has ended.

    That goes on beside the command, from the first start to the stop, so that no step of the
    command is without a broker for long.

    Args:
        broker: Not started yet.
        background: Owns the thread; hears of a broker that is given up.
        tell: Hears, on that thread, of each new start.
    """

    def __init__(
        self, broker: EmbeddedBroker, background: Background, tell: Callable[[str], None]
    ) -> None:
        self._broker = broker
        self._background = background
        self._tell = tell
        self._ended = threading.Event()
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None

    def launch(self) -> None:
        """Starts the broker, whose address is known now, without waiting for it.

        Raises:
            BrokerError: It cannot be prepared; that it does not start, the background hears.
        """
        self._broker.prepare()
        self._thread = self._background.start("the embedded Apache Kafka", self._keep)

    def is_ready(self, seconds: float) -> bool:
        """Waits a moment for the first start; tells whether it is done."""
        return self._ready.wait(seconds)

    def end(self) -> None:
        """Ends the broker, also while it starts."""
        self._ended.set()
        self._broker.end()
        if self._thread is not None:
            self._thread.join()
        self._broker.stop()  # what the thread may have begun meanwhile

    @property
    def bootstrap_servers(self) -> str:
        """``127.0.0.1:port``; stays the same."""
        return self._broker.bootstrap_servers

    @property
    def alive(self) -> bool:
        """Whether the broker runs."""
        return self._broker.alive

    def _keep(self) -> None:
        self._broker.start()
        self._ready.set()
        while not self._ended.wait(LOOK_SECONDS):
            if not self._broker.alive:
                self._broker.restart()
                if not self._ended.is_set():
                    self._tell("Apache Kafka had ended and was started again; nothing is lost")
