"""What becomes of each message that a replica takes: an observation, a reject, or nothing."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass

import msgspec

from avatarrig.metrics.detect import NO_PERSON, PERSON, REJECTED
from avatarrig.wire import (
    Observation,
    PhotoReference,
    RecordRefusedError,
    Reject,
    decode,
    encode,
    keys,
    record_key,
)
from avatarrig.wire.identity import is_image_id
from avatarrig.wire.reasons import RejectReason
from avatarrig.wire.topics import OBSERVATIONS, REJECTS
from processors.sandbox.messages import Observed
from processors.sandbox.sandbox import SetAside


class Output(msgspec.Struct, frozen=True):
    """A record to be sent.

    Attributes:
        topic: Where to.
        key: As `avatarrig.wire.record_key` says.
        value: The record, packed.
        result: `PERSON`, `NO_PERSON` or `REJECTED`.
        reason: Why a photo was rejected, otherwise empty.
    """

    topic: str
    key: bytes
    value: bytes
    result: str
    reason: str = ""


@dataclass
class Taken:
    """A message that was taken from the images topic and is not committed yet.

    Attributes:
        partition: Partition of the images topic.
        offset: The message's offset in it.
        reference: The photo; None where the message is none of this replica's business.
        job: Number of the photo in the sandbox, once it is there.
        settled: Whether it is decided what becomes of it.
        output: What to send; None sends nothing.
        sending: The photo's files on their way to a store; it is settled when they are there.
    """

    partition: int
    offset: int
    reference: PhotoReference | None = None
    job: int | None = None
    settled: bool = False
    output: Output | None = None
    sending: Future[None] | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether the photo should go to the sandbox."""
        return not self.settled and self.job is None

    @property
    def is_sent(self) -> bool:
        """Whether its files are in the store by now, or cannot be brought there."""
        return not self.settled and self.sending is not None and self.sending.done()

    def settle(self, output: Output | None) -> None:
        """Decides what becomes of the message."""
        self.output = output
        self.settled = True


def take(value: bytes | None, *, origin: tuple[str, int, int], run: str, now: float) -> Taken:
    """Looks at a message of the images topic.

    Args:
        value: The message.
        origin: Topic, partition and offset.
        run: Only references of this run are taken; empty: only those of no run.
        now: Unix seconds.

    Returns:
        What was taken; settled already where it is no reference, or another run's.
    """
    topic, partition, offset = origin
    if value is None:  # a tombstone
        taken = Taken(partition, offset)
        taken.settle(None)
        return taken
    try:
        reference = _decode(value)
    except RecordRefusedError as error:
        taken = Taken(partition, offset)
        taken.settle(_refused_message(error, keys.origin(topic, partition, offset), now))
        return taken
    if reference.run != run:
        taken = Taken(partition, offset)
        taken.settle(None)
        return taken
    return Taken(partition, offset, reference)


def observed(taken: Taken, answer: Observed, *, fingerprint: str, now: float) -> Output:
    """Checks what the sandbox says it observed, since native code may have gone astray there.

    Args:
        taken: The photo.
        answer: What the sandbox says.
        fingerprint: The detector's.
        now: Unix seconds.

    Returns:
        The observation as it came, or a reject.
    """
    reference = _reference(taken)
    try:
        observation = decode(answer.record, Observation)
    except RecordRefusedError:
        observation = None
    if observation is not None and observation.image_id == reference.image_id:
        result = NO_PERSON if observation.pose is None else PERSON
        return Output(OBSERVATIONS, record_key(observation), answer.record, result)
    aside = SetAside(
        answer.job, RejectReason.DETECTOR_FAILED, "the detector's answer makes no sense", 1
    )
    return set_aside(taken, aside, fingerprint=fingerprint, now=now)


def set_aside(taken: Taken, aside: SetAside, *, fingerprint: str, now: float) -> Output:
    """Makes the reject of a photo.

    Args:
        taken: The photo.
        aside: Why.
        fingerprint: The detector's.
        now: Unix seconds.
    """
    reference = _reference(taken)
    reject = Reject(
        reason=aside.reason,
        message=aside.message,
        attempts=aside.attempts,
        rejected_at=now,
        reference=reference,
        fingerprint=fingerprint,
        run=reference.run,
    )
    return Output(REJECTS, record_key(reject), encode(reject), REJECTED, reject.reason)


def _decode(value: bytes) -> PhotoReference:
    reference = decode(value, PhotoReference)
    if not is_image_id(reference.image_id):
        raise RecordRefusedError(f"image_id {reference.image_id[:80]!r} names no file")
    return reference


def _refused_message(error: RecordRefusedError, origin: str, now: float) -> Output:
    message = f"a message that is no photo reference: {error}"
    reject = Reject(
        reason=RejectReason.MALFORMED, message=message, attempts=1, rejected_at=now, origin=origin
    )
    return Output(REJECTS, record_key(reject), encode(reject), REJECTED, reject.reason)


def _reference(taken: Taken) -> PhotoReference:
    if taken.reference is None:
        raise ValueError(f"offset {taken.offset} of partition {taken.partition} holds no photo")
    return taken.reference
