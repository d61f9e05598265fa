"""The tally of one subject: everything that photos have said, in bounded space.

A tally holds integers only. Adding, merging and taking back are exact and give the same tally in
any order; how many photos it has seen changes neither its size nor the cost of the next one.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import msgpack

from avatarrig.skeleton.capture_days import (
    OLDER,
    YEARLY_YEARS,
    bucket_of,
    capture_day,
    first_day,
    is_bucket,
    last_day,
)
from avatarrig.skeleton.counting import REASONS
from avatarrig.skeleton.current_evidence import judge
from avatarrig.skeleton.histogram import Histogram
from avatarrig.skeleton.photo_sums import PhotoSums, total_of
from avatarrig.skeleton.ratios import RATIO_KEYS
from avatarrig.skeleton.refused import LearnedRefusedError, StateRefusedError

if TYPE_CHECKING:
    from avatarrig.records import Evidence, Observation

TALLY_FORMAT: Final = 1
"""Version of the packed form."""

_NO_MONTH: Final = "1970-01"


class Tally:
    """Statistics of a subject's photos.

    `add` and `subtract` change the tally in place and return it; ``+`` and ``-`` make a new one
    and leave both operands alone. Taking back what was added restores every count and sum; only
    days that a newer photo has made coarse stay coarse.

    >>> Tally.empty().observations
    0
    """

    __slots__ = (
        "_buckets",
        "_excluded",
        "_histograms",
        "_newest_month",
        "_observations",
        "_people",
    )

    def __init__(self) -> None:
        self._observations = 0
        self._people = 0
        self._excluded: Counter[str] = Counter()
        self._histograms: dict[str, Histogram] = {}
        self._buckets: dict[str, PhotoSums] = {}
        self._newest_month = _NO_MONTH

    @classmethod
    def empty(cls) -> Tally:
        """Returns the tally of no photos."""
        return cls()

    @property
    def observations(self) -> int:
        """Photos observed, whether they count or not."""
        return self._observations

    @property
    def with_person(self) -> int:
        """Photos in which somebody was found, whether they count or not."""
        return self._people

    @property
    def excluded(self) -> dict[str, int]:
        """Photos that do not count, by reason (`avatarrig.skeleton.counting.REASONS`)."""
        return {reason: self._excluded[reason] for reason in REASONS if self._excluded[reason]}

    @property
    def used(self) -> int:
        """Photos that count."""
        return self._observations - self._excluded.total()

    @property
    def learned(self) -> str | None:
        """Version of the weights that made the evidence; None while there is none."""
        return next((sums.evidence.learned for sums in self._buckets.values()), None)

    @property
    def newest_day(self) -> dt.date | None:
        """Latest day on which a photo that counts was taken; None while there is none."""
        return max(map(self._last_day, self._buckets), default=None)

    def histogram(self, key: str) -> Histogram:
        """Returns how often which length of a bone was read.

        Args:
            key: One of `avatarrig.skeleton.ratios.RATIO_KEYS`.
        """
        return self._histograms.get(key, Histogram())

    def everything(self) -> PhotoSums:
        """Returns the sums of all photos that count."""
        return total_of(self._buckets.values())

    def since(self, day: dt.date) -> tuple[PhotoSums, dt.date]:
        """Returns the sums of the photos taken on a day or later.

        Exact for the last 59 days and more. Further back only whole months and years are kept;
        the one that the day falls into is left out.

        Args:
            day: The first day wanted.

        Returns:
            The sums, and the first day that they really begin with.
        """
        one_day = dt.timedelta(1)
        ends = {name: self._last_day(name) for name in self._buckets}
        cut = [end + one_day for name, end in ends.items() if first_day(name) < day <= end]
        start = max([day, *cut])
        inside = (sums for name, sums in self._buckets.items() if first_day(name) >= start)
        return total_of(inside), start

    def add(self, observation: Observation) -> Tally:
        """Counts a photo, in place.

        Args:
            observation: What the detector saw in it.

        Returns:
            This tally.

        Raises:
            StateRefusedError: The observation's evidence is malformed; nothing was counted.
            LearnedRefusedError: The tally's evidence was made by other weights than are
                installed; nothing was counted.
        """
        reason, evidence = judge(observation)
        if evidence is not None:
            self._check_learned(evidence.learned)
            self._count(evidence, capture_day(observation.captured_at, observation.found_at))
        else:
            self._excluded[reason] += 1
        self._observations += 1
        self._people += observation.pose is not None
        return self

    def subtract(self, observation: Observation) -> Tally:
        """Takes back a photo, in place.

        Args:
            observation: The record that was added.

        Returns:
            This tally.

        Raises:
            StateRefusedError: It was never counted; the tally is as it was.
        """
        rest = self - Tally().add(observation)
        for slot in self.__slots__:
            setattr(self, slot, getattr(rest, slot))
        return self

    def __add__(self, other: Tally) -> Tally:
        if other.learned is not None:
            self._check_learned(other.learned)
        total = Tally()
        total._newest_month = max(self._newest_month, other._newest_month)
        for part in (self, other):
            total._observations += part._observations
            total._people += part._people
            total._excluded += part._excluded
            for key, histogram in part._histograms.items():
                total._histograms[key] = total.histogram(key) + histogram
            for name, sums in part._aged(total._newest_month).items():
                total._buckets[name] = total_of([total._buckets.get(name, PhotoSums()), sums])
        return total

    def __sub__(self, other: Tally) -> Tally:
        """Takes back what another tally contains.

        Raises:
            StateRefusedError: This one does not contain it.
        """
        rest = Tally()
        rest._newest_month = self._newest_month
        rest._observations = self._observations - other._observations
        rest._people = self._people - other._people
        rest._excluded.update(self._excluded)
        rest._excluded.subtract(other._excluded)
        counts = (rest._observations, rest._people, *rest._excluded.values())
        if min(counts) < 0 or other._newest_month > self._newest_month:
            raise StateRefusedError("more photos are to be taken back than were added")
        rest._excluded = +rest._excluded
        for key in RATIO_KEYS:
            if histogram := self.histogram(key) - other.histogram(key):
                rest._histograms[key] = histogram
        theirs = other._aged(self._newest_month)
        for name in {*self._buckets, *theirs}:
            sums = self._buckets.get(name, PhotoSums()) - theirs.get(name, PhotoSums())
            if sums.photos:
                rest._buckets[name] = sums
        return rest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment] # it changes

    def __repr__(self) -> str:
        return f"Tally({self.observations} observations, {self.used} used)"

    def to_bytes(self) -> bytes:
        """Packs the tally: under 64 KB; equal tallies give equal bytes."""
        state = [
            TALLY_FORMAT,
            self._newest_month,
            self._observations,
            self._people,
            self.excluded,
            self.learned,
            {key: self._histograms[key].to_row() for key in RATIO_KEYS if key in self._histograms},
            {name: self._buckets[name].to_row() for name in sorted(self._buckets)},
        ]
        packed: bytes = msgpack.packb(state)
        return packed

    @classmethod
    def from_bytes(cls, data: bytes) -> Tally:
        """Reads what `to_bytes` wrote.

        Raises:
            StateRefusedError: It holds something else, or a newer format.
        """
        try:
            state = msgpack.unpackb(data)
            return cls._restored(state)
        except StateRefusedError:
            raise
        except (ValueError, TypeError, AttributeError, msgpack.UnpackException) as error:
            raise StateRefusedError(f"these bytes hold no tally: {error!r}") from error

    @classmethod
    def _restored(cls, state: Any) -> Tally:  # noqa: ANN401 - whatever the bytes held
        if not isinstance(state, list) or state[:1] != [TALLY_FORMAT]:
            raise StateRefusedError(
                f"this is no tally of format {TALLY_FORMAT}: upgrade, or replay"
            )
        tally = cls()
        _, newest, tally._observations, tally._people, excluded, learned, rows, sums = state
        tally._newest_month = newest
        tally._excluded.update(excluded)
        tally._histograms = {key: Histogram.from_row(row) for key, row in rows.items()}
        tally._buckets = {name: PhotoSums.from_row(learned, row) for name, row in sums.items()}
        counts = (tally._observations, tally._people, tally.used, *excluded.values())
        if (
            not all(type(count) is int and count >= 0 for count in counts)
            or not tally._histograms.keys() <= set(RATIO_KEYS)
            or not all(map(is_bucket, [f"{newest}-01", *tally._buckets]))
            or tally.everything().photos != tally.used
        ):
            raise StateRefusedError("a tally's counts contradict each other")
        return tally

    def _check_learned(self, version: str) -> None:
        if self.learned not in {None, version}:
            raise LearnedRefusedError(
                f"the tally's evidence was made by {self.learned!r}, this by {version!r}: replay "
                "the observations"
            )

    def _count(self, evidence: Evidence, day: str) -> None:
        if day[:7] > self._newest_month:
            self._newest_month = day[:7]
            self._buckets = self._aged(self._newest_month)
        name = bucket_of(day, self._newest_month)
        if name not in self._buckets:
            self._buckets[name] = PhotoSums()
        self._buckets[name].add(evidence)
        for key, index in evidence.ratios.items():
            if key not in self._histograms:
                self._histograms[key] = Histogram()
            self._histograms[key].add(index)

    def _aged(self, month: str) -> dict[str, PhotoSums]:
        """The buckets as coarse as they are to be once there is a photo of that month."""
        aged: dict[str, PhotoSums] = {}
        for name, sums in self._buckets.items():
            kept = bucket_of(name, month)
            aged[kept] = total_of([aged[kept], sums]) if kept in aged else sums
        return aged

    def _last_day(self, name: str) -> dt.date:
        if name == OLDER:
            return dt.date(int(self._newest_month[:4]) - YEARLY_YEARS, 12, 31)
        return last_day(name)
