"""What all sums promise, tested for each of them alike."""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.body.arbitrary import DAYS, EVIDENCE, OBSERVATIONS, TRACES
from support.body.turning import LEARNED, PHOTOS
from support.body.turning import total as evidence_total

from avatarrig.body.evidence.evidence import INFORMATION_LENGTH
from avatarrig.body.refused import LearnedRefusedError, StateRefusedError
from avatarrig.body.solver.person import solve
from avatarrig.body.sums.dated_sums import DatedSums
from avatarrig.body.sums.evidence_sum import EvidenceSum, row_of
from avatarrig.body.sums.histogram import HIGHEST_BIN, LOWEST_BIN, Histogram
from avatarrig.body.sums.keyed_sums import KeyedSums, Sum, pack_numbers, unpack_numbers
from avatarrig.body.sums.moments import MomentSums
from avatarrig.body.sums.tally import Tally
from avatarrig.wire import Evidence


class Kind(NamedTuple):
    """A kind of sum."""

    empty: Callable[[], Any]
    items: st.SearchStrategy[Any]
    unpack: Callable[[Any], Any]


ROWS = EVIDENCE.map(row_of)
KINDS = {
    "keyed": Kind(
        lambda: KeyedSums[str](2),
        st.tuples(st.sampled_from("abc"), st.tuples(st.integers(1, 9), st.integers(-99, 99))),
        KeyedSums[str](2).unpacked,
    ),
    "histogram": Kind(Histogram, st.integers(LOWEST_BIN, HIGHEST_BIN), Histogram.unpack),
    "evidence": Kind(EvidenceSum, EVIDENCE, EvidenceSum.unpack),
    "dated": Kind(DatedSums, st.tuples(DAYS, ROWS), DatedSums.unpack),
    "moments": Kind(MomentSums, st.tuples(ROWS, TRACES), MomentSums.unpack),
    "tally": Kind(Tally.empty, OBSERVATIONS, Tally.unpack),
}
EACH_KIND = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
FEW = settings(max_examples=8, deadline=None)


def total(kind: Kind, items: list[Any]) -> Sum[Any]:
    result: Sum[Any] = kind.empty()
    for item in items:
        result.add(item)
    return result


def packed(total: Sum[Any]) -> bytes:
    data: bytes = msgpack.packb(total.pack())
    return data


@EACH_KIND
@FEW
@given(st.data(), st.randoms(use_true_random=False))
def test_no_order_of_adding_and_merging_can_change_a_bit(
    kind: Kind, data: st.DataObject, random: Random
) -> None:
    parts = data.draw(st.lists(st.lists(kind.items, max_size=6), min_size=1, max_size=4))
    items = [item for part in parts for item in part]
    shuffled = random.sample(items, len(items))
    totals = [total(kind, part) for part in parts]
    before = [packed(one) for one in totals]
    expected = packed(total(kind, items))
    assert packed(total(kind, shuffled)) == expected
    assert packed(functools.reduce(operator.add, totals)) == expected
    assert packed(functools.reduce(operator.add, random.sample(totals, len(totals)))) == expected
    assert [packed(one) for one in totals] == before


@EACH_KIND
@FEW
@given(st.data())
def test_many_at_once_add_up_to_the_same_bits(kind: Kind, data: st.DataObject) -> None:
    few = data.draw(st.lists(kind.items, min_size=1, max_size=9))
    items = (few * 40)[:64]
    one_by_one = kind.empty()
    for item in items:
        one_by_one.add(item)
        packed(one_by_one)  # adds up what waits
    assert packed(total(kind, items)) == packed(one_by_one)


def test_numbers_that_are_too_large_for_arrays_add_up_as_well() -> None:
    sums = KeyedSums[str](2)
    for _ in range(40):
        sums.add(("a", (1, 1 << 80)))
        sums.add(("b", (1, 1 << 60)))
    assert sums.rows == {"a": [40, 40 << 80], "b": [40, 40 << 60]}


@EACH_KIND
@FEW
@given(st.data(), st.randoms(use_true_random=False))
def test_what_is_taken_back_leaves_no_trace(
    kind: Kind, data: st.DataObject, random: Random
) -> None:
    kept = data.draw(st.lists(kind.items, max_size=8))
    gone = data.draw(st.lists(st.sampled_from(kept), max_size=8)) if kept else []
    both = total(kind, random.sample([*kept, *gone], len(kept) + len(gone)))
    expected = packed(total(kind, kept))
    assert packed(both - total(kind, gone)) == expected
    for item in gone:
        both.subtract(item)
    assert packed(both) == expected


@EACH_KIND
@FEW
@given(st.data())
def test_what_was_not_added_cannot_be_taken_back_and_nothing_changes(
    kind: Kind, data: st.DataObject
) -> None:
    items = data.draw(st.lists(kind.items, max_size=6))
    stranger = data.draw(kind.items)
    held = total(kind, items)
    before = packed(held)
    missing = total(kind, [*items, stranger])
    with pytest.raises(StateRefusedError):
        held - missing
    for item in items:
        held.subtract(item)
    with pytest.raises(StateRefusedError):
        held.subtract(stranger)
    assert packed(held) == packed(kind.empty())
    assert packed(total(kind, items)) == before


@EACH_KIND
@FEW
@given(st.data())
def test_what_is_packed_reads_back_and_goes_on(kind: Kind, data: st.DataObject) -> None:
    items = data.draw(st.lists(kind.items, max_size=6))
    more = data.draw(kind.items)
    held = total(kind, items)
    restored = kind.unpack(msgpack.unpackb(packed(held), strict_map_key=False))
    assert restored == held
    assert packed(restored) == packed(held)
    held.add(more)
    restored.add(more)
    assert packed(restored) == packed(held)


@EACH_KIND
@pytest.mark.parametrize(
    "other", [None, 7, "sums", [], [1], [[0], b""], [["a", 1], b"\x02"], [[1], b"\x80"], {"a": 1}]
)
def test_other_things_are_refused(kind: Kind, other: object) -> None:
    with pytest.raises(StateRefusedError):
        kind.unpack(other)


@EACH_KIND
@FEW
@given(st.data())
def test_what_was_tampered_with_is_refused_or_another_sum(kind: Kind, data: st.DataObject) -> None:
    octets = bytearray(packed(total(kind, data.draw(st.lists(kind.items, max_size=3)))))
    octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    try:
        changed = kind.unpack(msgpack.unpackb(bytes(octets), strict_map_key=False))
    except (StateRefusedError, TypeError, ValueError, msgpack.UnpackException):
        return
    assert kind.unpack(msgpack.unpackb(packed(changed), strict_map_key=False)) == changed


@FEW
@given(st.lists(st.integers(-(1 << 63), (1 << 63) - 1)))
def test_integers_are_packed_exactly(numbers: list[int]) -> None:
    assert unpack_numbers(pack_numbers(numbers)) == numbers


MANY = 100
"""More than are packed one by one."""


@given(
    numbers=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20),
    damage=st.binary(max_size=12),
)
def test_few_integers_are_packed_and_refused_as_many_are(numbers: list[int], damage: bytes) -> None:
    many = pack_numbers([0] * MANY)
    assert pack_numbers([0] * MANY + numbers) == many + pack_numbers(numbers)
    read: list[list[int] | None] = []
    for before in (b"", many):
        try:
            read.append(unpack_numbers(before + damage)[len(before) :])
        except StateRefusedError:
            read.append(None)
    assert read[0] == read[1]


@pytest.mark.parametrize("among", [0, MANY])
@pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
def test_integers_that_do_not_fit_are_refused(among: int, number: int) -> None:
    with pytest.raises(OverflowError):
        pack_numbers([0] * among + [number])


@FEW
@given(st.binary(max_size=30))
def test_bytes_are_integers_in_one_way_only(data: bytes) -> None:
    try:
        numbers = unpack_numbers(data)
    except StateRefusedError:
        return
    assert pack_numbers(numbers) == data


def test_sums_of_a_billion_photos_stay_exact() -> None:
    many = evidence_total(PHOTOS)
    for _ in range(30):
        many = many + many
    assert many.photos == len(PHOTOS) << 30
    assert many.vector == [number << 30 for number in evidence_total(PHOTOS).vector]


def test_evidence_of_other_weights_is_refused() -> None:
    with pytest.raises(LearnedRefusedError, match="evaluate"):
        evidence_total([PHOTOS[0]]).add(
            Evidence(learned="full-other", information=(1,) * INFORMATION_LENGTH, vector=(1,) * 6)
        )
    other = dataclasses.replace(LEARNED, version="full-other")
    with pytest.raises(LearnedRefusedError, match="full-other"):
        solve(evidence_total(PHOTOS), other)
