"""What lies behind an offset is counted: messages, and neither tombstones nor gaps."""

from __future__ import annotations

import pytest
from support.kafka_parts.groups import group

from avatarrig.views import backlog
from avatarrig.views.backlog import Backlog, Waiting
from avatarrig.views.stream import Stream, stream_of
from avatarrig.wire.topics import DETECTOR_GROUPS, IMAGES, OBSERVATIONS, detector_group

FIRST, SECOND = (IMAGES, 0), (IMAGES, 1)
RUN, OTHER_RUN = "0123456789ab", "ba9876543210"
AGGREGATORS = "avatarrig.aggregators"


def log(*offsets: int, start: int = 0, first: int = 0, end: int | None = None) -> Backlog:
    """One partition with messages at some offsets."""
    known = Backlog()
    known.begin({FIRST: first}, {FIRST: start})
    for offset in offsets:
        known.message(FIRST, offset, 100.0 + offset)
    if end is not None:
        known.reached({FIRST: end})
    return known


def test_messages_are_counted_from_an_offset_on() -> None:
    known = log(0, 2, 3, 7, end=9)
    assert known.waiting(IMAGES, {FIRST: 0}, {FIRST: 9}) == Waiting(4, 100.0)
    assert known.waiting(IMAGES, {FIRST: 3}, {FIRST: 9}) == Waiting(2, 103.0)
    assert known.waiting(IMAGES, {FIRST: 8}, {FIRST: 9}) == Waiting(0, None)


def test_what_was_not_read_is_counted_by_its_offsets() -> None:
    known = log(10, 12, start=10, first=4)
    assert known.everything(IMAGES).count == 8
    assert known.waiting(IMAGES, {FIRST: 5}, {FIRST: 13}).count == 7
    assert known.waiting(IMAGES, {FIRST: 11}, {FIRST: 20}).count == 8, "seven came since"
    assert known.waiting(IMAGES, {FIRST: 0}, {FIRST: 13}).count == 8, "four are deleted"


def test_a_partition_that_is_not_read_is_counted_by_its_offsets() -> None:
    assert Backlog().waiting(IMAGES, {SECOND: 3}, {SECOND: 9}) == Waiting(6, None)


def test_a_message_that_is_read_again_counts_once() -> None:
    assert log(0, 1, 0, 1, 2).everything(IMAGES).count == 3


def test_of_very_many_the_oldest_are_counted_by_their_offsets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backlog, "MOST_KEPT", 10)
    known = log(*range(100))
    assert known.everything(IMAGES).count == 100
    assert known.waiting(IMAGES, {FIRST: 0}, {FIRST: 100}).count == 100
    assert known.waiting(IMAGES, {FIRST: 95}, {FIRST: 100}) == Waiting(5, 195.0)


def test_an_empty_topic_has_no_photos() -> None:
    assert stream_of(Backlog(), []) == Stream()


def test_the_end_of_a_transaction_is_no_message_that_waits() -> None:
    known = Backlog()
    place = (OBSERVATIONS, 0)
    known.begin({place: 0}, {place: 0})
    known.message(place, 0, 1.0)
    known.reached({place: 2})
    aggregators = group(AGGREGATORS, 1, OBSERVATIONS, committed={0: 1}, ends={0: 2})
    assert stream_of(known, [aggregators]).groups[0].lag == {OBSERVATIONS: 0}


def test_a_group_that_has_committed_nothing_yet_has_its_replicas() -> None:
    idle = group(DETECTOR_GROUPS, 2, IMAGES, committed={0: 0}, ends={0: 0})
    assert stream_of(Backlog(), [idle]).replicas == 2


def test_a_run_that_ended_does_not_wait_for_the_photos_of_the_next() -> None:
    known = Backlog()
    known.begin({FIRST: 0}, {FIRST: 0})
    for offset in range(4):
        known.message(FIRST, offset, 1.0, RUN if offset < 1 else OTHER_RUN)
    ended = group(detector_group(RUN), 0, IMAGES, committed={0: 1}, ends={0: 4})
    at_work = group(detector_group(OTHER_RUN), 2, IMAGES, committed={0: 2}, ends={0: 4})
    stream = stream_of(known, [ended, at_work])
    assert (stream.found, stream.waiting, stream.in_work) == (4, 2, 2)
    assert [each.lag[IMAGES] for each in stream.groups] == [0, 2]


def test_what_belongs_to_no_run_waits_for_a_service() -> None:
    known = log(0, 1, 2)
    of_a_run = group(detector_group(RUN), 1, IMAGES, committed={0: 3}, ends={0: 3})
    assert stream_of(known, [of_a_run]).waiting == 3
    service = group(DETECTOR_GROUPS, 1, IMAGES, committed={0: 1}, ends={0: 3})
    assert stream_of(known, [of_a_run, service]).waiting == 2
    assert stream_of(known, []).waiting == 3, "no detector has begun"
