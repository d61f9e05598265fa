"""Days as people write them: a year, a month or a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import click

from avatarrig.body.sums.capture_days import UNDATED, first_day, is_bucket, last_day
from avatarrig.cli.options.gathering import gathered
from avatarrig.photos.period import Period


class _Day(click.ParamType):
    """The first or the last day of a year, a month or a day."""

    name = "DATE"

    def __init__(self, bound: Callable[[str], dt.date]) -> None:
        self._bound = bound

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> dt.date:
        """Reads it."""
        if isinstance(value, dt.date):
            return value
        if not isinstance(value, str) or value in {"", UNDATED} or not is_bucket(value):
            self.fail(f"{value!r} is no date: write 2019, 2019-07 or 2019-07-24", param, ctx)
        return self._bound(value)


def _period(*, since: dt.date | None, until: dt.date | None) -> Period:
    if since is not None and until is not None and since > until:
        raise click.UsageError(f"--since {since} is after --until {until}")
    return Period(since, until)


period_options = gathered(
    "period",
    _period,
    click.option(
        "--since",
        type=_Day(first_day),
        help="Only photos from then on count: a year, a month or a day, such as 2019-07. Photos "
        "that do not say when they were taken do not count then.",
    ),
    click.option("--until", type=_Day(last_day), help="Only photos until then count."),
)
"""Gives a command the options; it is called with one argument ``period`` for both."""
