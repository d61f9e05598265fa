from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import TopicPartition
from support.body.estimates import said, skeleton
from support.references import reference

from avatarrig.kafka.reading import Message
from avatarrig.views.progress import Found, Progress
from avatarrig.wire import Observation, PackedArray, Reject, SkeletonRecord
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.keys import origin
from avatarrig.wire.reasons import RejectReason
from avatarrig.wire.topics import OBSERVATIONS, REJECTS, SKELETONS


def a_photo(name: str = "a", subject: str = "s") -> Found:
    return Found(name, f"{name}.jpg", subject)


def an_observation(name: str = "a", **fields: Any) -> Observation:
    required: dict[str, Any] = {
        "image_id": name,
        "dataset": "d",
        "path": f"{name}.jpg",
        "subject": "s",
        "content_hash": "00",
        "found_at": 0.0,
        "observed_at": 0.0,
        "fingerprint": "f",
        "width": 1,
        "height": 1,
    }
    return Observation(**(required | fields))


def a_reject(name: str = "a", run: str = "r", fingerprint: str = "f") -> Reject:
    return Reject(
        reason="unreadable",
        message="cannot be read",
        attempts=1,
        rejected_at=0.0,
        reference=reference(f"{name}.jpg"),
        run=run,
        fingerprint=fingerprint,
    )


def a_near_copy(name: str) -> Found:
    return msgspec.structs.replace(a_photo(name), is_near_copy=True)


def left_out(name: str) -> Reject:
    """What a producer says of a near-copy."""
    return msgspec.structs.replace(a_reject(name, fingerprint=""), reason=RejectReason.NEAR_COPY)


def a_skeleton(applied: dict[int, int], fingerprint: str = "f") -> SkeletonRecord:
    return skeleton(
        said(used=sum(applied.values())), subject="s", fingerprint=fingerprint, applied=applied
    )


@pytest.fixture
def progress() -> Progress:
    return Progress("r", "f")


def test_found_is_observed_plus_rejected_plus_waiting(progress: Progress) -> None:
    for name in "abcd":
        progress.found(a_photo(name))
    progress.observation(an_observation("a"), 0, 1, now=0)
    progress.reject(a_reject("b"), now=0)
    assert (progress.counts.observed, progress.counts.rejected) == (1, 1)
    assert progress.counts.waiting == 2
    assert not progress.all_processed


def test_a_photo_that_is_observed_twice_counts_once(progress: Progress) -> None:
    progress.found(a_photo())
    progress.observation(an_observation(), 0, 1, now=0)
    progress.observation(an_observation(), 0, 9, now=0)
    assert progress.counts.observed == 1
    progress.skeleton(a_skeleton({0: 1}))
    assert progress.estimates_complete


def test_a_reject_that_is_observed_later_leaves_the_list(progress: Progress) -> None:
    progress.found(a_photo())
    progress.reject(a_reject(), now=0)
    progress.observation(an_observation(), 0, 1, now=0)
    progress.reject(a_reject(), now=0)
    assert progress.rejected == []
    assert progress.counts.observed == 1


def test_near_copies_are_done_with_and_told_apart(progress: Progress) -> None:
    progress.found(a_photo("a"))
    progress.found(a_near_copy("b"))
    progress.observation(an_observation("a"), partition=0, offset=0, now=0)
    assert progress.counts.waiting == 1
    progress.reject(left_out("b"), now=0)
    counts = progress.counts
    assert (counts.waiting, counts.rejected, counts.near_copies) == (0, 1, 1)
    assert [reject.reason for _, reject in progress.rejected] == [RejectReason.NEAR_COPY]
    assert progress.all_processed


def test_a_near_copy_that_shall_be_detected_after_all_waits_for_it(progress: Progress) -> None:
    progress.reject(left_out("a"), now=0)
    progress.found(a_photo("a"))
    counts = progress.counts
    assert (counts.waiting, counts.rejected, counts.near_copies) == (1, 0, 0)
    assert progress.rejected == []
    assert not progress.is_rejected(a_photo("a"))
    assert progress.is_rejected(a_near_copy("a"))
    progress.observation(an_observation("a"), partition=0, offset=0, now=0)
    assert progress.counts.observed == 1
    assert progress.all_processed


def test_a_near_copy_that_a_detector_rejected_later_is_rejected(progress: Progress) -> None:
    for records in ([left_out("a"), a_reject("a")], [a_reject("a"), left_out("a")]):
        for record in records:
            progress.reject(record, now=0)
        assert progress.is_rejected(a_photo("a"))


def test_records_of_other_runs_and_detectors_are_not_ours(progress: Progress) -> None:
    progress.found(a_photo())
    progress.observation(an_observation(fingerprint="other"), 0, 1, now=0)
    progress.reject(a_reject(run="other"), now=0)
    progress.reject(a_reject(fingerprint="other"), now=0)
    progress.skeleton(a_skeleton({0: 1}, fingerprint="other"))
    assert progress.counts.waiting == 1
    assert progress.skeletons == {}


def test_other_peoples_skeletons_on_a_shared_kafka_are_not_ours(progress: Progress) -> None:
    progress.found(a_photo())
    progress.observation(an_observation(), 0, 1, now=0)
    progress.observation(an_observation("b", subject="other"), 0, 2, now=0)
    progress.skeleton(a_skeleton({0: 1}))
    assert progress.estimates_complete
    progress.skeleton(msgspec.structs.replace(a_skeleton({0: 2}), subject="other"))
    assert list(progress.estimates()) == ["s"]
    assert progress.gone == {}


def test_the_same_photo_shown_for_another_subject_is_another_photo(progress: Progress) -> None:
    progress.found(a_photo(subject="other"))
    progress.observation(an_observation(), 0, 1, now=0)
    assert not progress.is_observed(a_photo(subject="other"))
    assert progress.is_observed(a_photo())


def test_the_estimate_is_complete_when_it_contains_every_partition(progress: Progress) -> None:
    progress.found(a_photo())
    progress.observation(an_observation("a"), 0, 5, now=0)
    progress.observation(an_observation("b"), 3, 7, now=0)
    assert not progress.estimates_complete
    progress.skeleton(a_skeleton({0: 5, 3: 6}))
    assert not progress.estimates_complete
    progress.skeleton(a_skeleton({0: 5, 3: 7}))
    assert progress.estimates_complete


def test_an_estimate_that_contains_what_nobody_observed_outdoes_none(progress: Progress) -> None:
    progress.found(a_photo())
    beyond = (1 << 63) - 1
    made_up = said(used=99)
    forged = [
        a_message(SKELETONS, 0, msgspec.structs.replace(a_skeleton(applied), estimate=made_up))
        for applied in ({0: beyond}, {0: 5, 1: beyond}, {7: 0})
    ]
    sound = [
        a_message(OBSERVATIONS, 5, an_observation()),
        a_message(SKELETONS, 0, a_skeleton({0: 5})),
    ]
    for round_ in (forged, sound, forged * 9, [a_message(OBSERVATIONS, 6, None)]):
        progress.take(round_, now=0.0)
    assert progress.estimates_complete
    assert progress.estimates()["s"].used == 5


def test_an_estimate_that_is_read_before_what_it_contains_waits_for_it(progress: Progress) -> None:
    progress.found(a_photo())
    refusal = msgspec.structs.replace(
        a_refusal(0, 0), reason=RejectReason.ESTIMATE, subject="s", fingerprint="f"
    )
    progress.take([a_message(OBSERVATIONS, 4, an_observation())], now=0.0)
    early = (msgspec.structs.replace(refusal, applied={0: 4, 1: 2}), a_skeleton({0: 4, 1: 3}))
    progress.take([a_message(REJECTS, 0, early[0]), a_message(SKELETONS, 0, early[1])], now=0.0)
    assert (progress.unmade, progress.estimates()) == ({}, {})
    progress.take([a_message(OBSERVATIONS, 2, None, partition=1)], now=0.0)
    assert progress.unmade == {"s": refusal.message}
    progress.take([a_message(OBSERVATIONS, 3, None, partition=1)], now=0.0)
    assert progress.estimates()["s"].used == 7
    assert progress.unmade == {}


def test_an_estimate_of_what_is_deleted_by_now_counts(progress: Progress) -> None:
    progress.found(a_photo())
    progress.begin({TopicPartition(OBSERVATIONS, 0): 9, TopicPartition(REJECTS, 0): 99})
    progress.take([a_message(OBSERVATIONS, 4, an_observation())], now=0.0)
    progress.take([a_message(SKELETONS, 0, a_skeleton({0: 8}))], now=0.0)
    assert progress.estimates()["s"].used == 8


def a_message(topic: str, offset: int, record: object, partition: int = 0) -> Message:
    return Message(topic, partition, offset, 0.0, b"", record)


def a_refusal(partition: int, offset: int) -> Reject:
    return Reject(
        reason=RejectReason.EVIDENCE,
        message="evidence says more than one photo can",
        attempts=1,
        rejected_at=1.0,
        origin=origin(OBSERVATIONS, partition, offset),
    )


@pytest.mark.parametrize("told_first", [True, False])
def test_an_observation_that_the_aggregator_refuses_is_not_waited_for(
    progress: Progress, *, told_first: bool
) -> None:
    progress.found(a_photo("a"))
    progress.found(a_photo("b"))
    progress.observation(an_observation("a"), 0, 4, now=0.0)
    if told_first:
        progress.reject(a_refusal(0, 9), now=0.0)
    progress.observation(an_observation("b"), 0, 9, now=0.0)
    if not told_first:
        progress.reject(a_refusal(0, 9), now=0.0)
    progress.skeleton(a_skeleton({0: 4}))
    assert progress.estimates_complete
    assert (progress.counts.observed, progress.counts.rejected) == (1, 1)
    ((photo, reject),) = progress.rejected
    assert (photo.image_id, reject.reason) == ("b", RejectReason.EVIDENCE)


def test_a_forged_observation_that_is_refused_hides_no_sound_one(progress: Progress) -> None:
    progress.found(a_photo("a"))
    progress.observation(an_observation("a"), 0, 3, now=0.0)
    progress.observation(an_observation("a"), 0, 5, now=0.0)
    progress.reject(a_refusal(0, 3), now=0.0)
    assert progress.counts.observed == 1
    progress.skeleton(a_skeleton({0: 4}))
    assert not progress.estimates_complete
    progress.skeleton(a_skeleton({0: 5}))
    assert progress.estimates_complete


def test_photos_of_the_run_that_were_forgotten_are_told_once(progress: Progress) -> None:
    """Whoever waited for them, nobody would bring them again."""
    for name in ("a", "b"):
        progress.observation(an_observation(name), 0, 3, now=0.0)
    progress.found(a_photo("a"))
    progress.forget(subject_digest(a_photo("a").subject), 1)
    assert progress.take_lost() == set()
    progress.forget(subject_digest(a_photo("a").subject), 0)
    assert progress.counts.observed == 0
    assert progress.take_lost() == {a_photo("a").key}
    assert progress.take_lost() == set()


def test_an_observation_that_is_read_again_is_no_other_one(progress: Progress) -> None:
    progress.found(a_photo("a"))
    for _ in range(2):
        progress.observation(an_observation("a"), 0, 3, now=0.0)
    progress.reject(a_refusal(0, 3), now=0.0)
    assert (progress.counts.observed, progress.counts.rejected) == (0, 1)


def test_an_estimate_that_cannot_be_made_is_not_waited_for_and_is_told(progress: Progress) -> None:
    progress.found(a_photo("a"))
    progress.observation(an_observation("a"), 2, 7, now=0.0)
    refusal = msgspec.structs.replace(
        a_refusal(0, 0), reason=RejectReason.ESTIMATE, subject="s", fingerprint="f"
    )
    progress.reject(msgspec.structs.replace(refusal, applied={2: 6}), now=0.0)
    assert not progress.estimates_complete, "there is more to come"
    progress.reject(msgspec.structs.replace(refusal, applied={2: 7}), now=0.0)
    assert progress.estimates_complete
    assert progress.unmade == {"s": refusal.message}
    progress.skeleton(a_skeleton({2: 7}))
    assert progress.unmade == {}


def test_an_estimate_by_older_weights_is_not_complete() -> None:
    progress = Progress("r", "f", learned="new")
    progress.found(a_photo())
    progress.observation(an_observation(), 0, 5, now=0)
    for learned, complete in (("old", False), (None, True), ("new", True)):
        estimate = said(learned=learned)
        progress.skeleton(msgspec.structs.replace(a_skeleton({0: 5}), estimate=estimate))
        assert progress.estimates_complete is complete


def test_an_older_estimate_does_not_replace_a_newer_one(progress: Progress) -> None:
    progress.found(a_photo())
    progress.observation(an_observation(), 0, 5, now=0)
    progress.skeleton(a_skeleton({0: 5}))
    progress.skeleton(a_skeleton({0: 3}))
    assert progress.estimates()["s"].used == 5


def test_photos_that_left_the_dataset_are_known(progress: Progress) -> None:
    progress.found(a_photo("b"))
    progress.observation(an_observation(run="r"), 0, 5, now=0)
    assert len(progress.gone) == 1
    assert progress.counts.observed == 0


def test_time_left_follows_the_present_pace(progress: Progress) -> None:
    for i in range(30):
        progress.found(a_photo(str(i)))
    assert progress.seconds_left(0) == math.inf
    for i in range(10):
        progress.observation(an_observation(str(i)), 0, i, now=float(i))
    assert progress.photos_per_second(10.0) == pytest.approx(1.0)
    assert progress.seconds_left(10.0) == pytest.approx(20.0)
    assert progress.photos_per_second(100.0) == 0


def test_what_does_not_count_is_told_by_reason(progress: Progress) -> None:
    for i, excluded in enumerate(("duplicate of b", "on request", None)):
        progress.found(a_photo(str(i)))
        progress.observation(an_observation(str(i), excluded=excluded), 0, i, now=0)
    assert progress.excluded == {"duplicate": 1, "left_out": 1, "no_person": 1}


A_POSE = PackedArray.pack(np.zeros((33, 5), np.float32))
EVENTS: dict[str, Callable[[Progress, str], object]] = {
    "found": lambda progress, name: progress.found(a_photo(name)),
    "person": lambda progress, name: progress.observation(
        an_observation(name, pose=A_POSE), partition=0, offset=1, now=1.0
    ),
    "nobody": lambda progress, name: progress.observation(
        an_observation(name), partition=0, offset=1, now=1.0
    ),
    "rejected": lambda progress, name: progress.reject(a_reject(name), now=1.0),
    "near-copy": lambda progress, name: progress.found(a_near_copy(name)),
    "left out": lambda progress, name: progress.reject(left_out(name), now=1.0),
    "tried again": lambda progress, name: progress.expect(a_photo(name)),
    "forgotten": lambda progress, _: progress.forget(subject_digest("s"), 0),
}


@given(st.lists(st.tuples(st.sampled_from(sorted(EVENTS)), st.sampled_from("abc"))))
def test_counts_are_those_of_the_photos_whatever_came_in_whatever_order(
    events: list[tuple[str, str]],
) -> None:
    progress = Progress("r", "f")
    for event, name in events:
        EVENTS[event](progress, name)
    made = {"found": a_photo, "near-copy": a_near_copy}
    photos = {
        photo.key: photo for photo in (made[event](name) for event, name in events if event in made)
    }.values()
    assert progress.counts.found == len(photos)
    assert progress.counts.observed == sum(map(progress.is_observed, photos))
    assert progress.counts.rejected == sum(map(progress.is_rejected, photos))
    assert progress.counts.person == sum(seen.person for _, seen in progress.observed_photos)
