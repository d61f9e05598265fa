"""What becomes of each message: an observation as it came, a reject with its reason, nothing."""

from __future__ import annotations

import msgspec
import pytest
from support.references import reference

from avatarrig.views.rejects import StandingRejects, replayable
from avatarrig.wire import MAX_RECORD_BYTES, Observation, Reject, Sought, decode, encode
from avatarrig.wire.reasons import RejectReason
from avatarrig.wire.topics import IMAGES, OBSERVATIONS, REJECTS
from processors.outcome import Waiting, observed, rejected, take
from processors.sandbox.messages import Observed
from processors.sandbox.sandbox import Rejected

REFERENCE = reference(image_id="x-1", run="r")
OBSERVATION = Observation(
    image_id="x-1",
    dataset="d",
    path="x.jpg",
    subject="s",
    content_hash="00",
    found_at=1.0,
    observed_at=2.0,
    fingerprint="f",
    width=1,
    height=1,
)
NO_FILES = ("../../x", "/etc/x", "a/b", "..", "", "x\0", "x.json", "x" * 129)
"""Files of a run would lie elsewhere, or be none."""
ORIGIN = (IMAGES, 3, 42)


def test_a_tombstone_is_passed_over() -> None:
    taken = take(None, origin=ORIGIN, run="r", now=5.0)
    assert (taken.settled, taken.output) == (True, None)


@pytest.mark.parametrize("run", ["r", ""])
def test_a_reference_of_the_run_is_taken(run: str) -> None:
    reference = msgspec.structs.replace(REFERENCE, run=run)
    taken = take(encode(reference), origin=ORIGIN, run=run, now=5.0)
    assert (taken.reference, taken.partition, taken.offset) == (reference, 3, 42)
    assert taken.state == Waiting()


@pytest.mark.parametrize("run", ["another", ""])
def test_a_reference_of_another_run_is_passed_over(run: str) -> None:
    taken = take(encode(REFERENCE), origin=ORIGIN, run=run, now=5.0)
    assert (taken.settled, taken.output) == (True, None)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xc1",
        b"plain text",
        msgspec.msgpack.encode([1, 2]),
        msgspec.msgpack.encode({"version": 1}),
        msgspec.msgpack.encode({"version": 77}),
        encode(OBSERVATION),
        *(encode(msgspec.structs.replace(REFERENCE, image_id=name)) for name in NO_FILES),
        b"x" * (MAX_RECORD_BYTES + 1),
    ],
)
def test_a_message_that_is_no_reference_is_rejected_with_its_origin(value: bytes | None) -> None:
    taken = take(value, origin=ORIGIN, run="r", now=5.0)
    assert taken.settled
    assert taken.output is not None
    assert taken.output.topic == REJECTS
    reject = decode(taken.output.value, Reject)
    assert (reject.reason, reject.origin) == ("malformed", f"{IMAGES}/3/42")
    assert reject.rejected_at == 5.0


def test_an_observation_goes_on_as_it_came() -> None:
    taken = take(encode(REFERENCE), origin=ORIGIN, run="r", now=5.0)
    output = observed(taken, Observed(1, encode(OBSERVATION)), fingerprint="f", now=6.0)
    assert (output.topic, output.key) == (OBSERVATIONS, b"x-1\0s\0f")
    assert output.value == encode(OBSERVATION)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xc1",
        encode(msgspec.structs.replace(OBSERVATION, image_id="another")),
        encode(msgspec.structs.replace(OBSERVATION, subject="somebody else")),
        encode(msgspec.structs.replace(OBSERVATION, fingerprint="another")),
    ],
)
def test_a_senseless_answer_is_not_let_out(answer: bytes) -> None:
    taken = take(encode(REFERENCE), origin=ORIGIN, run="r", now=5.0)
    output = observed(taken, Observed(1, answer), fingerprint="f", now=6.0)
    assert output.topic == REJECTS
    assert decode(output.value, Reject).reason == "detector_failed"


def test_a_reject_carries_its_photo() -> None:
    taken = take(encode(REFERENCE), origin=ORIGIN, run="r", now=5.0)
    aside = Rejected(1, "crashed", "m", 3)
    reject = decode(rejected(taken, aside, fingerprint="f", now=6.0).value, Reject)
    assert reject == Reject(
        reason="crashed",
        message="m",
        attempts=3,
        rejected_at=6.0,
        reference=REFERENCE,
        fingerprint="f",
        run="r",
    )


def test_of_a_rejected_photo_it_stays_known_who_is_looked_for() -> None:
    """So that it can be tried again."""
    sought = Sought(asked="a", template=b"face" * 64, named=True)
    asked = encode(msgspec.structs.replace(REFERENCE, sought=sought))
    taken = take(asked, origin=ORIGIN, run="r", now=5.0)
    refused = Rejected(1, RejectReason.UNREADABLE, "no photo", 1)
    output = rejected(taken, refused, fingerprint="f", now=6.0)
    rejects = StandingRejects()
    rejects.reject(decode(output.value, Reject))
    (again,) = replayable(rejects.standing(), now=9.0)
    assert again.sought == sought
