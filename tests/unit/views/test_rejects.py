"""The list of what is rejected: latest state of each photo, gone when it is observed."""

from __future__ import annotations

import random

import pytest
from support.references import reference

from avatarrig.views.rejects import StandingRejects, replayable, to_be_mended
from avatarrig.wire import Observation, Reject, record_key


def reject(
    name: str, at: float, reason: str = "crashed", *, run: str = "r", content_hash: str = "00"
) -> Reject:
    return Reject(
        reason=reason,
        message="m",
        attempts=3,
        rejected_at=at,
        reference=reference(
            f"{name}.jpg", image_id=f"{name}-1", content_hash=content_hash, run="r"
        ),
        run=run,
    )


def observation(name: str, at: float) -> Observation:
    return Observation(
        image_id=f"{name}-1",
        dataset="d",
        path=f"{name}.jpg",
        subject="s",
        content_hash="00",
        found_at=1.0,
        observed_at=at,
        fingerprint="f",
        width=1,
        height=1,
    )


def view(*records: Reject | Observation) -> StandingRejects:
    made = StandingRejects()
    for record in records:
        if isinstance(record, Reject):
            made.reject(record)
        else:
            made.observed((record.subject, record.image_id), record.observed_at)
    return made


def names(rejects: StandingRejects, **chosen: object) -> list[str]:
    return [photo.name for photo in rejects.standing(**chosen)]  # type: ignore[arg-type]


def test_the_latest_reject_of_a_photo_stands_first() -> None:
    rejects = view(reject("a", 1), reject("b", 2), reject("a", 3, "timed_out"))
    assert names(rejects) == ["a.jpg", "b.jpg"]
    assert rejects.standing()[0].latest.reason == "timed_out"
    assert rejects.standing()[0].times == 2


def test_an_observed_photo_leaves_the_list_and_comes_back_when_it_fails_again() -> None:
    assert names(view(reject("a", 1), observation("a", 2))) == []
    assert names(view(reject("a", 1), observation("a", 2), reject("a", 3))) == ["a.jpg"]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_topics_does_not_matter(seed: int) -> None:
    records: list[Reject | Observation] = [
        reject("a", 1),
        observation("a", 2),
        reject("b", 1),
        reject("b", 3),
        reject("c", 9),
    ]
    random.Random(seed).shuffle(records)
    assert names(view(*records)) == ["c.jpg", "b.jpg"]


def test_rejects_can_be_chosen_by_reason_time_and_run() -> None:
    rejects = view(reject("a", 1), reject("b", 2, "missing"), reject("c", 3, run="other"))
    assert names(rejects, reason="missing") == ["b.jpg"]
    assert names(rejects, since=2.0) == ["c.jpg", "b.jpg"]
    assert names(rejects, run="other") == ["c.jpg"]
    assert rejects.reasons == {"crashed": 2, "missing": 1}


def test_a_refused_message_is_listed_by_its_origin() -> None:
    refused = Reject(
        reason="malformed", message="m", attempts=1, rejected_at=1, origin="avatarrig.images[3]@7"
    )
    rejects = view(refused, reject("a", 2))
    assert names(rejects) == ["a.jpg", "avatarrig.images[3]@7"]
    assert [photo.name for photo in rejects.find("[3]@7")] == ["avatarrig.images[3]@7"]
    assert [photo.name for photo in rejects.find("a-1")] == ["a.jpg"]


def test_a_reject_that_is_told_twice_counts_once() -> None:
    rejects = StandingRejects()
    for at in (1, 2):
        rejects.reject(reject("a", at), key=b"the same")
    assert [photo.times for photo in rejects.standing()] == [1]


def test_a_reject_whose_record_was_deleted_is_gone() -> None:
    rejects = view(reject("a", 1), reject("a", 2), reject("b", 3))
    rejects.removed(record_key(reject("b", 3)))
    assert names(rejects) == ["a.jpg"]
    rejects.removed(record_key(reject("a", 2)))
    assert [photo.times for photo in rejects.standing()] == [1]


def test_what_is_rejected_of_one_subject_can_be_chosen() -> None:
    rejects = view(reject("a", 1))
    assert names(rejects, subject="s") == ["a.jpg"]
    assert names(rejects, subject="somebody else") == []


def test_photos_are_tried_again_as_those_of_the_run_that_rejected_them() -> None:
    refused = Reject(reason="malformed", message="m", attempts=1, rejected_at=1, origin="o")
    unread = reject("u", 1, "permission", content_hash="")
    rejected = reject("a", 2, run="its run")
    (again,) = replayable(view(rejected, refused, unread).standing(), now=9.0)
    assert (again.image_id, again.run, again.found_at) == ("a-1", "its run", 9.0)


def test_what_lies_at_a_path_by_now_takes_its_earlier_reject_off_the_list() -> None:
    copied = reject("a", 1.0, "changed", content_hash="00")
    view = StandingRejects()
    view.reject(copied)
    view.observed(("s", "a-2"), 2.0, "b.jpg")
    assert len(view.standing()) == 1
    view.observed(("t", "a-2"), 2.0, "a.jpg")
    assert len(view.standing()) == 1
    view.observed(("s", "a-2"), 2.0, "a.jpg")
    assert view.standing() == []
    assert not view.reasons
    view.reject(reject("a", 3.0, "crashed"))
    assert [photo.latest.reason for photo in view.standing()] == ["crashed"]


def test_near_copies_are_listed_behind_all_else() -> None:
    rejects = view(reject("a", 1), reject("b", 2, "near_copy"), reject("c", 3, "near_copy"))
    assert names(rejects) == ["a.jpg", "c.jpg", "b.jpg"]


def test_near_copies_by_the_thousand_hide_no_other_reject() -> None:
    rejects = StandingRejects(most=3)
    rejects.reject(reject("bad", 1))
    for number in range(9):
        rejects.reject(reject(str(number), 2 + number, "near_copy"))
    assert names(rejects) == ["bad.jpg", "8.jpg", "7.jpg"]
    assert rejects.reasons == {"crashed": 1, "near_copy": 9}


def test_with_near_copies_nothing_is_wrong_and_they_can_be_detected_all_the_same() -> None:
    listed = view(reject("a", 1), reject("b", 2, "near_copy")).standing()
    assert [photo.name for photo in to_be_mended(listed)] == ["a.jpg"]
    assert [photo.path for photo in replayable(listed, now=9.0)] == ["a.jpg", "b.jpg"]
