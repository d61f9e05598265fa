"""A process that stands still ends; one that works, or waits as announced, does not."""

from __future__ import annotations

import threading
import time

from processors.watchdog import Watchdog

PATIENCE = 30.0


def test_silence_ends_the_process() -> None:
    ended = threading.Event()
    with Watchdog(0.3, ended.set) as watchdog:
        watchdog.alive("committing")
        assert ended.wait(PATIENCE)


def test_signs_of_life_keep_it_alive() -> None:
    ended = threading.Event()
    with Watchdog(2.0, ended.set) as watchdog:
        until = time.monotonic() + 4.0
        while time.monotonic() < until:
            watchdog.alive("polling")
            time.sleep(0.01)
        assert not ended.is_set()
        assert ended.wait(PATIENCE)


def test_a_step_that_may_take_longer_is_given_longer() -> None:
    long, usual = threading.Event(), threading.Event()
    with Watchdog(0.25, long.set) as patient, Watchdog(0.25, usual.set):
        patient.alive("connecting", PATIENCE)
        assert usual.wait(PATIENCE)
        assert not long.is_set()
