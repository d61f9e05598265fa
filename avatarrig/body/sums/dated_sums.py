"""Sums of photos by capture time: days, months and years, in bounded space."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from avatarrig.body.refused import StateRefusedError
from avatarrig.body.sums.capture_days import (
    OLDER,
    UNDATED,
    YEARLY_YEARS,
    bucket_of,
    first_day,
    is_bucket,
    last_day,
)
from avatarrig.body.sums.photo_sums import PhotoSums

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from avatarrig.wire import Evidence

_NO_MONTH: Final = "1970-01"
_ONE_DAY: Final = dt.timedelta(1)


class DatedSums:
    """Buckets of sums (see `avatarrig.body.sums.capture_days`); `add` changes them in place."""

    __slots__ = ("_buckets", "_newest_month")

    def __init__(
        self, newest_month: str = _NO_MONTH, buckets: Mapping[str, PhotoSums] | None = None
    ) -> None:
        self._newest_month = newest_month
        self._buckets: dict[str, PhotoSums] = dict(buckets or {})

    @property
    def newest_day(self) -> dt.date | None:
        """Latest day that a photo was taken on; None while no photo tells one."""
        return max(map(self._last_day, self._buckets.keys() - {UNDATED}), default=None)

    @property
    def undated(self) -> int:
        """How many photos do not tell when they were taken."""
        return self._buckets[UNDATED].photos if UNDATED in self._buckets else 0

    def everything(self) -> PhotoSums:
        """Returns the sums of all photos."""
        return PhotoSums.total(self._buckets.values())

    def parts(self) -> dict[str, PhotoSums]:
        """Returns day, month or year to the sums of its photos."""
        return dict(self._buckets)

    def since(self, day: dt.date) -> tuple[PhotoSums, dt.date]:
        """Returns the sums of the photos taken on a day or later.

        Exact for the last 59 days and more. Further back only whole months and years are kept;
        the one that the day falls into is left out.

        Args:
            day: The first day wanted.

        Returns:
            The sums, and the first day that they really begin with.
        """
        dated = {name: sums for name, sums in self._buckets.items() if name != UNDATED}
        ends = {name: self._last_day(name) for name in dated}
        cut = [end + _ONE_DAY for name, end in ends.items() if first_day(name) < day <= end]
        start = max([day, *cut])
        inside = (sums for name, sums in dated.items() if first_day(name) >= start)
        return PhotoSums.total(inside), start

    def add(self, evidence: Evidence, day: str) -> None:
        """Adds a photo.

        Args:
            evidence: What it says.
            day: When it was taken, an ISO date or `UNDATED`.
        """
        if day != UNDATED and day[:7] > self._newest_month:
            self._buckets = self._aged(day[:7])
            self._newest_month = day[:7]
        name = bucket_of(day, self._newest_month)
        if name not in self._buckets:
            self._buckets[name] = PhotoSums()
        self._buckets[name].add(evidence)

    def __add__(self, other: DatedSums) -> DatedSums:
        newest = max(self._newest_month, other._newest_month)
        parts = (self._aged(newest), other._aged(newest))
        return DatedSums(
            newest,
            {
                name: PhotoSums.total(part[name] for part in parts if name in part)
                for name in {*parts[0], *parts[1]}
            },
        )

    def __sub__(self, other: DatedSums) -> DatedSums:
        """Takes photos back.

        Raises:
            StateRefusedError: They are not all contained.
        """
        if other._newest_month > self._newest_month:
            raise StateRefusedError("a photo is to be taken back that is newer than any added")
        theirs = other._aged(self._newest_month)
        rest = {
            name: self._buckets.get(name, PhotoSums()) - theirs.get(name, PhotoSums())
            for name in {*self._buckets, *theirs}
        }
        return DatedSums(
            self._newest_month, {name: sums for name, sums in rest.items() if sums.photos}
        )

    def to_builtins(self) -> list[object]:
        """Returns strings and integers that `from_builtins` reads."""
        rows = {name: self._buckets[name].to_row() for name in sorted(self._buckets)}
        return [self._newest_month, rows]

    @classmethod
    def from_builtins(cls, packed: Sequence[object]) -> DatedSums:
        """Reads what `to_builtins` wrote.

        Raises:
            StateRefusedError: It holds something else.
        """
        match packed:
            case [str() as newest, dict() as rows] if all(map(is_bucket, [f"{newest}-01", *rows])):
                return cls(newest, {name: PhotoSums.from_row(row) for name, row in rows.items()})
        raise StateRefusedError("these are no sums of photos by capture time")

    def _aged(self, month: str) -> dict[str, PhotoSums]:
        """The buckets as coarse as they are to be once there is a photo of that month."""
        if month == self._newest_month:
            return self._buckets
        aged: dict[str, PhotoSums] = {}
        for name, sums in self._buckets.items():
            kept = bucket_of(name, month)
            aged[kept] = PhotoSums.total([aged[kept], sums]) if kept in aged else sums
        return aged

    def _last_day(self, name: str) -> dt.date:
        if name == OLDER:
            return dt.date(int(self._newest_month[:4]) - YEARLY_YEARS, 12, 31)
        return last_day(name)
