"""How the photos of a run shall stand, and what is published until they do."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.observed import observation
from support.references import reference

from avatarrig.photos.period import Period
from avatarrig.pipeline.decisions.standings import (
    Standings,
    departed,
    is_plausible,
    prunable,
    still_counted,
    wanted_standing,
)
from avatarrig.runs import (
    Decided,
    DecisionsFileError,
    Pictures,
    RunDirectory,
    read_decisions,
    write_decisions,
    write_observation,
)
from avatarrig.views.progress import Found, ObservedPhoto, Progress
from avatarrig.wire import Decision, Observation, Reject, decode
from avatarrig.wire.keys import PhotoKey
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.standings import AS_SEEN, COUNTS, ONLY_COPY

LEFT_OUT, GONE, DUPLICATE = Exclusion.ON_REQUEST, Exclusion.GONE, Exclusion.DUPLICATE
SUMMER = 1_562_000_000.0  # July 2019
AUTUMN = SUMMER + 80 * 86_400
PERIOD = Period(dt.date(2019, 7, 1), dt.date(2019, 7, 31))
RUN = "0123456789ab"
FACELESS: dict[str, Any] = {"face": None, "blendshapes": None}
"""A face is most of a file, and says nothing of how its photo stands."""
PHOTOS = [
    observation(number, run=RUN, content_hash=f"{number:064}", **FACELESS) for number in range(20)
]


class Sending:
    """Takes what is published; the broker may be away."""

    def __init__(self) -> None:
        self.sent: list[tuple[Decision, int]] = []
        self.failures: list[object] = []

    def send(self, topic: str, *, value: bytes, key: bytes, partition: int) -> Sending:
        assert topic == "avatarrig.observations"
        assert b"decision" in key
        self.sent.append((decode(value, Decision), partition))
        return self

    def add_errback(self, failed: object) -> None:
        self.failures.append(failed)


def seen(**fields: Any) -> ObservedPhoto:
    return ObservedPhoto(
        **({"partition": 0, "offset": 0, "person": True, "excluded": None} | fields)
    )


@pytest.mark.parametrize(
    ("is_copy", "observed", "by_hand", "wanted"),
    [
        (False, {}, None, AS_SEEN),
        (False, {}, LEFT_OUT, LEFT_OUT),
        (False, {"standing": LEFT_OUT}, AS_SEEN, AS_SEEN),
        (False, {"standing": LEFT_OUT}, None, LEFT_OUT),
        (False, {"standing": GONE}, None, AS_SEEN),
        (False, {"is_copy": True}, None, ONLY_COPY),
        (True, {"is_copy": True}, None, AS_SEEN),
        (True, {}, None, DUPLICATE),
        (True, {"standing": DUPLICATE}, COUNTS, COUNTS),
        (False, {"captured_at": SUMMER}, None, AS_SEEN),
        (False, {"captured_at": AUTUMN}, None, Exclusion.OUT_OF_PERIOD),
        (False, {"captured_at": AUTUMN}, COUNTS, COUNTS),
        (False, {"captured_at": SUMMER, "is_copy": True}, None, ONLY_COPY),
        (False, {"captured_at": AUTUMN, "is_copy": True}, None, Exclusion.OUT_OF_PERIOD),
    ],
)
def test_what_was_decided_goes_before_what_is_there(
    is_copy: object, observed: dict[str, object], by_hand: str | None, wanted: str
) -> None:
    period = PERIOD if "captured_at" in observed else Period()
    standing = wanted_standing(seen(**observed), by_hand, is_copy=bool(is_copy), period=period)
    assert standing == wanted


def test_a_period_holds_its_first_and_its_last_day_and_no_photo_without_a_time() -> None:
    first = dt.datetime(2019, 7, 1, tzinfo=dt.UTC).timestamp()
    assert PERIOD.holds(first)
    assert not PERIOD.holds(first - 1)
    assert PERIOD.holds(first + 31 * 86_400 - 1)
    assert not PERIOD.holds(first + 31 * 86_400)
    assert not PERIOD.holds(None)
    assert Period().holds(None)
    assert Period(since=dt.date(2019, 1, 1)).holds(SUMMER)
    assert not Period(until=dt.date(2019, 1, 1)).holds(SUMMER)


class Run:
    """A run directory, what the topics say, and what is published."""

    def __init__(
        self, folder: Path, *, there: list[Observation], seen: list[Observation] = PHOTOS
    ) -> None:
        self.directory = RunDirectory(folder)
        self.progress = Progress(RUN, PHOTOS[0].fingerprint)
        self.broker = Sending()
        self.on_topic: dict[PhotoKey, Observation] = {}
        for offset, photo in enumerate(seen):
            write_observation(self.directory, photo, Pictures())
            self.progress.observation(photo, offset % 2, offset, now=0.0)
        for photo in there:
            self.progress.found(Found(photo.image_id, photo.path, photo.subject))

    def standings(self, *, prune: object = False, by_hand: tuple[Decided, ...] = ()) -> Standings:
        return Standings(
            self.directory,
            self.progress,
            self.broker,
            fingerprint=PHOTOS[0].fingerprint,
            decisions={decided.key: decided for decided in by_hand},
            prune=prune,  # type: ignore[arg-type]
            restore=lambda key, _: self.on_topic.get(key),
        )

    def add(self, photo: Observation, offset: int, *, path: str = "") -> None:
        """Has one more photo observed that lies in the dataset."""
        write_observation(self.directory, photo, Pictures())
        self.progress.observation(photo, 0, offset, now=0.0)
        self.progress.found(Found(photo.image_id, path or photo.path, photo.subject))

    def published(self) -> dict[str, str]:
        """Photo to how it shall stand."""
        sent = [decision for decision, _ in self.broker.sent]
        return {name: decision.standing for decision in sent for name in decision.image_ids}

    def hear(self) -> None:
        """Has the progress read what was published."""
        for offset, (decision, partition) in enumerate(self.broker.sent, 100):
            self.progress.decision(decision, partition, offset)


def by_hand(photo: Observation, standing: str) -> Decided:
    return Decided(
        image_id=photo.image_id, subject=photo.subject, path=photo.path, standing=standing
    )


def a_decision(photo: Observation, standing: str) -> Decision:
    return Decision(
        subject=photo.subject,
        image_ids=(photo.image_id,),
        standing=standing,
        decided_at=1.0,
        observed=(photo,),
    )


def test_what_is_missing_is_published_once_and_heard(tmp_path: Path) -> None:
    run = Run(tmp_path, there=PHOTOS)
    standings = run.standings(by_hand=tuple(by_hand(photo, LEFT_OUT) for photo in PHOTOS[:3]))
    assert not standings.settle()
    assert not standings.settle()
    sent = [name for decision, _ in run.broker.sent for name in decision.image_ids]
    assert sorted(sent) == sorted(photo.image_id for photo in PHOTOS[:3])
    assert {partition for _, partition in run.broker.sent} == {0, 1}
    for decision, _ in run.broker.sent:
        assert {brought.face for brought in decision.observed} == {None}
    run.hear()
    assert standings.settle()
    assert run.progress.excluded[LEFT_OUT] == 3
    assert not run.progress.estimates_complete


def test_what_the_broker_did_not_take_is_published_again(tmp_path: Path) -> None:
    run = Run(tmp_path, there=PHOTOS)
    standings = run.standings(by_hand=(by_hand(PHOTOS[0], LEFT_OUT),))
    standings.settle()
    run.broker.failures[0](OSError())  # type: ignore[operator]
    standings.settle()
    assert len(run.broker.sent) == 2


def test_a_photo_whose_file_is_away_holds_nobody_up(tmp_path: Path) -> None:
    run = Run(tmp_path, there=PHOTOS)
    run.directory.observation(PHOTOS[0].image_id).unlink()
    standings = run.standings(by_hand=(by_hand(PHOTOS[0], LEFT_OUT),))
    standings.settle()
    assert standings.settle()
    assert run.broker.sent == []


@pytest.mark.parametrize(
    ("gone", "prune", "published"),
    [(0, False, 0), (2, False, 2), (3, False, 0), (3, True, 3), (2, None, 0), (19, True, 19)],
)
def test_photos_that_are_gone_stop_counting_unless_they_are_too_many(
    tmp_path: Path, gone: int, prune: object, published: int
) -> None:
    run = Run(tmp_path, there=PHOTOS[gone:])
    run.standings(prune=prune).settle()
    decided = [name for decision, _ in run.broker.sent for name in decision.image_ids]
    assert len(decided) == published
    assert {decision.standing for decision, _ in run.broker.sent} <= {GONE}
    assert is_plausible(run.progress, departed(run.progress)) == (gone <= 2)


@pytest.mark.parametrize("prune", [False, None])
def test_newer_versions_of_files_take_the_older_ones_out_however_many(
    tmp_path: Path, prune: object
) -> None:
    run = Run(tmp_path, there=[])
    for offset, photo in enumerate(PHOTOS, 50):
        newer = msgspec.structs.replace(photo, image_id=f"{photo.image_id}-rated")
        write_observation(run.directory, newer, Pictures())
        run.progress.observation(newer, 0, offset, now=0.0)
        run.progress.found(Found(newer.image_id, newer.path, newer.subject))
    standings = run.standings(prune=prune)
    standings.settle()
    decided = {name for decision, _ in run.broker.sent for name in decision.image_ids}
    assert decided == {photo.image_id for photo in PHOTOS}
    assert {decision.standing for decision, _ in run.broker.sent} == {GONE}
    run.hear()
    assert standings.settle()


def test_photos_that_moved_to_another_person_are_no_loss(tmp_path: Path) -> None:
    run = Run(tmp_path, there=PHOTOS[5:])
    for offset, photo in enumerate(PHOTOS[:5], 50):
        moved = msgspec.structs.replace(photo, image_id=f"{photo.image_id}-moved", subject="bert")
        run.progress.observation(moved, 0, offset, now=0.0)
        run.progress.found(Found(moved.image_id, f"bert/{moved.path}", moved.subject))
    run.standings().settle()
    decided = {name for decision, _ in run.broker.sent for name in decision.image_ids}
    assert decided == {photo.image_id for photo in PHOTOS[:5]}


def test_a_photo_saved_anew_with_the_same_pixels_counts_once(tmp_path: Path) -> None:
    pixels = ["a", "b", "a", "", "", "a"]
    run = Run(tmp_path, there=[])
    run.progress = Progress(RUN, PHOTOS[0].fingerprint)
    photos = [
        msgspec.structs.replace(photo, pixels=same, subject="bert" if number == 5 else "anna")
        for number, (photo, same) in enumerate(zip(PHOTOS, pixels, strict=False))
    ]
    for offset, photo in enumerate(photos):
        write_observation(run.directory, photo, Pictures())
        run.progress.observation(photo, 0, offset, now=0.0)
        run.progress.found(Found(photo.image_id, photo.path, photo.subject))
    standings = run.standings()
    standings.settle()
    decided = [(decision.image_ids, decision.standing) for decision, _ in run.broker.sent]
    assert decided == [((photos[2].image_id,), DUPLICATE)]
    run.hear()
    assert standings.settle()


def test_decisions_are_kept_in_a_file_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    assert read_decisions(run) == {}
    kept = [by_hand(photo, LEFT_OUT) for photo in PHOTOS[:3]]
    write_decisions(run, reversed(kept))
    assert list(read_decisions(run).values()) == sorted(kept, key=lambda decided: decided.path)
    run.decisions.write_bytes(b"{")
    with pytest.raises(DecisionsFileError, match=r"decisions\.json is damaged"):
        read_decisions(run)


def test_what_others_decided_about_a_photo_of_another_run_is_left_alone(tmp_path: Path) -> None:
    strangers = [msgspec.structs.replace(photo, run="another") for photo in PHOTOS]
    progress = Progress(RUN, PHOTOS[0].fingerprint)
    for offset, photo in enumerate(strangers):
        progress.observation(photo, 0, offset, now=0.0)
    progress.found(Found(PHOTOS[0].image_id, PHOTOS[0].path, "anna"))
    assert departed(progress) == {}
    assert prunable(progress, {}) == {}
    assert still_counted(progress, {}) == 0


def test_only_what_pruning_would_change_is_asked_about(tmp_path: Path) -> None:
    run = Run(tmp_path, there=PHOTOS[10:])
    excluded, undone, elsewhere, *others = PHOTOS[:10]
    run.progress.observation(
        msgspec.structs.replace(undone, image_id="unlisted", path="away/1.jpg"), 0, 50, now=0.0
    )
    folder = msgspec.structs.replace(reference("away"), subject=undone.subject)
    run.progress.found(Found(folder.image_id, folder.path, folder.subject))
    refusal = Reject(
        reason="unreadable",
        message="it cannot be listed",
        attempts=1,
        rejected_at=0.0,
        reference=folder,
        run=RUN,
    )
    run.progress.reject(refusal, now=0.0)
    left_out = Decision(
        subject=elsewhere.subject,
        image_ids=(elsewhere.image_id,),
        standing=LEFT_OUT,
        decided_at=0,
        observed=(elsewhere,),
    )
    run.progress.decision(left_out, 0, 60)
    decided = (by_hand(excluded, LEFT_OUT), by_hand(undone, AS_SEEN))
    decisions = {one.key: one for one in decided}

    asked = prunable(run.progress, decisions)
    assert {name for _, name in asked} == {photo.image_id for photo in (undone, *others)}
    run.standings(prune=True, by_hand=decided).settle()
    run.hear()
    assert still_counted(run.progress, decisions) == 0


def test_a_photo_without_a_person_that_is_gone_is_asked_about_by_nobody(tmp_path: Path) -> None:
    run = Run(tmp_path, there=PHOTOS[10:])
    before = still_counted(run.progress, {})
    run.progress.observation(observation(90, run=RUN, pose=None, evidence=None), 0, 90, now=0.0)
    assert before == still_counted(run.progress, {}) > 0


@pytest.mark.parametrize("prune", [True, False, None])
@pytest.mark.parametrize("standing", [COUNTS, LEFT_OUT])
def test_what_was_decided_on_the_page_holds_for_a_photo_that_is_gone(
    tmp_path: Path, prune: object, standing: str
) -> None:
    run = Run(tmp_path, there=PHOTOS[1:])
    decided = Decision(
        subject=PHOTOS[0].subject,
        image_ids=(PHOTOS[0].image_id,),
        standing=standing,
        decided_at=0,
        observed=(PHOTOS[0],),
    )
    run.progress.decision(decided, 0, 60)
    assert run.standings(prune=prune).settle()
    assert run.broker.sent == []


def test_what_is_decided_in_the_file_about_photos_that_are_gone_reaches_the_topics(
    tmp_path: Path,
) -> None:
    """Too many are gone, so that they go on counting; nobody shall count who was left out."""
    run = Run(tmp_path, there=PHOTOS[10:])
    left_out, undone = PHOTOS[:2]
    decisions = (by_hand(left_out, LEFT_OUT), by_hand(undone, AS_SEEN))
    standings = run.standings(by_hand=decisions)
    assert not standings.settle()
    assert run.published() == {left_out.image_id: LEFT_OUT}
    run.hear()
    assert standings.settle()
    assert still_counted(run.progress, {one.key: one for one in decisions}) == sum(
        seen.excluded is None for seen in run.progress.gone.values()
    )


def test_a_departed_photo_whose_file_is_away_is_read_from_the_topic(tmp_path: Path) -> None:
    run = Run(tmp_path, there=PHOTOS[2:])
    for photo in PHOTOS[:2]:
        run.directory.observation(photo.image_id).unlink()
    run.on_topic[PHOTOS[0].subject, PHOTOS[0].image_id] = PHOTOS[0]
    standings = run.standings(prune=True)
    standings.settle()
    assert run.published() == {PHOTOS[0].image_id: GONE}
    run.hear()
    assert standings.settle()


@pytest.mark.parametrize("standing", [LEFT_OUT, Exclusion.SOMEBODY_ELSE, COUNTS])
@pytest.mark.parametrize("same", ["content_hash", "pixels"])
@pytest.mark.parametrize("path", ["", "sorted/away.jpg"])
@pytest.mark.parametrize("by_topic", [False, True])
def test_what_was_decided_of_a_picture_holds_where_its_file_is_another(
    tmp_path: Path, standing: str, same: str, path: str, *, by_topic: bool
) -> None:
    """A photo that was left out, in the run or by a service, and then changed, is left out."""
    old = msgspec.structs.replace(PHOTOS[0], pixels="same")
    few = PHOTOS[:5]
    run = Run(tmp_path, there=few[1:], seen=few)
    run.progress = Progress(RUN, old.fingerprint)
    run.progress.observation(old, 0, 0, now=0.0)
    if by_topic:
        run.progress.decision(a_decision(old, standing), 0, 1)
    changed = {"content_hash": "f" * 64} if same == "pixels" else {"pixels": "others"}
    newer = msgspec.structs.replace(
        old, image_id=f"{old.image_id}-newer", path=path or old.path, **changed
    )
    run.add(newer, 50)
    for number, other in enumerate(few[1:], 51):
        run.add(other, number)
    standings = run.standings(by_hand=() if by_topic else (by_hand(old, standing),))
    standings.settle()
    assert run.published()[newer.image_id] == standing
    run.hear()
    assert standings.settle()
    counting = {key for key, seen in run.progress.gone.items() if seen.standing == COUNTS}
    assert counting == set() or same == "pixels"  # moved and rated at once it is just gone


def test_frames_of_a_clip_are_each_decided_about_alone(tmp_path: Path) -> None:
    run = Run(tmp_path, there=[])
    frames = [
        msgspec.structs.replace(photo, path=f"a.mp4#t={number}", content_hash="c" * 64)
        for number, photo in enumerate(PHOTOS[:3])
    ]
    run.progress = Progress(RUN, PHOTOS[0].fingerprint)
    for offset, frame in enumerate(frames):
        run.progress.observation(frame, 0, offset, now=0.0)
        moved = msgspec.structs.replace(
            frame, image_id=f"{frame.image_id}-moved", path=f"b/{frame.path}"
        )
        run.add(moved, 50 + offset)
    run.standings(by_hand=(by_hand(frames[1], LEFT_OUT),)).settle()
    left_out = {name for name, standing in run.published().items() if standing == LEFT_OUT}
    assert left_out == {frames[1].image_id, f"{frames[1].image_id}-moved"}
