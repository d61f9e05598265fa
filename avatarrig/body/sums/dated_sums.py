"""Sums of photos by capture time: days, months and years, in bounded space."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

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
from avatarrig.body.sums.evidence_sum import COUNTS, ROW_LENGTH, EvidenceSum
from avatarrig.body.sums.keyed_sums import KeyedSums

_NO_MONTH: Final = "1970-01"
_ONE_DAY: Final = dt.timedelta(1)

DatedRow = tuple[str, list[int]]
"""When a photo was taken, an ISO date or `UNDATED`, and its row (see `evidence_sum.row_of`)."""


class DatedSums:
    """Buckets of sums (see `avatarrig.body.sums.capture_days`).

    `add` and `subtract` work in place. What is taken back leaves no trace in any count or sum;
    only days that a newer photo has made coarse stay coarse.
    """

    __slots__ = ("_newest_month", "_sums")

    def __init__(self, newest_month: str = _NO_MONTH, sums: KeyedSums[str] | None = None) -> None:
        self._sums: KeyedSums[str] = KeyedSums(ROW_LENGTH, COUNTS) if sums is None else sums
        is_dated = bool(self._sums.rows.keys() - {UNDATED})
        self._newest_month = newest_month if is_dated else _NO_MONTH

    @property
    def photos(self) -> int:
        """How many photos are contained."""
        return self._sums.count

    @property
    def newest_day(self) -> dt.date | None:
        """Latest day that a photo was taken on; None while no photo tells one."""
        return max(map(self._last_day, self._sums.rows.keys() - {UNDATED}), default=None)

    @property
    def undated(self) -> int:
        """How many photos do not tell when they were taken."""
        return self._sums.rows[UNDATED][0] if UNDATED in self._sums.rows else 0

    def everything(self, learned: str | None) -> EvidenceSum:
        """Returns the sums of all photos.

        Args:
            learned: Version of the weights that made the evidence.
        """
        return EvidenceSum(learned, self._sums.total())

    def parts(self, learned: str | None) -> dict[str, EvidenceSum]:
        """Returns day, month or year to the sums of its photos.

        Args:
            learned: Version of the weights that made the evidence.
        """
        return {name: EvidenceSum(learned, row) for name, row in self._sums.rows.items()}

    def since(self, day: dt.date) -> tuple[frozenset[str], dt.date]:
        """Tells which buckets hold the photos taken on a day or later.

        Exact for the last 59 days and more. Further back only whole months and years are kept;
        the one that the day falls into is left out.

        Args:
            day: The first day wanted.

        Returns:
            Their names, and the first day that they really begin with.
        """
        ends = {name: self._last_day(name) for name in self._sums.rows.keys() - {UNDATED}}
        cut = [end + _ONE_DAY for name, end in ends.items() if first_day(name) < day <= end]
        start = max([day, *cut])
        return frozenset(name for name in ends if first_day(name) >= start), start

    def add(self, item: DatedRow) -> None:
        """Adds a photo."""
        day, row = item
        if day != UNDATED and day[:7] > self._newest_month:
            self._sums = self._aged(day[:7])
            self._newest_month = day[:7]
        self._sums.add((bucket_of(day, self._newest_month), row))

    def subtract(self, item: DatedRow) -> None:
        """Takes a photo back. Raises StateRefusedError: It is not contained."""
        day, row = item
        if day != UNDATED and day[:7] > self._newest_month:
            raise StateRefusedError("a photo is to be taken back that is newer than any added")
        self._sums.subtract((bucket_of(day, self._newest_month), row))
        if not self._sums.rows.keys() - {UNDATED}:
            self._newest_month = _NO_MONTH

    def __add__(self, other: DatedSums) -> DatedSums:
        newest = max(self._newest_month, other._newest_month)
        return DatedSums(newest, self._aged(newest) + other._aged(newest))

    def __sub__(self, other: DatedSums) -> DatedSums:
        """Takes photos back. Raises StateRefusedError: They are not all contained."""
        if other._newest_month > self._newest_month:
            raise StateRefusedError("a photo is to be taken back that is newer than any added")
        return DatedSums(self._newest_month, self._sums - other._aged(self._newest_month))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DatedSums) and self.pack() == other.pack()

    def pack(self) -> list[Any]:
        """Returns the newest month, the buckets and their sums."""
        return [self._newest_month, self._sums.pack()]

    @classmethod
    def unpack(cls, packed: object) -> DatedSums:
        """Reads what `pack` made. Raises StateRefusedError: It holds something else."""
        match packed:
            case [str() as newest, sums] if is_bucket(f"{newest}-01"):
                read = KeyedSums[str](ROW_LENGTH, COUNTS).unpacked(sums)
                if all(map(is_bucket, read.rows)):
                    return cls(newest, read)
        raise StateRefusedError("these are no sums of photos by capture time")

    def _aged(self, month: str) -> KeyedSums[str]:
        """The buckets as coarse as they are to be once there is a photo of that month."""
        if month == self._newest_month:
            return self._sums
        return self._sums.rekeyed({name: bucket_of(name, month) for name in self._sums.rows})

    def _last_day(self, name: str) -> dt.date:
        if name == OLDER:
            return dt.date(int(self._newest_month[:4]) - YEARLY_YEARS, 12, 31)
        return last_day(name)
