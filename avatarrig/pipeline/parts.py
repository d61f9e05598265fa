"""The processes of a run: the broker, the aggregator, the detector replicas."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from aggregators.settings import AggregatorSettings
from avatarrig.errors import CommandError
from avatarrig.kafka import KafkaSettings
from avatarrig.kafka.embedded import EmbeddedBroker, FetchProgress
from avatarrig.process.supervision import Child, Supervisor
from processors.settings import ReplicaSettings

STOP_SECONDS = 4.0
"""Ctrl-C ends a run within 5 s; what is not finished by then is redone by the next start."""

MOST_FAILURES = 8
"""Starts in a row, about a minute, after which a part that never works is given up."""


class Parts:
    """Starts what a run needs, restarts what dies, stops everything in order.

    Args:
        broker: The embedded broker, or None where another Kafka is used.
        kafka: How all parts reach the broker.
        log_directory: Where the parts' logs go.
    """

    def __init__(
        self, broker: EmbeddedBroker | None, kafka: KafkaSettings, log_directory: Path
    ) -> None:
        self._broker = broker
        self._kafka = kafka
        self._log_directory = log_directory
        self._supervisors: list[Supervisor] = []
        self._restarts: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start_aggregator(self, settings: AggregatorSettings) -> None:
        """Starts the aggregator."""
        self._supervise([Child("aggregator", "aggregators", settings)])

    def start_replicas(self, replicas: list[ReplicaSettings]) -> None:
        """Starts detector replicas."""
        self._supervise([Child(f"detector-{each.slot}", "processors", each) for each in replicas])

    def _supervise(self, children: list[Child]) -> None:
        supervisor = Supervisor(children, log_directory=self._log_directory)
        self._supervisors.append(supervisor)
        supervisor.start()

    def check(self) -> list[str]:
        """Looks after the parts.

        Returns:
            What a person may want to know.

        Raises:
            CommandError: A part cannot work until a person does something.
        """
        notes = [note for supervisor in self._supervisors for note in self._ends(supervisor)]
        if self._broker is not None and not self._broker.alive:
            self._broker.restart()
            notes.append("Apache Kafka had ended and was started again; nothing is lost")
        return notes

    def _ends(self, supervisor: Supervisor) -> Iterator[str]:
        if supervisor.failure is not None:
            raise CommandError(supervisor.failure)
        for child in supervisor.states:
            log = self._log_directory / f"{child.name}.log"
            if child.failures >= MOST_FAILURES:
                raise CommandError(
                    f"{child.name} does not come to work after {child.failures} starts"
                    f"{f': {child.message}' if child.message else ''}; its log is {log}"
                )
            if child.restarts > self._restarts.get(child.name, 0):
                self._restarts[child.name] = child.restarts
                yield f"{child.name} ended and was started again; its log is {log}"

    def stop(self) -> None:
        """Stops replicas and aggregator side by side, then the broker."""
        give_up = time.monotonic() + STOP_SECONDS
        for supervisor in self._supervisors:
            supervisor.ask_to_stop()
        for supervisor in self._supervisors:
            supervisor.stop(max(0.0, give_up - time.monotonic()))
        self._supervisors.clear()
        if self._broker is not None:
            with contextlib.suppress(OSError):
                self._broker.stop()


def fetch_line(progress: FetchProgress) -> str:
    """Words for a download that the very first start needs."""
    unit = 1e6 if progress.step == "download" else 1
    name = "fetching Apache Kafka" if progress.step == "download" else "making its start quick"
    return f"{name} ({progress.done / unit:.0f} of {progress.total / unit:.0f})"
