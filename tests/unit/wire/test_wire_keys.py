"""Keys of messages say what they were made of; kinds that share a topic are told apart."""

from __future__ import annotations

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.observed import observation
from support.references import reference
from support.texts import texts

from avatarrig.wire import Forget, Observation, RecordRefusedError, TallyUpdate, encode
from avatarrig.wire.channels import CHANNELS, OBSERVED, TALLIED
from avatarrig.wire.keys import (
    KeyRefusedError,
    forget_key,
    history_key,
    record_key,
    run_of_reference,
    series_key,
    series_of,
    series_of_history,
    tally_key,
)
from avatarrig.wire.topics import pipeline_topics

SERIES = ("anna", "0123456789abcdef")
FORGET = Forget(forget="00" * 16, forgotten_at=1.0, partition=3, offset=7)
TALLY = TallyUpdate(subject="s", fingerprint="f", partition=0, offset=1, tally=b"t")


@given(texts(), st.text("abc012"), st.integers(0, 99))
def test_a_key_says_whose_it_is_whatever_characters_a_name_holds(
    subject: str, fingerprint: str, slot: int
) -> None:
    series = (subject, fingerprint)
    assert series_of(series_key(series)) == series
    assert series_of_history(history_key(series, f"{slot}.1")) == series


def test_tallies_of_different_partitions_are_not_compacted_into_one() -> None:
    assert tally_key(SERIES, 1) != tally_key(SERIES, 2)


def test_the_same_subject_can_be_forgotten_twice() -> None:
    assert forget_key(FORGET, 1) != forget_key(FORGET, 2)


def test_the_run_stands_in_a_references_key() -> None:
    assert run_of_reference(record_key(reference(run="abc"))) == "abc"


def test_keys_are_those_of_1_0() -> None:
    assert series_key(("s", "f")) == b"s\0f"
    assert tally_key(("s", "f"), 3) == b"s\0f\x003"
    assert history_key(("s", "f"), "1.5") == b"s\0f\x001.5"
    assert forget_key(FORGET, 3) == b"\0forget\0" + b"00" * 16 + b"\x003"


@pytest.mark.parametrize("key", [b"no separator", b""])
def test_a_foreign_key_is_refused(key: bytes) -> None:
    with pytest.raises(KeyRefusedError):
        series_of(key)
    with pytest.raises(KeyRefusedError):
        series_of_history(key)


def untagged(record: msgspec.Struct) -> bytes:
    """Packs a record as 1.0 did."""
    fields = msgspec.to_builtins(record, builtin_types=(bytes,))
    del fields["kind"]
    return bytes(msgpack.packb(fields))


@pytest.mark.parametrize("pack", [encode, untagged])
def test_kinds_that_share_a_topic_are_told_apart_also_those_of_1_0(pack: object) -> None:
    assert callable(pack)
    seen = observation(1)
    assert OBSERVED.decode(pack(seen)) == seen
    assert OBSERVED.decode(pack(FORGET)) == FORGET
    assert TALLIED.decode(pack(TALLY)) == TALLY
    assert TALLIED.decode(pack(FORGET)) == FORGET


@pytest.mark.parametrize("record", [TALLY, FORGET, observation(1)])
def test_1_0_reads_what_is_written_today(record: msgspec.Struct) -> None:
    """It looks at the fields that it knows, and finds all of them."""
    fields = msgpack.unpackb(encode(record))
    assert fields.pop("kind")
    assert msgpack.packb(fields) == untagged(record)


@pytest.mark.parametrize("kind", ["tally", "weather", 7, ["observation"]])
def test_a_kind_that_does_not_belong_on_a_topic_is_refused(kind: object) -> None:
    fields = msgspec.to_builtins(FORGET) | {"kind": kind}
    with pytest.raises(RecordRefusedError, match="kind"):
        OBSERVED.decode(msgpack.packb(fields))


def test_every_topic_is_bound_to_its_records_once() -> None:
    assert [channel.topic for channel in CHANNELS] == [topic.name for topic in pipeline_topics()]
    assert Observation in OBSERVED.kinds
