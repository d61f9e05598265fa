"""The command is killed, and given again: each photo counts once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.cli.disturbed import (
    BROKER,
    REPLICA,
    SANDBOX,
    Disturbed,
    Flock,
    assert_whole,
    wait_until_gone,
)
from support.cli.paced_command import PUBLISHED
from support.command import Result

pytestmark = pytest.mark.broker


def test_when_the_command_is_killed_all_of_it_ends_and_the_next_start_goes_on(
    flock: Flock, undisturbed: Result, start: Callable[..., Disturbed]
) -> None:
    flock.pace(0.02)
    for observed in (1, flock.count // 2):
        run = start(flock.photos)
        run.wait_for_observed(observed)
        family = run.family()
        for kind in (REPLICA, SANDBOX, BROKER):
            assert run.members(kind)
        run.process.kill()
        run.process.wait()
        wait_until_gone(family)
    flock.pace(0)
    assert_whole(start(flock.photos).result(), undisturbed)


def test_everything_is_killed_at_once(
    flock: Flock, undisturbed: Result, start: Callable[..., Disturbed]
) -> None:
    flock.pace(0.02)
    for observed in (flock.count // 4, flock.count // 2):
        run = start(flock.photos)
        run.wait_for_observed(observed)
        run.kill_everything()
    flock.pace(0)
    assert_whole(start(flock.photos).result(), undisturbed)


def test_the_producer_is_killed_half_way(
    flock: Flock, undisturbed: Result, start: Callable[..., Disturbed]
) -> None:
    half = flock.count // 2
    run = start(flock.photos, environment={PUBLISHED: str(half)})
    run.wait_for_observed(half)
    run.kill_everything()
    assert run.observed() == half
    assert_whole(start(flock.photos).result(), undisturbed)
