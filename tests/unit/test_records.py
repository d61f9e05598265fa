from __future__ import annotations

import msgpack
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.estimates import said
from support.references import reference

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

text = st.text(max_size=30)
number = st.floats(allow_nan=False, allow_infinity=False)


def arrays(*shape: int) -> st.SearchStrategy[PackedArray | None]:
    floats = hnp.arrays(np.float32, shape, elements=st.floats(width=32, allow_nan=False))
    return st.none() | floats.map(PackedArray.pack)


references = st.builds(PhotoReference, image_id=text, size=st.integers(0, 2**53), found_at=number)
evidence = st.builds(
    Evidence,
    information=st.lists(st.integers(-(2**62), 2**62), max_size=21).map(tuple),
    vector=st.lists(st.integers(-(2**62), 2**62), max_size=6).map(tuple),
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
    found_at=number,
    observed_at=number,
    captured_at=st.none() | number,
    subject_confidence=number,
    meta=st.dictionaries(text, st.none() | st.booleans() | text | number, max_size=4),
)
records = st.one_of(
    references.map(lambda r: msgspec.structs.replace(r, version=1)),
    observations,
    st.builds(Reject, attempts=st.integers(0, 9), rejected_at=number, version=st.just(1)),
    st.builds(
        TallyUpdate, partition=st.integers(0, 99), offset=st.integers(0, 2**62), version=st.just(1)
    ),
    st.builds(
        SkeletonRecord,
        applied=st.dictionaries(st.integers(0, 99), st.integers(0, 2**62), max_size=5),
        observations=st.integers(0, 2**40),
        estimate=st.builds(said, st.dictionaries(text, st.floats(1e-3, 1e3), max_size=3)),
        estimated_at=number,
        version=st.just(1),
    ),
    st.builds(
        HistoryRecord,
        estimated_at=number,
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
    if isinstance(record, Reject) and record.reference is not None:
        reference = msgspec.structs.replace(record.reference, size=1)
        record = msgspec.structs.replace(record, reference=reference)
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


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    with pytest.raises(RecordRefusedError):
        decode(data, Observation)


def test_a_message_that_is_too_big_is_refused_unread() -> None:
    with pytest.raises(RecordRefusedError, match="bytes"):
        decode(b"\x00" * (MAX_RECORD_BYTES + 1), PhotoReference)


def an_observation(**fields: object) -> Observation:
    required: dict[str, object] = {
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
        evidence=Evidence(learned="x", information=(2**50,) * 28, vector=(2**50,) * 7),
    )
    assert len(encode(full)) < 12_000
