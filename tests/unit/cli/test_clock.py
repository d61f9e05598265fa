"""Moments are shown by the user's clock, or by UTC where that is none."""

from __future__ import annotations

import datetime as dt
import time

import pytest

from avatarrig.cli.screen.clock import local_time


@pytest.mark.parametrize("zone", ["UTC+99", "UTC-25", "Foo/Bar", "", ":/etc/passwd", "UTC-2"])
def test_a_moment_is_told_whatever_zone_is_set(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", zone)
        time.tzset()
        told = local_time(1683367872.0)
    time.tzset()
    assert told.tzinfo is not None
    assert told.timestamp() == 1683367872.0
    if zone == "UTC-2":
        assert told.utcoffset() == dt.timedelta(hours=2)
