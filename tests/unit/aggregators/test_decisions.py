"""Photos that somebody takes out of the estimate, and brings back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from support.observed import observation

from aggregators.partitions import decisions
from aggregators.partitions.keys import DECIDED, decided_key, kind_of
from aggregators.partitions.tallying import ObservedPartition
from avatarrig.body.evidence.counting import Counted, Excluded, judge
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.refused import StateRefusedError
from avatarrig.body.sums.tally import Tally
from avatarrig.wire import Decision, Forget, Observation, encode
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.standings import AS_SEEN, COUNTS, ONLY_COPY, as_decided

LEFT_OUT, GONE = Exclusion.ON_REQUEST, Exclusion.GONE
LEARNED = load_learned("full").version
FINGERPRINT = "0123456789abcdef"
SERIES = ("anna", FINGERPRINT)


class Told:
    """A partition that is told one thing after the other."""

    def __init__(self, *records: Observation | Decision | Forget) -> None:
        self.partition = ObservedPartition(0, LEARNED)
        self.tell(*records)

    def tell(self, *records: Observation | Decision | Forget) -> None:
        for record in records:
            self.partition.take([(self.partition.intake.next_offset, encode(record))])
        assert self.partition.intake.take_rejections() == []

    def tally(self, series: tuple[str, str] = SERIES) -> Tally:
        return Tally.from_bytes(self.partition.update(series).tally)


def decided(standing: str, *photos: Observation, names: tuple[str, ...] = ()) -> Decision:
    return Decision(
        subject="anna",
        image_ids=tuple(photo.image_id for photo in photos) + names,
        standing=standing,
        decided_at=1.0,
        observed=photos,
    )


def tally_of(*photos: Observation) -> Tally:
    total = Tally.empty()
    for photo in photos:
        total.add(photo)
    return total


TELLING = [photo for photo in map(observation, range(20)) if photo.evidence is not None]
PHOTOS, STRANGER = TELLING[:5], TELLING[5]
ONE, *OTHERS = PHOTOS


def estimated(tally: Tally) -> list[Any]:
    return tally.everything().pack()


def test_a_photo_left_out_leaves_the_evidence_of_the_others_alone() -> None:
    told = Told(*PHOTOS, decided(LEFT_OUT, ONE))
    assert estimated(told.tally()) == estimated(tally_of(*OTHERS))
    assert told.tally().excluded == {LEFT_OUT: 1}
    assert told.tally().observations == len(PHOTOS)


def test_brought_back_the_tally_is_that_of_before_bit_for_bit() -> None:
    told = Told(*PHOTOS)
    before = told.tally().to_bytes()
    for standing in (LEFT_OUT, GONE, LEFT_OUT, AS_SEEN):
        told.tell(decided(standing, ONE))
    assert told.tally().to_bytes() == before


def test_saying_it_twice_changes_nothing() -> None:
    told = Told(*PHOTOS, decided(LEFT_OUT, ONE))
    once = told.tally().to_bytes()
    told.tell(decided(LEFT_OUT, ONE))
    assert told.tally().to_bytes() == once


def test_the_order_of_a_photo_and_of_what_is_decided_about_it_does_not_matter() -> None:
    before = Told(decided(LEFT_OUT, names=(ONE.image_id,)), *PHOTOS)
    after = Told(*PHOTOS, decided(LEFT_OUT, ONE))
    assert before.tally().to_bytes() == after.tally().to_bytes()


def test_a_new_detection_of_a_photo_that_is_left_out_does_not_count() -> None:
    anew = [msgspec.structs.replace(photo, fingerprint="another") for photo in PHOTOS]
    told = Told(*PHOTOS, decided(LEFT_OUT, ONE), *anew)
    assert estimated(told.tally(("anna", "another"))) == estimated(tally_of(*OTHERS))


def test_what_a_decision_does_not_bring_along_stands_as_it_stood() -> None:
    """Somebody observed the photo while it was being decided about: the next one settles it."""
    told = Told(*PHOTOS, decided(LEFT_OUT, names=(ONE.image_id,)))
    assert told.tally().to_bytes() == tally_of(*PHOTOS).to_bytes()
    told.tell(decided(LEFT_OUT, ONE))
    assert estimated(told.tally()) == estimated(tally_of(*OTHERS))


def test_who_is_forgotten_takes_what_was_decided_along() -> None:
    forget = Forget(forget=subject_digest("anna"), forgotten_at=1.0)
    told = Told(*PHOTOS, decided(LEFT_OUT, ONE), forget, *PHOTOS)
    assert told.tally().to_bytes() == tally_of(*PHOTOS).to_bytes()


def test_a_decision_about_a_photo_that_was_never_seen_is_no_photo() -> None:
    told = Told(decided(LEFT_OUT, ONE))
    assert not told.partition.has(SERIES)


def test_a_photo_that_was_counted_otherwise_is_refused_and_nobody_waits_for_ever() -> None:
    told = Told(ONE)
    stranger = msgspec.structs.replace(STRANGER, image_id=ONE.image_id)
    told.partition.take([(1, encode(decided(LEFT_OUT, stranger)))])
    assert [refusal.reason for refusal in told.partition.intake.take_rejections()] == ["evidence"]
    assert told.tally().to_bytes() == tally_of(ONE).to_bytes()
    assert told.partition.newest(SERIES) == 1


@pytest.mark.parametrize("standing", [LEFT_OUT, GONE, "a reason of a later version"])
def test_a_photo_does_not_count_for_the_reason_that_was_given(standing: str) -> None:
    reason = {each.value: each for each in Exclusion}.get(standing, Exclusion.ON_REQUEST)
    assert judge(as_decided(ONE, standing)) == Excluded(reason)


@pytest.mark.parametrize(
    ("changes", "as_seen", "counting"),
    [
        ({"excluded": Exclusion.UNSURE.words}, Exclusion.UNSURE, None),
        ({"ambiguous": True}, Exclusion.AMBIGUOUS, None),
        ({"excluded": "duplicate of photo-9"}, Exclusion.DUPLICATE, Exclusion.DUPLICATE),
        ({"pose": None}, Exclusion.NO_PERSON, Exclusion.NO_PERSON),
    ],
    ids=["unsure", "several people", "a duplicate", "nobody"],
)
def test_who_is_meant_can_be_decided_and_no_more(
    changes: dict[str, object], as_seen: Exclusion, counting: Exclusion | None
) -> None:
    seen = msgspec.structs.replace(ONE, **changes)
    assert judge(seen) == Excluded(as_seen)
    verdict = judge(as_decided(seen, COUNTS))
    assert isinstance(verdict, Counted) if counting is None else verdict == Excluded(counting)
    assert as_decided(seen, AS_SEEN) is seen


def test_a_copy_counts_where_the_photo_is_gone() -> None:
    copy = msgspec.structs.replace(ONE, excluded="duplicate of photo-9")
    assert isinstance(judge(as_decided(copy, ONLY_COPY)), Counted)
    stranger = msgspec.structs.replace(ONE, excluded=Exclusion.SOMEBODY_ELSE.words)
    assert judge(as_decided(stranger, ONLY_COPY)) == Excluded(Exclusion.SOMEBODY_ELSE)


def test_a_table_that_says_of_a_photo_nothing_is_refused() -> None:
    """What was decided is then read again from the topic."""
    nothing = {1: ()}
    items = [(decided_key(0, 1, "digest"), msgspec.msgpack.encode(nothing))]
    with pytest.raises(StateRefusedError, match="damaged"):
        ObservedPartition.recover(0, LEARNED, items)


def many(first: int, last: int) -> tuple[str, ...]:
    return tuple(f"photo-{number}" for number in range(first, last))


def entries(partition: ObservedPartition) -> dict[bytes, bytes]:
    """What a table holds of a partition, all that was told so far."""
    checkpoint = partition.take_checkpoint()
    held = {key: value for key, value in checkpoint.entries if value is not None}
    return held | {checkpoint.marker[0]: checkpoint.marker[1]}


def test_ever_so_many_decided_photos_fit_into_entries_that_kafka_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decisions, "FULL_BYTES", 200)
    told, seen = Told(), PHOTOS[0]
    for start in range(0, 900, 300):
        told.tell(decided(GONE, names=many(start, start + 300)))
    table = entries(told.partition)
    kept = {key: value for key, value in table.items() if kind_of(key) == DECIDED}
    assert len(kept) > decisions.PAGES
    assert max(map(len, kept.values())) < 300
    again = ObservedPartition.recover(0, LEARNED, table.items())
    for partition in (told.partition, again):
        for number in (0, 1, 450, 899):
            photo = msgspec.structs.replace(seen, image_id=f"photo-{number}")
            partition.take([(partition.intake.next_offset, encode(photo))])
        here = msgspec.structs.replace(seen, image_id="photo-900")
        partition.take([(partition.intake.next_offset, encode(here))])
        assert Tally.from_bytes(partition.update(SERIES).tally).used == 1
    assert again.update(SERIES) == told.partition.update(SERIES)


def test_what_a_cut_off_save_kept_of_many_entries_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decisions, "FULL_BYTES", 200)
    records = [decided(GONE, names=many(0, 400)), PHOTOS[0], decided("", names=many(0, 200))]
    messages = [(offset, encode(record)) for offset, record in enumerate(records)]
    first = ObservedPartition(0, LEARNED)
    first.take(messages)
    table = entries(first)
    for some in (range(0, 1000, 2), range(1, 1000, 2), range(21, 1000)):
        kept = [
            item
            for at, item in enumerate(sorted(table.items()))
            if kind_of(item[0]) == DECIDED and at in some
        ]
        assert kept
        whole = ObservedPartition(0, LEARNED)
        again = ObservedPartition.recover(0, LEARNED, kept)
        for partition in (again, whole):
            partition.take(messages)
        for photo in (PHOTOS[1], msgspec.structs.replace(PHOTOS[1], image_id="photo-300")):
            for partition in (again, whole):
                partition.take([(partition.intake.next_offset, encode(photo))])
        assert again.update(SERIES) == whole.update(SERIES)


def test_a_photo_about_which_somebody_decides_without_end_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An entry that Kafka does not take would end the aggregator again and again."""
    monkeypatch.setattr(decisions, "MOST_BYTES", 1000)
    told = Told(PHOTOS[0])
    partition = told.partition
    for turn in range(200):
        standing = GONE if turn % 2 else AS_SEEN
        partition.take([(turn + 1, encode(decided(standing, PHOTOS[0])))])
    rejections = partition.intake.take_rejections()
    assert {each.reason for each in rejections} == {"evidence"}
    assert "too much was decided" in rejections[0].message
    assert max(map(len, entries(partition).values())) < 20_000
    assert all(
        len(value) <= 1000 for key, value in entries(partition).items() if kind_of(key) == DECIDED
    )
