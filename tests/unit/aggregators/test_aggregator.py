"""The aggregator's parts: what counts, and what is remembered."""

from __future__ import annotations

import msgspec
import pytest
from support.body.estimates import said
from support.body.tallies import tallied, tally_update
from support.observed import observation

from aggregators.partitions.deduplication import PAGE_PHOTOS, Deduplication, digest_of
from aggregators.partitions.merging import TalliedPartition
from aggregators.partitions.reach import Reach
from aggregators.partitions.tallying import ObservedPartition
from avatarrig.body.evidence.learned import load_learned
from avatarrig.body.refused import StateRefusedError
from avatarrig.body.sums.tally import Tally
from avatarrig.wire import Evidence, Forget, Measurements, TallyUpdate, decode, encode
from avatarrig.wire.estimate import Estimate
from avatarrig.wire.identity import subject_digest

LEARNED = load_learned("full").version
SERIES = ("anna", observation(0).fingerprint)


def read(part: ObservedPartition, *numbers: int) -> ObservedPartition:
    for number in numbers:
        part.take([(part.intake.next_offset, encode(observation(number)))])
    return part


def saved(part: ObservedPartition | TalliedPartition) -> dict[bytes, bytes]:
    changes = part.take_checkpoint()
    entries = [*changes.entries, changes.marker]
    return {key: value for key, value in entries if value is not None}


def estimator(tally: Tally, subject: str, _: Measurements | None) -> Estimate:
    return said(subject=subject, used=tally.observations)


# What counts.


def test_a_photo_counts_once_however_often_it_comes() -> None:
    part = read(ObservedPartition(3, LEARNED), 1, 2, 1, 1, 2)
    assert Tally.from_bytes(part.update(SERIES).tally).observations == 2
    assert part.update(SERIES).offset == 4, "the estimate says how far it has read"
    assert part.update(SERIES).partition == 3


def test_a_photo_counts_for_each_subject_and_each_detector() -> None:
    part = read(ObservedPartition(0, LEARNED), 1)
    part.take([(1, encode(observation(1, "ben")))])
    part.take([(2, encode(observation(1, fingerprint="another")))])
    assert {
        Tally.from_bytes(part.update(series).tally).observations
        for series in (SERIES, ("ben", SERIES[1]), ("anna", "another"))
    } == {1}


def test_messages_that_come_again_change_nothing() -> None:
    forget = Forget(forget=subject_digest("anna"), forgotten_at=1.0)
    observations = [encode(observation(1)), b"garbage", encode(forget), encode(observation(2))]
    gone = msgspec.structs.replace(forget, partition=1, offset=6)
    tallies = [_update(1, 5, 1), b"garbage", encode(gone), _update(1, 7, 2)]
    parts = (
        (ObservedPartition(0, LEARNED), observations),
        (TalliedPartition(0, LEARNED, estimator), tallies),
    )
    for part, messages in parts:
        for offset, value in enumerate(messages):
            part.take([(offset, value)])
        part.intake.take_rejections()
        part.take_tombstones()
        for offset, value in enumerate(messages):
            assert not part.take([(offset, value)])
        assert part.has(SERIES)
        assert part.intake.next_offset == len(messages)
        assert not part.intake.take_rejections()
        assert not part.take_tombstones()


def test_an_error_of_the_program_is_not_taken_for_a_bad_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Tally, "count", None)
    with pytest.raises(TypeError):
        ObservedPartition(0, LEARNED).take([(0, encode(observation(1)))])


def test_what_names_no_partition_is_rejected() -> None:
    part = TalliedPartition(0, LEARNED, estimator)
    part.take([(0, _update(-1, 5, 1))])
    part.take([(1, encode(Forget(forget=subject_digest("anna"), forgotten_at=1.0)))])
    assert [one.reason for one in part.intake.take_rejections()] == ["malformed"] * 2
    assert not part.has(SERIES), "what is rejected does not count"
    assert part.intake.next_offset == 2


@pytest.mark.parametrize("value", [b"", b"garbage", b"\x81\xa7version\x63"])
def test_garbage_is_set_aside_with_its_offset(value: bytes) -> None:
    part = read(ObservedPartition(0, LEARNED), 1)
    assert not part.take([(1, value)])
    (rejection,) = part.intake.take_rejections()
    assert (rejection.offset, rejection.reason) == (1, "malformed")
    assert part.intake.next_offset == 2, "it is not read again and again"
    assert not part.intake.take_rejections()


def test_evidence_that_no_photo_gives_is_set_aside() -> None:
    evidence = Evidence(learned=LEARNED, information=(1, 2), vector=(3,))
    part = read(ObservedPartition(0, LEARNED), 1)
    part.take([(1, encode(observation(2, evidence=evidence)))])
    assert [rejection.reason for rejection in part.intake.take_rejections()] == ["evidence"]
    assert Tally.from_bytes(part.update(SERIES).tally).observations == 1


def test_messages_that_come_together_count_as_they_do_one_by_one() -> None:
    impossible = Evidence(learned=LEARNED, information=(1, 2), vector=(3,))
    messages = [encode(observation(number)) for number in range(6)]
    messages[3:3] = [b"garbage", messages[1], encode(observation(7, evidence=impossible))]
    messages.append(encode(Forget(forget=subject_digest("ben"), forgotten_at=1.0)))
    together, alone = ObservedPartition(0, LEARNED), ObservedPartition(0, LEARNED)
    assert together.take(list(enumerate(messages))) == {SERIES}
    for offset, value in enumerate(messages):
        alone.take([(offset, value)])
    assert together.update(SERIES) == alone.update(SERIES)
    assert saved(together) == saved(alone)
    rejected = together.intake.take_rejections()
    assert rejected == alone.intake.take_rejections()
    assert [(one.offset, one.reason) for one in rejected] == [(3, "malformed"), (5, "evidence")]


def test_evidence_of_another_version_is_made_again_from_the_landmarks() -> None:
    old = msgspec.structs.replace(_evidence(5), learned="full-000000000000", vector=(0,) * 6)
    part = ObservedPartition(0, LEARNED)
    part.take([(0, encode(observation(5, evidence=old)))])
    assert part.update(SERIES).tally == read(ObservedPartition(0, LEARNED), 5).update(SERIES).tally


def test_tallies_of_an_older_format_wait_for_their_successors_and_are_not_set_aside() -> None:
    part = TalliedPartition(0, LEARNED, estimator)
    update = decode(_update(1, 5, 1), TallyUpdate)
    old = msgspec.structs.replace(update, tally=msgspec.msgpack.encode([2, 1, 1, {}, None]))
    assert not part.take([(0, encode(old))])
    assert not part.intake.take_rejections()
    part.take([(1, _update(1, 5, 1))])
    assert part.has(SERIES)


def _evidence(number: int) -> Evidence:
    evidence = observation(number).evidence
    assert evidence is not None
    return evidence


# What a table holds.


def test_a_table_gives_back_the_state() -> None:
    part = read(ObservedPartition(0, LEARNED), *range(20))
    table = saved(part)
    table |= saved(read(part, 20, 3))
    recovered = ObservedPartition.recover(0, LEARNED, table.items())
    assert recovered.intake.next_offset == 22
    assert recovered.update(SERIES) == part.update(SERIES)
    assert read(recovered, 7).update(SERIES).tally == part.update(SERIES).tally


@pytest.mark.parametrize("key", range(3))
def test_a_table_that_lost_an_entry_is_refused(key: int) -> None:
    part = read(ObservedPartition(0, LEARNED), 1)
    part.take([(1, encode(observation(1, "ben")))])
    table = saved(part)
    marker, entries = table.popitem(), sorted(table.items())
    del entries[key]
    with pytest.raises(StateRefusedError, match="missing"):
        ObservedPartition.recover(0, LEARNED, [*entries, marker])


def test_an_entry_that_a_worker_wrote_who_had_lost_the_partition_is_refused() -> None:
    part = read(ObservedPartition(0, LEARNED), 1)
    old = saved(part)
    new = saved(read(part, 2))
    (statistics,) = (key for key in old if key.startswith(b"S"))
    with pytest.raises(StateRefusedError, match="older"):
        ObservedPartition.recover(0, LEARNED, (new | {statistics: old[statistics]}).items())


@pytest.mark.parametrize("damage", [b"", b"\x92", b"\x92\x01\xc4\x01x"])
def test_a_damaged_entry_is_refused(damage: bytes) -> None:
    table = saved(read(ObservedPartition(0, LEARNED), 1))
    for key in table:
        if not key.startswith(b"P") or damage:
            with pytest.raises(StateRefusedError):
                ObservedPartition.recover(0, LEARNED, (table | {key: damage}).items())


def test_state_of_other_weights_is_refused() -> None:
    table = saved(read(ObservedPartition(0, "full-000000000000"), 1))
    with pytest.raises(StateRefusedError, match="full-000000000000"):
        ObservedPartition.recover(0, LEARNED, table.items())


def test_only_what_was_not_published_is_published_again() -> None:
    part = read(ObservedPartition(0, LEARNED), 1)
    part.take([(1, encode(observation(1, "ben")))])
    part.intake.checkpoints.published(SERIES, 0, part.newest(SERIES))
    recovered = ObservedPartition.recover(0, LEARNED, saved(part).items())
    assert list(recovered.intake.checkpoints.unpublished) == [("ben", SERIES[1])]


def test_sights_survive_on_pages_whatever_their_number() -> None:
    seen = Deduplication()
    pages: dict[int, bytes] = {}
    photos = [digest_of(SERIES, f"photo-{n}") for n in range(3 * PAGE_PHOTOS + 7)]
    for offset, photo in enumerate(photos):
        assert seen.first(photo, offset) == offset
        if offset % 100 == 0:
            pages |= seen.take_unsaved()
    pages |= seen.take_unsaved()
    assert len(pages) == 4
    recovered = Deduplication(pages)
    assert len(recovered) == len(seen) == len(photos)
    assert [recovered.first(photo, 9999) for photo in photos] == list(range(len(photos)))
    assert not recovered.take_unsaved()


# Level 2.


def _update(partition: int, offset: int, *numbers: int) -> bytes:
    return tally_update(tallied(observation(number) for number in numbers), partition, offset)


def test_the_tally_that_contains_more_counts() -> None:
    part = TalliedPartition(0, LEARNED, estimator)
    for offset, value in enumerate([_update(1, 5, 1, 2), _update(1, 3, 1), _update(0, 9, 7)]):
        part.take([(offset, value)])
    record = part.record(SERIES, 1.0)
    assert record.observations == 3
    assert record.applied == {0: 9, 1: 5}
    assert record.estimate == said(subject="anna", used=3)


def test_an_estimate_that_says_nothing_new_is_no_news() -> None:
    part = TalliedPartition(0, LEARNED, estimator)
    part.take([(0, _update(1, 5, 1))])
    assert part.is_news(part.record(SERIES, 1.0))
    assert not part.is_news(part.record(SERIES, 2.0))
    part.take([(1, _update(1, 6, 1))])
    assert part.is_news(part.record(SERIES, 3.0)), "it has read further"


def test_a_tally_that_is_none_is_set_aside() -> None:
    part = TalliedPartition(0, LEARNED, estimator)
    broken = TallyUpdate(subject="anna", fingerprint="f", partition=0, offset=1, tally=b"no tally")
    assert not part.take([(0, encode(broken))])
    assert not part.take([(1, b"garbage")])
    assert [rejection.reason for rejection in part.intake.take_rejections()] == [
        "tally",
        "malformed",
    ]


OUT_OF_REACH = (
    (1, 6, "ends before offset 6"),
    (1, (1 << 63) - 1, "ends before offset 6"),
    (2, 0, "which is none"),
    ((1 << 31) - 1, 5, "which is none"),
)


@pytest.mark.parametrize(("partition", "offset", "why"), OUT_OF_REACH)
def test_what_says_to_contain_more_than_there_is_leaves_nothing_aside(
    partition: int, offset: int, why: str
) -> None:
    part = TalliedPartition(0, LEARNED, estimator, Reach({1: 6}))
    forget = Forget(
        forget=subject_digest("anna"), forgotten_at=1.0, partition=partition, offset=offset
    )
    forged = (encode(forget), _update(partition, offset, 7))
    for at, message in enumerate((*forged, _update(1, 4, 1), *forged, _update(1, 5, 1, 2))):
        part.take([(at, message)])
    refused = part.intake.take_rejections()
    assert [(one.offset, one.reason) for one in refused] == [
        (at, "malformed") for at in (0, 1, 3, 4)
    ]
    assert all(why in one.message for one in refused)
    assert part.record(SERIES, 1.0).observations == 2


@pytest.mark.parametrize("forged", ["forget", "tally"])
def test_state_that_contains_more_than_there_is_is_refused(forged: str) -> None:
    forget = Forget(
        forget=subject_digest("anna"), forgotten_at=1.0, partition=1, offset=(1 << 63) - 1
    )
    part = TalliedPartition(0, LEARNED, estimator)
    part.take([(0, encode(forget) if forged == "forget" else _update(1, 1 << 40, 1))])
    table = saved(part)
    TalliedPartition.recover(0, LEARNED, estimator, table.items())
    with pytest.raises(StateRefusedError, match="ends before offset 6"):
        TalliedPartition.recover(0, LEARNED, estimator, table.items(), Reach({1: 6}))


def test_how_far_partitions_go_is_known_before_what_they_hold_is_believed() -> None:
    reach = Reach({1: 6})
    forget = Forget(forget=subject_digest("anna"), forgotten_at=1.0, partition=1, offset=8)
    height = Measurements(subject="anna", measured_at=1.0, height=1.72)
    assert reach.covers([_update(1, 5, 1), b"garbage", None, encode(height)])
    for message in (_update(1, 8, 1), encode(forget)):
        assert not reach.covers([_update(1, 5, 1), message])
    reach.extend({1: 9, 0: 1})
    assert reach.covers([_update(1, 8, 1), encode(forget), _update(0, 0, 1)])
    reach.extend({1: 3})
    assert reach.covers([_update(1, 8, 1)]), "what was there stays"
    reach.restart({1: 3})
    assert not reach.covers([_update(1, 8, 1)]), "unless the topic was made anew"


def test_level_2_recovers_what_it_knew_and_does_not_mix_other_weights_in() -> None:
    part = TalliedPartition(0, LEARNED, estimator)
    part.take([(0, _update(1, 5, 1, 2))])
    recovered = TalliedPartition.recover(0, LEARNED, estimator, saved(part).items())
    assert recovered.record(SERIES, 1.0) == part.record(SERIES, 1.0)
    elsewhere = TalliedPartition(0, "full-000000000000", estimator)
    assert not elsewhere.take([(0, _update(1, 5, 1, 2))])
    with pytest.raises(StateRefusedError):
        TalliedPartition.recover(0, "full-000000000000", estimator, saved(part).items())
