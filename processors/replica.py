"""A replica's main loop: photo references in; observations and rejects out, each once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from kafka import ConsumerGroupMetadata, KafkaConsumer, TopicPartition

from avatarrig.errors import AvatarRigError
from avatarrig.kafka.border import told_by
from avatarrig.kafka.errors import KafkaTroubleError
from avatarrig.metrics.detect import REJECTED, DetectMetrics
from avatarrig.process.protocol import Status
from avatarrig.process.watchdog import Watchdog
from processors.backoff import BackOff
from processors.in_flight import InFlight
from processors.outcome import Taken, take
from processors.positions import LONGEST_SEEK_SECONDS, poll_nothing, seek_to_committed
from processors.settings import ReplicaSettings
from processors.transaction import Transaction

_AHEAD = 16
"""Messages taken and not yet committed; few, so that a restart redoes little."""
_LIVENESS_SECONDS = 5.0
"""A busy replica shows itself to the group at least so often (max_poll_interval is 60 s)."""
_IDLE_SECONDS = 0.2
_JOIN_SECONDS = 1.0
"""Joining a group is best waited for in one piece."""
_PAUSE_AFTER_ERROR = 0.5
_MOST_ERRORS = 5

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class BrokerTroubleError(AvatarRigError, RuntimeError):
    """The broker's client is beyond repair; a new process may fare better."""


class Replica:
    """Takes photos, has them detected, and commits what came of them with their offsets.

    After any error or rebalance everything uncommitted is dropped and taken anew from the
    committed offsets.

    Args:
        settings: Whose photos, and limits.
        consumer: Subscribed to the images topic, reading committed messages only.
        transaction: On the replica's own transactional producer.
        watchdog: Gets a sign of life before everything that may wait.
    """

    def __init__(  # noqa: PLR0913 - the loop's collaborators, wired in one place
        self,
        settings: ReplicaSettings,
        consumer: KafkaConsumer,
        transaction: Transaction,
        in_flight: InFlight,
        *,
        back_off: BackOff,
        watchdog: Watchdog,
        report: Callable[[Status], None],
        metrics: DetectMetrics,
    ) -> None:
        self._settings = settings
        self._consumer = consumer
        self._transaction = transaction
        self._in_flight = in_flight
        self._back_off = back_off
        self._watchdog = watchdog
        self._report = report
        self._metrics = metrics
        self._group: ConsumerGroupMetadata = consumer.group_metadata()
        self._assignment: set[TopicPartition] = set()
        self._polled_at = 0.0
        self._errors = 0
        self._is_astray = False

    def run(self, stop: threading.Event) -> None:
        """Works until asked to stop; then finishes the photo in hand and commits.

        Raises:
            BrokerTroubleError: Start anew.
            SandboxUnusableError: The detector does not start here.
            RunDirectoryError, RunStorageError: The run's files cannot be written.
        """
        while not stop.is_set():
            self._guarded(self._step)
        give_up = time.monotonic() + self._settings.limits.drain
        self._in_flight.keep_only_photo_in_hand()
        while self._in_flight and time.monotonic() < give_up:
            self._guarded(self._work)
        self._guarded(self._commit)

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            with told_by("Kafka answers with an error"):
                step()
        except KafkaTroubleError as error:
            self._recover(error)

    def _step(self) -> None:
        self._poll()
        self._back_off.release_due()
        self._in_flight.feed()
        self._work()
        if self._transaction.seconds_left <= 0 or not self._in_flight:
            self._commit()

    def _poll(self) -> None:
        if self._is_astray:
            self._watchdog.alive("looking for the committed offsets")
            self._seek_to_committed()
        self._watchdog.alive("polling")
        if len(self._in_flight) < _AHEAD:
            busy = self._in_flight or not self._transaction.is_empty
            idle = _IDLE_SECONDS if self._consumer.assignment() else _JOIN_SECONDS
            seconds = 0.0 if busy else idle
            messages = self._consumer.poll(timeout_ms=round(1000 * seconds), max_records=_AHEAD)
        elif time.monotonic() - self._polled_at >= _LIVENESS_SECONDS:
            messages = poll_nothing(self._consumer)
        else:
            return
        self._polled_at = time.monotonic()
        if not self._group_is_the_same():
            return
        for batch in messages.values():
            for message in batch:
                origin = (message.topic, message.partition, message.offset)
                now = time.time()
                self._in_flight.add(
                    take(message.value, origin=origin, run=self._settings.run, now=now)
                )

    def _group_is_the_same(self) -> bool:
        group, assignment = self._consumer.group_metadata(), self._consumer.assignment()
        same = (group.generation_id, group.member_id) == (
            self._group.generation_id,
            self._group.member_id,
        )
        same, self._assignment = same and assignment == self._assignment, assignment
        if not same:
            _log.info("the group was rebalanced", generation=group.generation_id)
            self._group = group
            self._start_over()
            self._report(Status("working"))
        return same

    def _work(self) -> None:
        self._watchdog.alive("detecting")
        for taken in self._in_flight.work(min(_IDLE_SECONDS, self._transaction.seconds_left)):
            self._transaction.add(taken)

    def _commit(self) -> None:
        if self._transaction.is_empty:
            return
        self._watchdog.alive("committing")
        begun = time.monotonic()
        committed = self._transaction.commit(self._group)
        self._metrics.committed(time.monotonic() - begun)
        self._errors = 0
        for taken in committed:
            self._count(taken)

    def _count(self, taken: Taken) -> None:
        if taken.output is None:
            return
        if taken.output.result == REJECTED:
            self._metrics.rejected(taken.output.reason, photo=taken.reference is not None)
        elif taken.reference is not None:
            seconds = time.time() - taken.reference.found_at
            self._metrics.observed(taken.output.result, seconds)

    def _recover(self, error: KafkaTroubleError) -> None:
        self._errors += 1
        _log.debug("the broker's client failed", error=repr(error), times=self._errors)
        if self._errors >= _MOST_ERRORS:
            raise BrokerTroubleError(f"{self._errors} failures in a row: {error!r}") from error
        time.sleep(_PAUSE_AFTER_ERROR)
        self._start_over()

    def _start_over(self) -> None:
        """Drops everything uncommitted; the next poll goes back to the committed offsets."""
        self._in_flight.drop_all()
        self._is_astray = True
        try:
            self._watchdog.alive("aborting")
            with told_by("Kafka answers with an error"):
                self._transaction.abort()
        except KafkaTroubleError as error:
            raise BrokerTroubleError(f"what was begun cannot be undone: {error!r}") from error

    def _seek_to_committed(self) -> None:
        self._back_off.forget_all()
        self._watchdog.alive("reading the committed offsets", LONGEST_SEEK_SECONDS)
        seek_to_committed(self._consumer, self._settings.kafka, self._settings.group)
        self._is_astray = False
