"""A worker of the aggregator, without Kafka."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Iterator

import pytest

from aggregators.__main__ import stop_on_signals
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


def test_a_worker_is_told_to_stop_also_where_the_loop_hears_of_no_signals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such as on Windows."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def refused(*_: object) -> None:
        raise NotImplementedError

    async def stopped() -> bool:
        monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", refused)
        stop = stop_on_signals()
        signal.raise_signal(signal.SIGTERM)
        return await asyncio.wait_for(stop.wait(), 60)

    try:
        assert asyncio.run(stopped())
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
