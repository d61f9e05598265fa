"""Keys of the aggregator's tables and messages say what they were made of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.texts import texts

from aggregators.partitions.keys import part_of, partition_of, statistics_key
from avatarrig.wire.keys import KeyRefusedError


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), texts(), st.text("abc012"))
def test_keys_say_what_they_were_made_of(
    partition: int, part: int, subject: str, fingerprint: str
) -> None:
    key = statistics_key(partition, part, (subject, fingerprint))
    assert partition_of(key) == partition
    assert part_of(key) == (part, (subject, fingerprint))


def test_foreign_keys_are_refused() -> None:
    with pytest.raises(KeyRefusedError):
        partition_of(b"x")
