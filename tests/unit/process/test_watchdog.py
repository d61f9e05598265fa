"""A process that stands still ends; one that works, or waits as announced, does not."""

from __future__ import annotations

import itertools
import threading

from support.waiting import PATIENCE

from avatarrig.process.watchdog import LOOK_SECONDS, Watchdog


def test_silence_ends_the_process() -> None:
    ended = threading.Event()
    with Watchdog(0.3, ended.set) as watchdog:
        watchdog.alive("committing")
        assert ended.wait(PATIENCE)


def looks_until_it_ends(watchdog: Watchdog) -> int:
    return next(number for number in itertools.count(1) if watchdog.look())


def test_signs_of_life_keep_it_alive() -> None:
    watchdog = Watchdog(4 * LOOK_SECONDS)
    for _ in range(10):
        watchdog.alive("polling")
        assert not any(watchdog.look() for _ in range(3))
    watchdog.alive("polling")
    assert looks_until_it_ends(watchdog) == 4


def test_a_step_that_may_take_longer_is_given_longer() -> None:
    watchdog = Watchdog(4 * LOOK_SECONDS)
    watchdog.alive("connecting", 40 * LOOK_SECONDS)
    assert looks_until_it_ends(watchdog) == 40
    watchdog.alive("polling")
    assert looks_until_it_ends(watchdog) == 4


def test_work_that_is_always_as_far_as_before_ends_the_process() -> None:
    ended = threading.Event()
    with Watchdog(0.5, ended.set) as watchdog:
        while not ended.wait(0.05):
            watchdog.report("always the same", idle=False)


def test_work_that_moves_or_is_done_keeps_it_alive() -> None:
    watchdog = Watchdog(3 * LOOK_SECONDS)
    for step in range(20):
        watchdog.report(min(10, step), idle=step >= 10)
        assert not any(watchdog.look() for _ in range(2))
    watchdog.report(10, idle=False)
    assert watchdog.look()
