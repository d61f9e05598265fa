"""The messages that a replica has taken, and what is done with them until they are settled."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import structlog
from kafka import TopicPartition

from avatarrig.metrics.detect import REJECTED
from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.photos.remote import RemotePhotos
from avatarrig.photos.source import StorageUnreachableError
from avatarrig.process.protocol import Status
from avatarrig.wire.reasons import RejectReason
from avatarrig.wire.topics import IMAGES
from processors.backoff import BackOff
from processors.outcome import Detecting, Sending, Settled, Taken, Waiting, observed, rejected
from processors.sandbox.messages import Observed, Unreachable
from processors.sandbox.sandbox import Rejected, Result, Sandbox
from processors.sandbox.stored_files import AnswerRefusedError, StoredFiles

_FETCHED_AHEAD = 6
"""Photos that are fetched from a store before the detector has room for them."""

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class InFlight:
    """Has photos fetched, detected, and their files sent to where they shall lie.

    Order within a partition is kept: a photo that waits for its storage holds up its own
    partition and no other.

    Args:
        photos: Fetches those that do not lie on this machine.
        files: Sends files to where a store keeps them; None where they are written in place.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        photos: RemotePhotos,
        files: StoredFiles | None,
        *,
        back_off: BackOff,
        report: Callable[[Status], None],
    ) -> None:
        self._sandbox = sandbox
        self._photos = photos
        self._files = files
        self._back_off = back_off
        self._report = report
        self._taken: deque[Taken] = deque()

    def __len__(self) -> int:
        return len(self._taken)

    def add(self, taken: Taken) -> None:
        """Adds a message; those of a partition come in their order."""
        self._taken.append(taken)

    def feed(self) -> None:
        """Has photos fetched, and submits those that are here while the detector has room."""
        unsettled = [taken for taken in self._taken if not taken.settled]
        references = [taken.reference for taken in unsettled if taken.reference]
        self._photos.keep_only(references)
        if self._files is not None:
            self._files.keep_only([reference.image_id for reference in references])
        waiting = [taken for taken in unsettled if isinstance(taken.state, Waiting)]
        for taken in waiting[:_FETCHED_AHEAD]:
            if not self._feed_one(taken):
                return

    def work(self, seconds: float) -> list[Taken]:
        """Waits for the detector where it has work.

        Args:
            seconds: How long to wait at most.

        Returns:
            What is settled, in order; it is not kept any longer.
        """
        busy = any(not taken.settled for taken in self._taken)
        for result in self._sandbox.collect(seconds if busy else 0.0):
            self._settle(result)
        for taken in list(self._taken):
            if isinstance(taken.state, Sending) and taken.state.files.done():
                self._finish(taken, taken.state)
        settled: list[Taken] = []
        while self._taken and self._taken[0].settled:
            settled.append(self._taken.popleft())
        return settled

    def drop_all(self) -> None:
        """Forgets everything that was taken."""
        self._sandbox.forget([taken.job for taken in self._taken if taken.job is not None])
        self._taken.clear()

    def keep_only_photo_in_hand(self) -> None:
        """Drops the first photo that nothing was begun with, and all behind it."""
        kept: deque[Taken] = deque()
        for taken in self._taken:
            is_begun = isinstance(taken.state, Settled | Sending)
            if not is_begun and (taken.job is None or taken.job != self._sandbox.in_hand):
                break
            kept.append(taken)
        dropped = list(self._taken)[len(kept) :]
        self._sandbox.forget([taken.job for taken in dropped if taken.job is not None])
        self._taken = kept

    def _feed_one(self, taken: Taken) -> bool:
        """Has a photo fetched, or submits it; tells whether the next one may follow."""
        if taken.reference is None:
            return True
        try:
            reference = self._photos.locally(taken.reference)
        except PhotoRefusedError as error:
            self._reject(taken, Rejected(0, error.reason, error.message, 1))
            return True
        except StorageUnreachableError as error:
            self._hold(taken, str(error))
            return False
        if reference is not None and self._sandbox.has_room:
            taken.state = Detecting(self._sandbox.submit(reference))
        return True

    def _reject(self, taken: Taken, rejection: Rejected) -> None:
        fingerprint, now = self._sandbox.fingerprint_for(taken.reference), time.time()
        taken.settle(rejected(taken, rejection, fingerprint=fingerprint, now=now))
        _log_of(taken).warning(
            "a photo was rejected", reason=rejection.reason, why=rejection.message
        )

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
            case Rejected():
                self._reject(taken, result)
        if taken.settled:
            self._is_reachable(taken)

    def _observed(self, taken: Taken, answer: Observed) -> None:
        fingerprint, now = self._sandbox.fingerprint_for(taken.reference), time.time()
        output = observed(taken, answer, fingerprint=fingerprint, now=now)
        _log_of(taken).debug("observed")
        if self._files is None or taken.reference is None or output.result == REJECTED:
            taken.settle(output)
        else:
            taken.state = Sending(output, self._files.send(taken.reference.image_id))

    def _finish(self, taken: Taken, sending: Sending) -> None:
        """Settles a photo whose files were sent."""
        if taken not in self._taken:  # its partition waits since
            return
        try:
            sending.files.result()
        except StorageUnreachableError as error:
            self._hold(taken, str(error))
            return
        except AnswerRefusedError as error:
            self._reject(taken, Rejected(0, RejectReason.DETECTOR_FAILED, str(error), 1))
        else:
            taken.settle(sending.output)
        self._is_reachable(taken)

    def _is_reachable(self, taken: Taken) -> None:
        if self._back_off.forget(TopicPartition(IMAGES, taken.partition)):
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
        self._back_off.hold(TopicPartition(IMAGES, held.partition), held.offset)
        _log_of(held).warning("a photo's storage does not answer", why=message)
        self._report(Status("waiting", message))


def _log_of(taken: Taken) -> structlog.typing.FilteringBoundLogger:
    """A log whose lines tell which photo they are about."""
    if taken.reference is None:
        return _log
    return _log.bind(image_id=taken.reference.image_id, subject=taken.reference.subject)
