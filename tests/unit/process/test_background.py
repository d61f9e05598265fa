"""A thread that dies is heard of: a command must not wait for it."""

from __future__ import annotations

import threading

import pytest

from avatarrig.process.background import Background, BackgroundError


def test_a_thread_that_ends_well_is_no_news() -> None:
    background = Background()
    done = threading.Event()
    background.start("publishing", done.set).join()
    assert done.is_set()
    background.check()


def test_a_thread_that_dies_is_told_with_its_name_and_reason() -> None:
    def die() -> None:
        raise OSError("no space left")

    background = Background()
    background.start("publishing", die).join()
    with pytest.raises(BackgroundError, match=r"publishing failed.*no space left"):
        background.check()


def test_the_first_one_is_the_reason() -> None:
    def die() -> None:
        raise KeyError("first")

    def die_too() -> None:
        raise KeyError("second")

    background = Background()
    background.start("one", die).join()
    background.start("two", die_too).join()
    with pytest.raises(BackgroundError, match=r"one failed.*first"):
        background.check()
