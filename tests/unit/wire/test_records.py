from __future__ import annotations

import contextlib
import random
from typing import Any

import msgpack
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.body.estimates import said
from support.references import reference
from support.texts import texts
from support.wire.hostile import (
    FORGET,
    RECORD_KINDS,
    AnyRecord,
    hostile,
    mutated,
    of_every_kind,
    sound,
)

from avatarrig.views.sighting import SIGHTINGS
from avatarrig.wire import (
    MAX_RECORD_BYTES,
    Evidence,
    HistoryRatio,
    HistoryRecord,
    Observation,
    PackedArray,
    PhotoReference,
    RecordRefusedError,
    Reject,
    SkeletonRecord,
    TallyUpdate,
    decode,
    encode,
)
from avatarrig.wire.channels import CHANNELS, OBSERVED, TALLIED, Channel

text = texts()
number = st.floats(-1e300, 1e300)
seconds = st.floats(-6e10, 2e11)
fingerprints = texts(without="\0")


def arrays(*shape: int) -> st.SearchStrategy[PackedArray | None]:
    floats = hnp.arrays(np.float32, shape, elements=st.floats(width=32, allow_nan=False))
    return st.none() | floats.map(PackedArray.pack)


references = st.builds(
    PhotoReference,
    image_id=text,
    size=st.integers(0, 2**53),
    found_at=seconds,
    captured_at=st.none() | seconds,
    version=st.just(1),
)
evidence = st.builds(
    Evidence,
    information=st.lists(st.integers(-(2**32), 2**32), max_size=22).map(tuple),
    ratios=st.dictionaries(text, st.integers(-256, 64), max_size=3),
    vector=st.lists(st.integers(-(2**32), 2**32), max_size=6).map(tuple),
)
observations = st.builds(
    Observation,
    pose=arrays(33, 5),
    world=arrays(33, 3),
    face=st.none(),
    blendshapes=arrays(52),
    evidence=st.none() | evidence,
    width=st.integers(1, 100_000),
    height=st.integers(1, 100_000),
    people=st.integers(0, 99),
    version=st.just(1),
    found_at=seconds,
    observed_at=seconds,
    captured_at=st.none() | seconds,
    fingerprint=fingerprints,
    subject_confidence=number,
    meta=st.dictionaries(text, st.none() | st.booleans() | text | number, max_size=4),
)
records = st.one_of(
    references,
    observations,
    st.builds(
        Reject,
        attempts=st.integers(0, 9),
        rejected_at=seconds,
        fingerprint=fingerprints,
        reference=st.none() | references,
        version=st.just(1),
    ),
    st.builds(
        TallyUpdate,
        fingerprint=fingerprints,
        partition=st.integers(0, 99),
        offset=st.integers(0, 2**62),
        found_at=st.none() | seconds,
        version=st.just(1),
    ),
    st.builds(
        SkeletonRecord,
        fingerprint=fingerprints,
        applied=st.dictionaries(st.integers(0, 99), st.integers(0, 2**62), max_size=5),
        observations=st.integers(0, 2**40),
        estimate=st.builds(said, st.dictionaries(text, st.floats(1e-3, 1e3), max_size=3)),
        estimated_at=seconds,
        version=st.just(1),
    ),
    st.builds(
        HistoryRecord,
        fingerprint=fingerprints,
        estimated_at=seconds,
        observations=st.integers(0, 2**40),
        used=st.integers(0, 2**40),
        ratios=st.dictionaries(
            text,
            st.builds(HistoryRatio, value=number, low=number, high=number, n=st.integers(0, 2**40)),
            max_size=3,
        ),
        window=st.dictionaries(text, st.tuples(number, number, number), max_size=3),
        version=st.just(1),
    ),
)


@given(records)
def test_every_record_comes_back_as_it_was_sent(record: msgspec.Struct) -> None:
    assert decode(encode(record), type(record)) == record


def test_an_unknown_field_is_ignored() -> None:
    fields = msgspec.to_builtins(reference()) | {"weather": "fine"}
    assert decode(msgpack.packb(fields), PhotoReference) == reference()


def test_a_missing_required_field_is_refused_by_name() -> None:
    fields = msgspec.to_builtins(reference())
    del fields["uri"]
    with pytest.raises(RecordRefusedError, match="uri"):
        decode(msgpack.packb(fields), PhotoReference)


def test_a_field_of_the_wrong_type_is_refused_by_name() -> None:
    fields = msgspec.to_builtins(reference()) | {"size": "large"}
    with pytest.raises(RecordRefusedError, match="size"):
        decode(msgpack.packb(fields), PhotoReference)


@pytest.mark.parametrize("version", [0, 2, None, "1", True, -1])
def test_a_version_from_elsewhere_is_refused(version: object) -> None:
    fields = msgspec.to_builtins(reference()) | {"version": version}
    if version is True:
        fields["version"] = 2
    with pytest.raises(RecordRefusedError, match="version"):
        decode(msgpack.packb(fields), PhotoReference)


@pytest.mark.parametrize(
    "data",
    [None, b"", b"\xc1", b"hello", msgpack.packb([1]), b"\x81", b"\x81\x80\xc0", b"\x81\x90\xc0"],
)
def test_what_is_no_record_is_refused(data: bytes | None) -> None:
    with pytest.raises(RecordRefusedError):
        decode(data, PhotoReference)


@given(st.binary(max_size=300), st.sampled_from(RECORD_KINDS))
def test_random_bytes_are_refused(data: bytes, kind: type[msgspec.Struct]) -> None:
    with pytest.raises(RecordRefusedError):
        decode(data, kind)


@given(st.sampled_from(of_every_kind()), st.randoms(use_true_random=False))
def test_whatever_is_changed_in_a_record_it_is_read_or_refused(
    record: AnyRecord, chance: random.Random
) -> None:
    data = mutated(encode(record), chance)
    for read in (lambda: decode(data, type(record)), lambda: SIGHTINGS.decode(data)):
        with contextlib.suppress(RecordRefusedError):
            read()


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.topic)
def test_what_does_harm_is_refused_in_few_words(channel: Channel[AnyRecord]) -> None:
    for what, data in hostile(channel.topic).items():
        with pytest.raises(RecordRefusedError) as refused:
            channel.decode(data)
        assert len(str(refused.value).encode()) < 2000, what


def test_what_the_pipeline_writes_is_read_from_its_topic() -> None:
    for channel in CHANNELS:
        record = sound()[channel.topic]
        assert channel.decode(encode(record)) == record
    for channel in (OBSERVED, TALLIED):
        assert channel.decode(encode(FORGET)) == FORGET


def test_a_message_that_is_too_big_is_refused_unread() -> None:
    with pytest.raises(RecordRefusedError, match="bytes"):
        decode(b"\x00" * (MAX_RECORD_BYTES + 1), PhotoReference)


def an_observation(**fields: Any) -> Observation:
    required: dict[str, Any] = {
        "image_id": "a-1",
        "dataset": "d",
        "path": "a.jpg",
        "subject": "s",
        "content_hash": "00",
        "found_at": 0.0,
        "observed_at": 0.0,
        "fingerprint": "f",
        "width": 10,
        "height": 20,
    }
    return Observation(**(required | fields))


@pytest.mark.parametrize(
    "array",
    [
        PackedArray((33, 4), bytes(33 * 4 * 4)),
        PackedArray((33, 5), bytes(12)),
        PackedArray((2**40, 5), b""),
    ],
)
def test_an_array_that_does_not_fit_is_refused(array: PackedArray) -> None:
    with pytest.raises(RecordRefusedError, match="pose"):
        decode(encode(an_observation(pose=array)), Observation)


def test_a_full_observation_stays_under_12_kilobytes() -> None:
    rng = np.random.default_rng(1)
    full = an_observation(
        pose=PackedArray.pack(rng.random((33, 5))),
        world=PackedArray.pack(rng.random((33, 3))),
        face=PackedArray.pack(rng.random((478, 3))),
        blendshapes=PackedArray.pack(rng.random(52)),
        meta={f"metric_number_{i}": float(i) for i in range(20)},
        evidence=Evidence(learned="x", information=(2**31,) * 22, vector=(2**31,) * 6),
    )
    assert len(encode(full)) < 12_000
