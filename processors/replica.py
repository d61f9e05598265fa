"""A replica's main loop: photo references in; observations and rejects out, each once."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

import structlog
from kafka import ConsumerGroupMetadata, KafkaConsumer, TopicPartition
from kafka.errors import AuthorizationError, KafkaError

from avatarrig.metrics.detect import REJECTED, DetectMetrics
from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.supervision import Status
from avatarrig.topics import IMAGES
from avatarrig.watchdog import Watchdog
from processors.holds import Holds
from processors.outcome import Taken, observed, set_aside, take
from processors.photo_source import StorageUnreachableError
from processors.positions import LONGEST_SEEK_SECONDS, poll_nothing, seek_to_committed
from processors.remote_photos import RemotePhotos
from processors.sandbox import Result, Sandbox, SetAside
from processors.sandbox_messages import Observed, Unreachable
from processors.settings import ReplicaSettings
from processors.stored_files import AnswerRefusedError, StoredFiles
from processors.transaction import Transaction

_FETCHED_AHEAD = 6
"""Photos that are fetched from a store before the detector has room for them."""
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


class BrokerTroubleError(RuntimeError):
    """The broker's client is beyond repair; a new process may fare better."""


class Replica:
    """Takes photos, has them detected, and commits what came of them with their offsets.

    Order within a partition is kept: a photo that waits for its storage holds up its own
    partition and no other. After any error or rebalance everything uncommitted is dropped
    and taken anew from the committed offsets.

    Args:
        settings: Whose photos, and limits.
        consumer: Subscribed to the images topic, reading committed messages only.
        transaction: On the replica's own transactional producer.
        sandbox: The detector.
        watchdog: Gets a sign of life before everything that may wait.
        report: Hears of changes of state.
        metrics: Hears of photos that are done with.
        photos: Fetches those that do not lie on this machine.
        files: Sends files to where a store keeps them; None where they are written in place.
    """

    def __init__(  # noqa: PLR0913 - the loop's collaborators, wired in one place
        self,
        settings: ReplicaSettings,
        consumer: KafkaConsumer,
        transaction: Transaction,
        sandbox: Sandbox,
        *,
        watchdog: Watchdog,
        report: Callable[[Status], None],
        metrics: DetectMetrics,
        photos: RemotePhotos,
        files: StoredFiles | None = None,
    ) -> None:
        self._settings = settings
        self._consumer = consumer
        self._transaction = transaction
        self._sandbox = sandbox
        self._watchdog = watchdog
        self._report = report
        self._metrics = metrics
        self._photos = photos
        self._files = files
        self._taken: deque[Taken] = deque()
        self._holds = Holds()
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
        self._keep_only_photo_in_hand()
        while self._taken and time.monotonic() < give_up:
            self._guarded(self._work)
        self._guarded(self._commit)

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except AuthorizationError:
            raise
        except KafkaError as error:
            self._recover(error)

    def _step(self) -> None:
        self._poll()
        self._holds.release_due(self._consumer)
        self._feed()
        self._work()
        if self._transaction.seconds_left <= 0 or not self._taken:
            self._commit()

    def _poll(self) -> None:
        if self._is_astray:
            self._watchdog.alive("looking for the committed offsets")
            self._seek_to_committed()
        self._watchdog.alive("polling")
        if len(self._taken) < _AHEAD:
            busy = self._taken or not self._transaction.is_empty
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
                self._taken.append(
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

    def _feed(self) -> None:
        unsettled = [taken for taken in self._taken if not taken.settled and taken.reference]
        references = [taken.reference for taken in unsettled if taken.reference]
        self._photos.keep_only(references)
        if self._files is not None:
            self._files.keep_only([reference.image_id for reference in references])
        for taken in [taken for taken in unsettled if taken.is_waiting][:_FETCHED_AHEAD]:
            if not self._feed_one(taken):
                return

    def _feed_one(self, taken: Taken) -> bool:
        """Has a photo fetched, or submits it; tells whether the next one may follow."""
        if taken.reference is None:
            return True
        try:
            reference = self._photos.locally(taken.reference)
        except PhotoRefusedError as error:
            self._set_aside(taken, SetAside(0, error.reason, error.message, 1))
            return True
        except StorageUnreachableError as error:
            self._hold(taken, str(error))
            return False
        if reference is not None and self._sandbox.has_room:
            taken.job = self._sandbox.submit(reference)
        return True

    def _set_aside(self, taken: Taken, aside: SetAside) -> None:
        fingerprint, now = self._sandbox.fingerprint, time.time()
        taken.settle(set_aside(taken, aside, fingerprint=fingerprint, now=now))
        _log_of(taken).warning("a photo was set aside", reason=aside.reason, why=aside.message)

    def _work(self) -> None:
        """Waits for the sandbox where it has work, and adds what is settled, in order."""
        self._watchdog.alive("detecting")
        busy = any(not taken.settled for taken in self._taken)
        wait = min(_IDLE_SECONDS, self._transaction.seconds_left) if busy else 0.0
        for result in self._sandbox.collect(wait):
            self._settle(result)
        for taken in [taken for taken in self._taken if taken.is_sent]:
            self._finish(taken)
        while self._taken and self._taken[0].settled:
            self._transaction.add(self._taken[0])
            self._taken.popleft()

    def _settle(self, result: Result) -> None:
        taken = next((taken for taken in self._taken if taken.job == result.job), None)
        if taken is None:
            return
        match result:
            case Unreachable(message=message):
                self._hold(taken, message)
                return
            case Observed():
                self._observed(taken, result)
            case SetAside():
                self._set_aside(taken, result)
        if taken.settled:
            self._is_reachable(taken)

    def _observed(self, taken: Taken, answer: Observed) -> None:
        fingerprint, now = self._sandbox.fingerprint, time.time()
        taken.output = observed(taken, answer, fingerprint=fingerprint, now=now)
        _log_of(taken).debug("observed")
        if self._files is None or taken.reference is None or taken.output.result == REJECTED:
            taken.settle(taken.output)
        else:
            taken.sending = self._files.send(taken.reference.image_id)

    def _finish(self, taken: Taken) -> None:
        """Settles a photo whose files were sent."""
        if taken not in self._taken or taken.sending is None:  # its partition waits since
            return
        try:
            taken.sending.result()
        except StorageUnreachableError as error:
            self._hold(taken, str(error))
            return
        except AnswerRefusedError as error:
            self._set_aside(taken, SetAside(0, "detector_failed", str(error), 1))
        else:
            taken.settle(taken.output)
        self._is_reachable(taken)

    def _is_reachable(self, taken: Taken) -> None:
        if self._holds.forget(TopicPartition(IMAGES, taken.partition)):
            self._report(Status("working"))

    def _hold(self, held: Taken, message: str) -> None:
        """Lets the photo's partition wait, and goes on with the others."""
        behind = [
            taken
            for taken in self._taken
            if taken.partition == held.partition and taken.offset >= held.offset
        ]
        self._sandbox.forget([taken.job for taken in behind if taken.job is not None])
        self._taken = deque(taken for taken in self._taken if taken not in behind)
        self._holds.hold(self._consumer, TopicPartition(IMAGES, held.partition), held.offset)
        _log_of(held).warning("a photo's storage does not answer", why=message)
        self._report(Status("waiting", message))

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

    def _recover(self, error: KafkaError) -> None:
        self._errors += 1
        _log.warning("the broker's client failed", error=repr(error), times=self._errors)
        if self._errors >= _MOST_ERRORS:
            raise BrokerTroubleError(f"{self._errors} failures in a row: {error!r}") from error
        time.sleep(_PAUSE_AFTER_ERROR)
        self._start_over()

    def _start_over(self) -> None:
        """Drops everything uncommitted; the next poll goes back to the committed offsets."""
        self._sandbox.forget([taken.job for taken in self._taken if taken.job is not None])
        self._taken.clear()
        self._is_astray = True
        try:
            self._watchdog.alive("aborting")
            self._transaction.abort()
        except KafkaError as error:
            raise BrokerTroubleError(f"what was begun cannot be undone: {error!r}") from error

    def _seek_to_committed(self) -> None:
        self._holds.forget_all()
        self._watchdog.alive("reading the committed offsets", LONGEST_SEEK_SECONDS)
        seek_to_committed(self._consumer, self._settings.kafka, self._settings.group)
        self._is_astray = False

    def _keep_only_photo_in_hand(self) -> None:
        kept: deque[Taken] = deque()
        for taken in self._taken:
            is_in_hand = taken.job is not None and taken.job == self._sandbox.in_hand
            if not (taken.settled or is_in_hand or taken.sending is not None):
                break
            kept.append(taken)
        dropped = list(self._taken)[len(kept) :]
        self._sandbox.forget([taken.job for taken in dropped if taken.job is not None])
        self._taken = kept


def _log_of(taken: Taken) -> structlog.typing.FilteringBoundLogger:
    """A log whose lines tell which photo they are about."""
    if taken.reference is None:
        return _log
    return _log.bind(image_id=taken.reference.image_id, subject=taken.reference.subject)
