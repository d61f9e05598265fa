"""When tallies and estimates are published."""

from __future__ import annotations

import pytest

from aggregators.debounce import Debounce, PublishingSettings


def test_the_first_change_is_due_at_once_and_the_next_when_it_has_settled() -> None:
    pace: Debounce[str] = Debounce(PublishingSettings(interval=1.0, settled=0.05, gap=0.2))
    pace.changed("anna", 10.0)
    assert pace.due(10.0, idle=False) == ["anna"]
    pace.published(["anna"], 10.0, spent=0.0)
    pace.changed("anna", 10.15)
    assert pace.due(10.19, idle=False) == [], "too soon after the last time"
    assert pace.due(10.21, idle=False) == ["anna"]


def test_a_key_that_never_settles_is_published_once_an_interval() -> None:
    pace: Debounce[str] = Debounce(PublishingSettings(interval=1.0, settled=0.05, gap=0.2))
    published = []
    for tick in range(300):
        now = tick / 100
        pace.changed("anna", now)
        if pace.due(now, idle=False):
            pace.published(["anna"], now, spent=0.0)
            published.append(now)
    assert published == pytest.approx([0.0, 1.0, 2.0])


def test_a_change_while_publishing_stays_pending() -> None:
    pace: Debounce[str] = Debounce(PublishingSettings())
    pace.changed("anna", 1.0)
    assert pace.due(1.0, idle=False) == ["anna"]
    pace.changed("anna", 1.1)
    pace.published(["anna"], 1.0, spent=0.1)
    assert pace.pending


def test_publishing_takes_its_share_of_the_time_and_no_more_unless_idle() -> None:
    pace: Debounce[int] = Debounce(PublishingSettings(share=0.1, portion=5))
    for key in range(8):
        pace.changed(key, 0.0)
    assert pace.due(0.0, idle=False) == [0, 1, 2, 3, 4]
    pace.published([0, 1, 2, 3, 4], 0.0, spent=0.5)
    assert pace.due(4.9, idle=False) == []
    assert pace.due(4.9, idle=True) == [5, 6, 7]
    assert pace.due(5.1, idle=False) == [5, 6, 7]
