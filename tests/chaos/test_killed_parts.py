"""Parts of a run are killed again and again: they come back, and each photo counts once."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable

import pytest
from support.cli.disturbed import AGGREGATOR, HELD, REPLICA, Disturbed, Flock, assert_whole
from support.command import Result

pytestmark = pytest.mark.broker
PACE = 0.03


def estimates_more(run: Disturbed, before: int) -> bool:
    return run.estimated() > before


@pytest.fixture
def dice() -> random.Random:
    return random.Random(11)


def test_replicas(
    flock: Flock, undisturbed: Result, start: Callable[..., Disturbed], dice: random.Random
) -> None:
    flock.pace(PACE)
    run = start(flock.photos)
    for observed in range(30, flock.count - 30, 60):
        run.wait_for_observed(observed)
        run.kill(REPLICA, dice)
    assert_whole(run.result(), undisturbed)
    assert "ended and was started again" in run.errors()


@pytest.mark.parametrize("kinds", [(AGGREGATOR,), (AGGREGATOR, REPLICA)])
def test_aggregator(
    flock: Flock,
    undisturbed: Result,
    start: Callable[..., Disturbed],
    dice: random.Random,
    kinds: tuple[str, ...],
) -> None:
    """Between two kills it takes something in, so that it is killed at work."""
    run = start(flock.photos)
    for observed in range(40, 500, 90):
        flock.pace(PACE)
        run.wait_for_observed(observed)
        flock.pace(HELD)
        before = run.estimated()
        run.wait_for(functools.partial(estimates_more, run, before))
        flock.pace(PACE)
        run.wait_for_observed(observed + 20)
        for kind in kinds:
            run.kill(kind, dice)
    flock.pace(0)
    assert_whole(run.result(), undisturbed)
    assert run.errors().count("aggregator ended and was started again") >= 5
