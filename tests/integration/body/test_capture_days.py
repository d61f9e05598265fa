from __future__ import annotations

import datetime as dt
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avatarrig.body.sums.capture_days import (
    MAX_BUCKETS,
    OLDER,
    UNDATED,
    bucket_of,
    capture_day,
    first_day,
    is_bucket,
    last_day,
)

FOUND = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC).timestamp()
DAY = 86_400.0
DATES = st.dates(dt.date(1970, 1, 1), dt.date(2150, 12, 31))


def test_the_capture_time_decides_the_day() -> None:
    assert capture_day(FOUND - 3 * DAY, FOUND) == "2026-11-19"


@pytest.mark.parametrize("captured", [None, -1.0, math.nan, math.inf, FOUND + 2 * DAY])
def test_a_photo_whose_time_is_unknown_or_cannot_be_is_of_no_day(captured: float | None) -> None:
    assert capture_day(captured, FOUND) == UNDATED


@given(st.floats())
def test_any_arrival_time_has_a_day(found: float) -> None:
    assert is_bucket(capture_day(found, found))


@pytest.mark.parametrize(
    ("day", "bucket"),
    [
        ("2026-11-22", "2026-11-22"),
        ("2026-09-01", "2026-09-01"),
        ("2026-08-31", "2026-08"),
        ("2025-06-01", "2025-06"),
        ("2025-05-31", "2025"),
        ("2019-01-01", "2019"),
        ("2018-12-31", OLDER),
        ("1970-01-01", OLDER),
        (UNDATED, UNDATED),
    ],
)
def test_buckets_grow_with_age(day: str, bucket: str) -> None:
    assert bucket_of(day, "2026-11") == bucket


@given(st.lists(DATES, min_size=3, max_size=3))
def test_coarsening_in_steps_is_coarsening_at_once(dates: list[dt.date]) -> None:
    day, between, newest = (date.isoformat() for date in sorted(dates))
    assert bucket_of(bucket_of(day, between[:7]), newest[:7]) == bucket_of(day, newest[:7])


@given(DATES, DATES)
def test_a_bucket_holds_its_day(one: dt.date, other: dt.date) -> None:
    day, newest = sorted([one, other])
    bucket = bucket_of(day.isoformat(), newest.isoformat()[:7])
    assert is_bucket(bucket)
    if bucket != OLDER:
        assert first_day(bucket) <= day <= last_day(bucket)


@settings(max_examples=10, deadline=None)
@given(DATES)
def test_there_are_never_more_buckets_than_promised(newest: dt.date) -> None:
    days = (newest - dt.timedelta(age) for age in range(min(5000, newest.toordinal() - 1)))
    buckets = {bucket_of(day.isoformat(), newest.isoformat()[:7]) for day in days}
    assert len(buckets) <= MAX_BUCKETS


@pytest.mark.parametrize("name", ["2026-13", "2026-02-30", "20261122", "abcd", "9999", 2026, None])
def test_other_names_are_no_buckets(name: object) -> None:
    assert not is_bucket(name)
