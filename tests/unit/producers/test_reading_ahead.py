"""Reading ahead: in order, on two threads, never far beyond what was asked for."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from itertools import count
from typing import cast

import pytest

from producers.reading_ahead import AHEAD, READERS, read_ahead


def test_outcomes_come_in_the_order_of_the_items_though_readings_end_in_another() -> None:
    second_read = threading.Event()

    def read(number: int) -> int:
        if number == 0:
            assert second_read.wait(60)
        second_read.set()
        return number * number

    assert [(item, outcome()) for item, outcome in read_ahead(range(20), read)] == [
        (number, number * number) for number in range(20)
    ]


def test_two_are_read_at_a_time() -> None:
    together = threading.Barrier(READERS, timeout=60)

    def read(_: int) -> int:
        return together.wait()

    pairs = [outcome() for _, outcome in read_ahead(range(READERS * 3), read)]
    assert sorted(pairs) == sorted([*range(READERS)] * 3)


def test_what_a_reading_raises_comes_with_its_item_and_the_others_go_on() -> None:
    def read(number: int) -> float:
        return 1 / number

    outcomes = list(read_ahead([1, 0, 2], read))
    assert outcomes[0][1]() == 1.0
    with pytest.raises(ZeroDivisionError):
        outcomes[1][1]()
    assert outcomes[2][1]() == 0.5


def test_of_an_endless_source_only_so_many_are_taken_ahead() -> None:
    before = set(threading.enumerate())
    taken: list[int] = []

    def endless() -> Iterator[int]:
        for number in count():
            taken.append(number)
            yield number

    outcomes = read_ahead(endless(), lambda number: number)
    for asked in range(1, 10):
        next(outcomes)
        assert len(taken) <= asked + AHEAD
    cast("Generator[object]", outcomes).close()
    assert not set(threading.enumerate()) - before
