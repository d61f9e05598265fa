"""What becomes of each message that a replica takes: an observation, a reject, or nothing."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

import msgspec

from avatarrig.metrics.detect import NO_PERSON, PERSON, REJECTED
from avatarrig.wire import (
    MOST_SAID,
    Observation,
    PhotoReference,
    RecordRefusedError,
    Reject,
    decode,
    encode,
    keys,
    record_key,
    shortened,
)
from avatarrig.wire.identity import is_image_id, subject_name
from avatarrig.wire.reasons import RejectReason
from avatarrig.wire.topics import OBSERVATIONS, REJECTS
from processors.sandbox.messages import Observed
from processors.sandbox.sandbox import Rejected


class Output(msgspec.Struct, frozen=True):
    """A record to be sent.

    Attributes:
        key: As `avatarrig.wire.record_key` says.
        result: `PERSON`, `NO_PERSON` or `REJECTED`.
        reason: Why a photo was rejected, otherwise empty.
    """

    topic: str
    key: bytes
    value: bytes
    result: str
    reason: str = ""


class Waiting(msgspec.Struct, frozen=True):
    """Nothing was begun with the photo."""


class Detecting(msgspec.Struct, frozen=True):
    """The photo is in the sandbox."""

    job: int


@dataclass(frozen=True)
class Sending:
    """The photo was observed, and its files are on their way to a store.

    Attributes:
        output: What to send when they are there.
        files: Is done when they are there, or cannot be brought there.
    """

    output: Output
    files: Future[None]


class Settled(msgspec.Struct, frozen=True):
    """It is decided what becomes of the message. `output`: what to send; None sends nothing."""

    output: Output | None


State = Waiting | Detecting | Sending | Settled
WAITING: Final = Waiting()


@dataclass
class Taken:
    """A message that was taken from the images topic and is not committed yet.

    Attributes:
        reference: The photo; None where the message is none of this replica's business.
    """

    partition: int
    offset: int
    reference: PhotoReference | None = None
    state: State = WAITING

    @property
    def settled(self) -> bool:
        """Whether it is decided what becomes of it."""
        return isinstance(self.state, Settled)

    @property
    def output(self) -> Output | None:
        """What to send; None sends nothing."""
        return self.state.output if isinstance(self.state, Settled) else None

    @property
    def job(self) -> int | None:
        """Number of the photo in the sandbox, as long as it is there."""
        return self.state.job if isinstance(self.state, Detecting) else None

    def settle(self, output: Output | None) -> None:
        """Decides what becomes of the message."""
        self.state = Settled(output)


def take(value: bytes | None, *, origin: tuple[str, int, int], run: str, now: float) -> Taken:
    """Looks at a message of the images topic.

    Args:
        run: Only references of this run are taken; empty: only those of no run.
        now: Unix seconds.

    Returns:
        What was taken; settled already where it is no reference, or another run's.
    """
    topic, partition, offset = origin
    if value is None:  # a tombstone
        return Taken(partition, offset, state=Settled(None))
    try:
        reference = _decode(value)
    except RecordRefusedError as error:
        output = _refused_message(error, keys.origin(topic, partition, offset), now)
        return Taken(partition, offset, state=Settled(output))
    if reference.run != run:
        return Taken(partition, offset, state=Settled(None))
    return Taken(partition, offset, reference)


def observed(taken: Taken, answer: Observed, *, fingerprint: str, now: float) -> Output:
    """Checks what the sandbox says it observed, since native code may have gone astray there.

    Args:
        fingerprint: What its observation is made with.
        now: Unix seconds.

    Returns:
        The observation as it came, or a reject.
    """
    reference = _reference(taken)
    try:
        observation = decode(answer.record, Observation)
    except RecordRefusedError:
        observation = None
    if observation is not None and _is_of(observation, reference, fingerprint):
        result = NO_PERSON if observation.pose is None else PERSON
        return Output(OBSERVATIONS, record_key(observation), answer.record, result)
    rejection = Rejected(
        answer.job, RejectReason.DETECTOR_FAILED, "the detector's answer makes no sense", 1
    )
    return rejected(taken, rejection, fingerprint=fingerprint, now=now)


def rejected(taken: Taken, rejection: Rejected, *, fingerprint: str, now: float) -> Output:
    """Makes the reject of a photo. `now`: Unix seconds."""
    reference = _reference(taken)
    reject = Reject(
        reason=rejection.reason,
        message=shortened(rejection.message, MOST_SAID),
        attempts=rejection.attempts,
        rejected_at=now,
        reference=reference,
        fingerprint=fingerprint,
        run=reference.run,
    )
    return Output(REJECTS, record_key(reject), encode(reject), REJECTED, reject.reason)


def _is_of(observation: Observation, reference: PhotoReference, fingerprint: str) -> bool:
    """Whether an observation is of the photo that was asked for, and counts for nobody else."""
    return (observation.image_id, observation.fingerprint) == (
        reference.image_id,
        fingerprint,
    ) and subject_name(observation.subject) == subject_name(reference.subject)


def _decode(value: bytes) -> PhotoReference:
    reference = decode(value, PhotoReference)
    if not is_image_id(reference.image_id):
        raise RecordRefusedError(f"image_id {reference.image_id[:80]!r} names no file")
    return reference


def _refused_message(error: RecordRefusedError, origin: str, now: float) -> Output:
    message = shortened(f"a message that is no photo reference: {error}", MOST_SAID)
    reject = Reject(
        reason=RejectReason.MALFORMED, message=message, attempts=1, rejected_at=now, origin=origin
    )
    return Output(REJECTS, record_key(reject), encode(reject), REJECTED, reject.reason)


def _reference(taken: Taken) -> PhotoReference:
    if taken.reference is None:
        raise ValueError(f"offset {taken.offset} of partition {taken.partition} holds no photo")
    return taken.reference
