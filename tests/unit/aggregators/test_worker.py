"""A worker of the aggregator, without Kafka."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from aggregators.worker import leave_long_lived_alone


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leaves Python's collector as it was."""
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_what_lives_for_long_is_not_looked_through_again_and_again() -> None:
    leave_long_lived_alone()
    assert gc.get_freeze_count() > 10_000
    kept = [[number] for number in range(5_000)]
    # Not all of them: what other threads let go of in the meantime is counted off.
    assert gc.get_count()[0] >= len(kept) // 2, "a batch of messages sets nothing off"
