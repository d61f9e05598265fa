"""The command is killed: all of it ends, and each photo counts once after the next start."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.command import Result
from support.disturbed import (
    BROKER,
    REPLICA,
    SANDBOX,
    Disturbed,
    Flock,
    assert_whole,
    wait_until_gone,
)

pytestmark = pytest.mark.broker


def test_after_a_kill_the_same_command_goes_on(
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
