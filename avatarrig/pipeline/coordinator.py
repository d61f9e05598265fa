"""Keeps a broker and parts at work until told to stop, then drains: of ``run``, ``up`` and others.

A run is an ``up`` with an end.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self, TypeVar

import msgspec
import structlog

from avatarrig.errors import CommandError, ExitCode
from avatarrig.kafka.border import told_by
from avatarrig.kafka.diagnosis import diagnose_connection
from avatarrig.kafka.embedded import BrokerError, BrokerKeeper, EmbeddedBroker
from avatarrig.kafka.errors import DataDamagedError, KafkaTroubleError, TransportError
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.process.background import Background, BackgroundError
from avatarrig.process.supervision import GIVE_UP_AFTER, Child, ChildState, Supervisor

LOOK_SECONDS = 0.25
RETRY_SECONDS = 1.0
READY_LOOK_SECONDS = 0.05
ASK_AGAIN_SECONDS = 5.0
"""Between two questions whether Kafka answers: one that is frozen takes as long to say nothing."""
ResultT = TypeVar("ResultT")
_log = structlog.get_logger(__name__)


class Coordinator:
    """Looks after everything that a command has at work.

    What is started in its context ends with it: the parts side by side, then the broker.

    Args:
        tell: Hears of what a person may want to know.
        drain: Seconds that parts have to finish what is in hand when they stop.
        log_directory: Where the parts' logs go (``NAME.log``); None: stderr.
        on_state: Hears of each change of a part's state.

    Attributes:
        background: Owns the command's threads.
    """

    def __init__(
        self,
        tell: Callable[[str], None],
        *,
        drain: float,
        log_directory: Path | None = None,
        on_state: Callable[[ChildState], None] | None = None,
    ) -> None:
        self.background = Background()
        self._tell = tell
        self._drain = drain
        self._log_directory = log_directory
        self._where_data_lies = ""
        self._notes: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._on_state = on_state or (lambda _: None)
        self._keeper: BrokerKeeper | None = None
        self._kafka: KafkaSettings | None = None
        self._supervisors: list[Supervisor] = []
        self._known: dict[str, ChildState] = {}
        self._moved_at = float("-inf")
        self._ask_again_at = float("-inf")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def use(self, kafka: KafkaSettings) -> KafkaSettings:
        """Works with a Kafka that is there; returns how it is reached."""
        self._kafka = kafka
        return kafka

    def launch(self, broker: EmbeddedBroker) -> KafkaSettings:
        """Begins to start an embedded broker, to keep it at work; returns where it will be.

        Raises:
            BrokerError: It cannot be had, or its directory not be used.
        """
        keeper = BrokerKeeper(broker, self.background, self._notes.put)
        self._keeper = keeper
        keeper.launch()
        self._where_data_lies = f"; it lies in {broker.data_dir}"
        return self.use(KafkaSettings(bootstrap_servers=keeper.bootstrap_servers))

    def await_broker(self, stop: threading.Event | None = None) -> KafkaSettings:
        """Waits until the broker answers that was launched; returns how it is reached.

        Parts that were started for another address are stopped: somebody took the port.

        Raises:
            BrokerError: It does not start.
            CommandError: As `check`.
        """
        keeper, expected = self._keeper, self._kafka
        if keeper is None or expected is None:
            raise BrokerError("no broker was launched")
        while not keeper.is_ready(READY_LOOK_SECONDS):
            self.check()
            if stop is not None and stop.is_set():
                return expected
        reached = self.use(KafkaSettings(bootstrap_servers=keeper.bootstrap_servers))
        if reached != expected:
            self.stop_parts()
        return reached

    def keep(self, broker: EmbeddedBroker) -> KafkaSettings:
        """Starts an embedded broker and keeps it at work; returns how it is reached.

        Raises:
            BrokerError: It does not start.
        """
        self.launch(broker)
        return self.await_broker()

    def start(
        self,
        children: Sequence[Child],
        *,
        metrics_directory: Path | None = None,
        held: bool = False,
    ) -> None:
        """Starts parts.

        Args:
            metrics_directory: Where they leave their metrics; None where nobody asks for them.
            held: Whether they load what they need and wait for `release`: Kafka is not there yet.
        """
        if held:
            children = [_held(child) for child in children]
        supervisor = Supervisor(
            children,
            log_directory=self._log_directory,
            metrics_directory=metrics_directory,
            background=self.background,
            held=held,
        )
        self._supervisors.append(supervisor)
        supervisor.start()

    def release(self) -> None:
        """Has the parts begin that were held back."""
        for supervisor in self._supervisors:
            supervisor.release()

    @property
    def has_parts(self) -> bool:
        """Whether any parts were started and not stopped."""
        return bool(self._supervisors)

    @property
    def states(self) -> tuple[ChildState, ...]:
        """How each part is."""
        return tuple(state for each in self._supervisors for state in each.states)

    def moved(self) -> None:
        """Notes that the work gets on, so no part is given up."""
        self._moved_at = time.monotonic()

    def check(self) -> None:
        """Looks after the parts and threads.

        Raises:
            CommandError: One cannot work until a person does something.
            BrokerError: The broker was given up.
            DataDamagedError: What Kafka keeps is damaged.
        """
        while not self._notes.empty():
            self._tell(self._notes.get())
        try:
            self.background.check()
        except BackgroundError as error:
            if isinstance(self.background.failure, BrokerError):
                raise self.background.failure from error
            raise CommandError(str(error)) from error
        for state in self.states:
            if state.state == "failed" and state.ended_with == ExitCode.DAMAGED:
                raise DataDamagedError(f"{state.message}{self._where_data_lies}")
        for supervisor in self._supervisors:
            if supervisor.failure is not None:
                raise CommandError(supervisor.failure)
        for state in self.states:
            if _is_news(self._known.get(state.name), state):
                self._known[state.name] = state
                self._on_state(state)
            self._give_up_hopeless(state)

    def patiently(
        self, step: Callable[[], ResultT], stop: threading.Event | None = None
    ) -> ResultT:
        """Takes a step that needs Kafka, again where Kafka was away meanwhile.

        Raises:
            CommandError: As `check`.
            TransportError: Kafka refuses what waiting cannot change, or has answered for a
                minute and the step fails nevertheless.
        """
        answering_since = time.monotonic()
        while True:
            try:
                with told_by("Kafka answers with an error"):
                    return step()
            except TransportError as error:
                self.check()
                if not self._kafka_answers():
                    answering_since = time.monotonic()
                lasted = time.monotonic() - answering_since
                is_told = stop is not None and stop.is_set()
                if is_told or not _may_pass(error) or lasted >= GIVE_UP_AFTER:
                    raise
                _log.warning("Kafka was away, trying again", why=str(error))
                time.sleep(RETRY_SECONDS)

    def work(self, stop: threading.Event, step: Callable[[], bool] | None = None) -> None:
        """Looks after everything until told to stop, or until the work is done.

        Args:
            step: Does a little of the command's own work, for a moment; returns whether all is
                done. Without it there is no end but a stop.

        Raises:
            CommandError: A part cannot work until a person does something.
            BrokerError: The broker was given up.
        """
        while not stop.is_set():
            self.check()
            if step is None:
                stop.wait(LOOK_SECONDS)
            elif step():
                return

    def stop_parts(self) -> None:
        """Stops all parts, side by side."""
        give_up = time.monotonic() + self._drain
        for supervisor in self._supervisors:
            supervisor.ask_to_stop()
        for supervisor in self._supervisors:
            supervisor.stop(max(0.0, give_up - time.monotonic()))
        self._supervisors.clear()

    def stop(self) -> None:
        """Stops all parts, then the broker."""
        self.stop_parts()
        if self._keeper is not None:
            self._keeper.end()
            self._keeper = None

    def _give_up_hopeless(self, state: ChildState) -> None:
        now = time.monotonic()
        if state.state == "working" or not state.is_given_up(now):
            return
        if now - self._moved_at < GIVE_UP_AFTER or now < self._ask_again_at:
            return
        if not self._kafka_answers():  # that is why, and it may come back
            self._ask_again_at = time.monotonic() + ASK_AGAIN_SECONDS
            self.moved()
            for supervisor in self._supervisors:
                supervisor.forgive()
            return
        log = (
            ""
            if self._log_directory is None
            else (f"; its log is {self._log_directory / f'{state.name}.log'}")
        )
        raise CommandError(
            f"{state.name} ended by itself {state.failures} times in a row"
            f"{f': {state.message}' if state.message else ''}{log}"
        )

    def _kafka_answers(self) -> bool:
        if self._kafka is None or (self._keeper is not None and not self._keeper.alive):
            return False
        try:
            diagnose_connection(self._kafka)
        except TransportError:
            return False
        return True


def _held(child: Child) -> Child:
    settings = msgspec.structs.replace(child.settings, held=True)
    return msgspec.structs.replace(child, settings=settings)


def _is_news(known: ChildState | None, state: ChildState) -> bool:
    return known is None or (known.state, known.message, known.restarts) != (
        state.state,
        state.message,
        state.restarts,
    )


def _may_pass(error: TransportError) -> bool:
    """Whether waiting may help."""
    return error.may_pass and (not isinstance(error, KafkaTroubleError) or error.is_retriable)
