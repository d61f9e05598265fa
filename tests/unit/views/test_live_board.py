"""What a watcher is shown: the latest, a history that fits, and never more than fits."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.body import estimates
from support.kafka_parts.groups import detectors
from support.observed import observation
from support.references import reference
from support.wire.sightings import sighted

from avatarrig.kafka.reading import Message
from avatarrig.views import SIGHTINGS, Board, Sighting
from avatarrig.views.board import MOST_PHOTOS, MOST_STANDINGS, Bounds, News
from avatarrig.views.sighting import Origin
from avatarrig.views.stream import RATE_SECONDS, Rate
from avatarrig.views.thinning import MOST_NOTES, thin_out
from avatarrig.wire import (
    Decision,
    Departed,
    Forget,
    HistoryRecord,
    RecordRefusedError,
    Reject,
    SkeletonRecord,
    encode,
)
from avatarrig.wire.channels import REJECTED
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.keys import departed_key
from avatarrig.wire.topics import REJECTS

NOW = 1.76e9
MOST_SUBJECTS = Bounds().subjects or 0
MOST_REJECTS = Bounds().rejects or 0


def skeleton(subject: str = "anna", at: float = NOW, fingerprint: str = "f") -> SkeletonRecord:
    return estimates.skeleton(subject=subject, fingerprint=fingerprint, estimated_at=at)


def note(used: int, at: float, fingerprint: str = "f") -> HistoryRecord:
    return HistoryRecord(
        subject="anna",
        fingerprint=fingerprint,
        estimated_at=at,
        observations=used,
        used=used,
        ratios={},
    )


def sighting(number: int, at: float = NOW, subject: str = "anna") -> Sighting:
    return sighted(encode(observation(number, subject, observed_at=at)))


def reject(number: int, reason: str = "crashed", at: float = NOW) -> Reject:
    return Reject(
        reason=reason,
        message="m",
        attempts=3,
        rejected_at=at,
        reference=reference(f"photo-{number}.jpg", subject="anna"),
    )


def test_photos_that_are_gone_and_go_on_counting_are_told_until_that_is_over() -> None:
    board = Board()

    def take(value: bytes | None) -> list[str]:
        record = None if value is None else REJECTED.decode(value)
        key = departed_key("my\0photos")
        board.take([Message(REJECTS, 0, 0, NOW, key, record)])
        return board.snapshot().gone

    for photos in (37, 38):
        (told,) = take(encode(Departed(dataset="my\0photos", photos=photos, noted_at=NOW)))
        assert told.startswith(f"{photos} photos of my\0photos are gone")
    assert board.snapshot().rejected == 0
    assert take(None) == []


def test_an_observation_is_read_in_short() -> None:
    seen = observation(3)
    short = SIGHTINGS.decode(encode(seen))
    assert seen.evidence is not None
    told = {name: getattr(seen, name) for name in Sighting.__struct_fields__}
    assert short == Sighting(**told | {"evidence": Origin(seen.evidence.learned)})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "counts"),
        ({"ambiguous": True}, "does not count: several people, and no telling who is meant"),
        ({"pose": None}, "does not count: nobody was found in the photo"),
        ({"evidence": None}, "does not count: the landmarks say nothing about bone lengths"),
        (
            {"meta": {"pose_inmask_ratio": 0.1}},
            "does not count: the pose does not lie on the person",
        ),
    ],
)
def test_a_photo_says_whether_it_counts_and_why_not(changes: dict[str, Any], words: str) -> None:
    assert sighted(encode(observation(3, **changes))).verdict == words


def decision(standing: str, at: float, number: int = 7) -> Decision:
    return Decision(
        subject="anna", image_ids=(f"photo-{number}",), standing=standing, decided_at=at
    )


@pytest.mark.parametrize("first", ["photo", "decision"])
def test_what_was_decided_about_a_photo_is_told_of_it(first: str) -> None:
    board = Board()
    news: list[News] = [sighting(7), decision("left_out", NOW + 1)]
    for each in news if first == "photo" else reversed(news):
        board.note(each)
    seen = board.snapshot()
    photos = [seen.last_photo, seen.subjects["anna"].posed, *seen.subjects["anna"].photos]
    assert {photo and photo.verdict for photo in photos} == {"does not count: left out on request"}
    board.note(decision("", NOW + 2))
    board.note(decision("left_out", NOW + 1))  # of another partition, read late
    last = board.snapshot().last_photo
    assert last is not None
    assert last.verdict == "counts"


def test_so_many_decisions_are_kept_and_no_more() -> None:
    board = Board()
    board.note(sighting(7))
    for number in range(7, MOST_STANDINGS + 8):
        board.note(decision("left_out", NOW + number, number))
    last = board.snapshot().last_photo
    assert last is not None
    assert last.verdict == "counts", "the oldest decision is forgotten"


@pytest.mark.parametrize("data", [None, b"", b"garbage", b"\x80", b"x" * 2_000_000])
def test_what_is_no_observation_is_refused(data: bytes | None) -> None:
    with pytest.raises(RecordRefusedError):
        SIGHTINGS.decode(data)


def test_a_pose_that_does_not_fit_is_refused() -> None:
    seen = observation(1)
    assert seen.pose is not None
    cut = msgspec.structs.replace(seen.pose, data=seen.pose.data[:-4])
    with pytest.raises(RecordRefusedError, match="pose"):
        SIGHTINGS.decode(encode(msgspec.structs.replace(seen, pose=cut)))


def test_an_older_estimate_does_not_replace_a_newer_one() -> None:
    board = Board()
    for at in (2.0, 3.0, 1.0):
        board.note(skeleton(at=at))
    record = board.snapshot().subjects["anna"].record
    assert record is not None
    assert record.estimated_at == 3.0


def test_the_history_is_that_of_the_latest_detector() -> None:
    board = Board()
    for used, at, fingerprint in ((1, 1.0, "old"), (2, 2.0, "old"), (1, 3.0, "new")):
        board.note(note(used, at, fingerprint))
    board.note(skeleton(at=2.0, fingerprint="old"))
    board.note(skeleton(at=3.0, fingerprint="new"))
    subject = board.snapshot().subjects["anna"]
    assert [kept.fingerprint for kept in subject.notes] == ["new"]
    assert subject.fingerprints == {"old", "new"}


def test_a_note_that_comes_twice_is_kept_once() -> None:
    board = Board()
    for at in (1.0, 2.0, 1.0, 2.0, 3.0):
        board.note(note(5, at))
    notes = board.snapshot().subjects["anna"].notes
    assert [kept.estimated_at for kept in notes] == [1.0, 2.0, 3.0]


def test_a_long_history_keeps_its_ends_and_its_shape() -> None:
    board = Board()
    for number in range(6_000):
        board.note(note(number + 1, NOW + number))
        assert len(board.snapshot().subjects["anna"].notes) <= MOST_NOTES
    kept = board.snapshot().subjects["anna"].notes
    assert (kept[0].used, kept[-1].used) == (1, 6_000)
    widest = max(
        after.estimated_at - before.estimated_at for before, after in itertools.pairwise(kept)
    )
    assert widest < 6_000 / 20, "no gap that a chart would show"
    assert sum(each.used <= 100 for each in kept) >= 20, "how it firmed up is still to be seen"


@given(st.lists(st.tuples(st.floats(0, 1e10), st.integers(0, 10**9)), min_size=1, max_size=500))
def test_thinning_keeps_order_and_fits(points: list[tuple[float, int]]) -> None:
    notes = [note(used, at) for at, used in sorted(points)]
    kept = thin_out(notes)
    assert kept[0] is notes[0]
    assert kept[-1] is notes[-1]
    assert len(kept) <= MOST_NOTES // 2 + 5
    assert [each.estimated_at for each in kept] == sorted(each.estimated_at for each in kept)


def test_the_latest_photos_are_kept_and_the_latest_pose() -> None:
    board = Board()
    for number in range(30):
        board.note(sighting(number, NOW + number))
    nobody = msgspec.structs.replace(sighting(99, NOW + 99), pose=None)
    board.note(nobody)
    subject = board.snapshot().subjects["anna"]
    assert len(subject.photos) == MOST_PHOTOS
    assert subject.photos[-1] == nobody == board.snapshot().last_photo
    assert subject.posed is not None
    assert subject.posed.image_id == "photo-29"


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_latest_is_the_latest_whatever_partition_is_read_first(order: tuple[int, ...]) -> None:
    board = Board()
    for number in order:
        board.note(sighting(number, NOW + number))
    subject = board.snapshot().subjects["anna"]
    assert [photo.image_id for photo in subject.photos] == ["photo-0", "photo-1", "photo-2"]
    assert subject.posed is not None
    assert subject.posed.image_id == "photo-2"


def test_of_too_many_subjects_those_that_changed_last_are_kept() -> None:
    board = Board()
    board.note(skeleton("first"))
    for number in range(MOST_SUBJECTS - 1):
        board.note(skeleton(f"s{number}"))
    board.note(skeleton("first"))
    board.note(skeleton("one more"))
    assert len(board.snapshot().subjects) == MOST_SUBJECTS
    assert {"first", "one more"} <= set(board.snapshot().subjects)
    assert "s0" not in board.snapshot().subjects


def test_rejects_are_counted_by_reason_each_photo_once() -> None:
    board = Board()
    for number, reason in ((1, "crashed"), (2, "crashed"), (3, "too_large"), (1, "crashed")):
        board.note(reject(number, reason))
    assert board.snapshot().reasons == {"crashed": 2, "too_large": 1}
    board.note(sighting(2, NOW + 1))
    assert board.snapshot().reasons == {"crashed": 1, "too_large": 1}, "it was seen after all"
    board.note(sighting(3, NOW - 1))
    assert board.snapshot().reasons["too_large"] == 1, "seen before it was set aside"


def test_of_too_many_rejects_the_latest_are_listed_and_all_are_counted() -> None:
    board = Board()
    for number in range(MOST_REJECTS + 50):
        board.note(reject(number, at=NOW + number))
    assert board.snapshot().reasons["crashed"] == MOST_REJECTS + 50
    assert [each.latest.rejected_at for each in board.snapshot().rejects[:2]] == [
        NOW + MOST_REJECTS + 49,
        NOW + MOST_REJECTS + 48,
    ]


def test_made_up_reasons_cannot_grow_without_end() -> None:
    board = Board()
    for number in range(500):
        board.note(reject(number, reason=f"reason {number} {'x' * 1000}"))
    assert len(board.snapshot().reasons) <= 51
    assert max(len(reason) for reason in board.snapshot().reasons) <= 40
    assert board.snapshot().rejected == 500


def test_the_rate_is_that_of_the_last_seconds() -> None:
    rate = Rate()
    for second in range(100):
        for _ in range(4):
            rate.count(NOW + second + 0.5)
    assert rate.per_second(NOW + 100) == 4
    assert rate.per_second(NOW + 100 + RATE_SECONDS) == 0


def test_the_rate_does_not_mind_the_order() -> None:
    rate = Rate()
    for second in (3, 1, 2, 3, 1, 0, 9):
        rate.count(NOW + second)
    assert rate.per_second(NOW + 10) == pytest.approx(0.7)


def test_every_change_can_be_noticed() -> None:
    board = Board()
    versions = [board.version]
    for news in (skeleton(), note(1, NOW), sighting(1), reject(1)):
        board.note(news)
        versions.append(board.version)
    board.groups([detectors(members=1, waiting=3)])
    versions.append(board.version)
    assert versions == sorted(set(versions))
    seen = board.snapshot()
    board.groups([detectors(members=1, waiting=3)])
    assert board.snapshot() is seen, "nothing new"


def test_a_subject_that_is_forgotten_is_gone_and_does_not_come_back_by_old_records() -> None:
    board = Board()
    everything: list[News] = [skeleton(), note(1, NOW), sighting(1), reject(1)]
    for news in (*everything, skeleton("ben")):
        board.note(news)
    board.note(Forget(forget=subject_digest("anna"), forgotten_at=NOW + 1))
    for news in everything[:3]:
        board.note(news)
    assert set(board.snapshot().subjects) == {"ben"}
    assert board.snapshot().last_photo is None
    assert not board.snapshot().reasons
    assert not board.snapshot().rejects
    board.note(sighting(2, NOW + 2))
    assert "anna" in board.snapshot().subjects, "photos that come later are new"
