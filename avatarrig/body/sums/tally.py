"""The tally of one subject: everything that photos have said, in bounded space.

A tally holds integers only. Adding, merging and taking back are exact and give the same tally in
any order; how many photos it has seen changes neither its size nor the cost of the next one.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import msgpack

from avatarrig.body.levels import moments_of
from avatarrig.body.ratios import SHOWN_KEYS
from avatarrig.body.refused import LearnedRefusedError, OutdatedStateError, StateRefusedError
from avatarrig.body.sums.dated_sums import DatedSums
from avatarrig.body.sums.histogram import Histogram
from avatarrig.body.sums.moments import MomentSums, trace_of
from avatarrig.body.sums.photo import CountedPhoto, ExcludedPhoto, photo_of
from avatarrig.wire.reasons import Exclusion

if TYPE_CHECKING:
    import datetime as dt

    from avatarrig.body.levels import Cell
    from avatarrig.body.sums.evidence_sum import EvidenceSum
    from avatarrig.wire import Observation

TALLY_FORMAT: Final = 3
"""Version of the packed form."""


class Tally:
    """Statistics of a subject's photos.

    `add` and `subtract` change the tally in place and return it; ``+`` and ``-`` make a new one
    and leave both operands alone. Taking back what was added restores every count and sum; only
    days that a newer photo has made coarse stay coarse.

    >>> Tally.empty().observations
    0
    """

    __slots__ = (
        "_excluded",
        "_histograms",
        "_learned",
        "_moments",
        "_observations",
        "_people",
        "_shown",
        "_sums",
    )

    def __init__(self) -> None:
        self._observations = 0
        self._people = 0
        self._excluded: Counter[str] = Counter()
        self._learned: str | None = None
        self._histograms: dict[str, Histogram] = {}
        self._shown: Counter[tuple[str, int]] = Counter()
        self._sums = DatedSums()
        self._moments = MomentSums()

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
    def excluded(self) -> dict[Exclusion, int]:
        """Photos that do not count, by reason (`avatarrig.wire.reasons.Exclusion`)."""
        return {reason: self._excluded[reason] for reason in Exclusion if self._excluded[reason]}

    @property
    def used(self) -> int:
        """Photos that count."""
        return self._observations - self._excluded.total()

    @property
    def learned(self) -> str | None:
        """Version of the weights that made the evidence; None while there is none."""
        return self._learned

    @property
    def newest_day(self) -> dt.date | None:
        """Latest day on which a photo that counts was taken; None while there is none."""
        return self._sums.newest_day

    @property
    def undated(self) -> int:
        """Photos that count and do not tell when they were taken."""
        return self._sums.undated

    def histogram(self, key: str) -> Histogram:
        """Returns how often which length of a bone was read.

        Args:
            key: One of `avatarrig.body.ratios.SHOWN_KEYS`.
        """
        return self._counted_ratios().get(key, Histogram())

    def everything(self) -> EvidenceSum:
        """Returns the sums of all photos that count."""
        return self._sums.everything(self._learned)

    def cells(self) -> list[Cell]:
        """Returns all photos that count, by moment and session."""
        return self._moments.cells(self._learned, len(self._sums.parts(None)))

    @property
    def moments(self) -> int:
        """How many moments the photos that count are of; roughly, where they are hundreds."""
        return min(round(moments_of(self.cells())), self.used)

    def moment_of(self, observation: Observation) -> int | None:
        """Returns the number of a counted photo's moment; None where it cannot be told apart."""
        return self._moments.moment_of(trace_of(observation))

    def days(self) -> dict[str, EvidenceSum]:
        """Returns day, or month or year long ago, to the sums of its photos that count."""
        return self._sums.parts(self._learned)

    def since(self, day: dt.date) -> tuple[frozenset[str], dt.date]:
        """Tells which `days` hold the photos taken on a day or later: see `DatedSums.since`."""
        return self._sums.since(day)

    def add(self, observation: Observation) -> Tally:
        """Counts a photo, in place.

        Raises:
            StateRefusedError: The observation's evidence is malformed; nothing was counted.
            LearnedRefusedError: The tally's evidence was made by other weights than are
                installed; nothing was counted.
        """
        self.count(photo_of(observation))
        return self

    def count(self, photo: CountedPhoto | ExcludedPhoto) -> None:
        """Counts what was made of an observation before, in place.

        Raises:
            LearnedRefusedError: The tally's evidence was made by other weights; nothing was
                counted.
        """
        if isinstance(photo, ExcludedPhoto):
            self._excluded[photo.reason] += 1
        else:
            self._learned = self._common_version(photo.learned)
            self._sums.add((photo.day, photo.row))
            self._moments.add((photo.row, photo.trace))
            self._shown.update(photo.ratios)
        self._observations += 1
        self._people += photo.has_person

    def subtract(self, observation: Observation) -> Tally:
        """Takes back a photo, in place.

        Raises:
            StateRefusedError: It was never counted; the tally is as it was.
        """
        rest = self - Tally().add(observation)
        for slot in self.__slots__:
            setattr(self, slot, getattr(rest, slot))
        return self

    def __add__(self, other: Tally) -> Tally:
        total = Tally()
        total._learned = self._common_version(other._learned)
        total._observations = self._observations + other._observations
        total._people = self._people + other._people
        total._excluded = self._excluded + other._excluded
        total._histograms = {
            key: self.histogram(key) + other.histogram(key)
            for key in {*self._counted_ratios(), *other._counted_ratios()}
        }
        total._sums = self._sums + other._sums
        total._moments = self._moments + other._moments
        return total

    def __sub__(self, other: Tally) -> Tally:
        """Takes back what another tally contains.

        Raises:
            StateRefusedError: This one does not contain it.
        """
        rest = Tally()
        rest._observations = self._observations - other._observations
        rest._people = self._people - other._people
        rest._excluded.update(self._excluded)
        rest._excluded.subtract(other._excluded)
        if min(rest._observations, rest._people, *rest._excluded.values(), 0) < 0:
            raise StateRefusedError("more photos are to be taken back than were added")
        rest._excluded = +rest._excluded
        for key in {*self._counted_ratios(), *other._counted_ratios()}:
            if histogram := self.histogram(key) - other.histogram(key):
                rest._histograms[key] = histogram
        rest._sums = self._sums - other._sums
        rest._moments = self._moments - other._moments
        rest._learned = self._common_version(other._learned) if rest.used else None
        return rest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally) and self.to_bytes() == other.to_bytes()

    def __repr__(self) -> str:
        return f"Tally({self.observations} observations, {self.used} used)"

    def to_bytes(self) -> bytes:
        """Packs the tally: under 64 KB; equal tallies give equal bytes."""
        packed: bytes = msgpack.packb(self.pack())
        return packed

    @classmethod
    def from_bytes(cls, data: bytes) -> Tally:
        """Reads what `to_bytes` wrote.

        Raises:
            StateRefusedError: It holds something else, or a newer format.
        """
        try:
            packed = msgpack.unpackb(data)
        except (ValueError, TypeError, msgpack.UnpackException) as error:
            raise StateRefusedError(f"these bytes hold no tally: {error!r}") from error
        return cls.unpack(packed)

    def pack(self) -> list[Any]:
        """Returns what `to_bytes` packs."""
        histograms = self._counted_ratios()
        return [
            TALLY_FORMAT,
            self._observations,
            self._people,
            self.excluded,
            self._learned,
            {key: histograms[key].pack() for key in SHOWN_KEYS if key in histograms},
            self._sums.pack(),
            self._moments.pack(),
        ]

    @classmethod
    def unpack(cls, packed: object) -> Tally:
        """Reads what `pack` made.

        Raises:
            StateRefusedError: It holds something else, or another format.
        """
        try:
            return cls._restored(packed)
        except StateRefusedError:
            raise
        except (ValueError, TypeError, AttributeError) as error:
            raise StateRefusedError(f"this is no tally: {error!r}") from error

    @classmethod
    def _restored(cls, packed: object) -> Tally:
        match packed:
            case [int() as number, *_] if 0 < number < TALLY_FORMAT:
                raise OutdatedStateError(f"a tally of format {number}, not {TALLY_FORMAT}: replay")
            case [int() as number, *content] if number == TALLY_FORMAT:
                parts: list[Any] = content
            case _:
                raise StateRefusedError(f"no tally of format {TALLY_FORMAT}: upgrade, or replay")
        tally = cls()
        tally._observations, tally._people, excluded, tally._learned, *sums_of = parts
        rows, sums, moments = sums_of
        tally._excluded.update(excluded)
        tally._histograms = {key: Histogram.unpack(row) for key, row in rows.items()}
        tally._sums = DatedSums.unpack(sums)
        tally._moments = MomentSums.unpack(moments)
        counts = (tally._observations, tally._people, tally.used, *excluded.values())
        if (
            not all(type(count) is int and count >= 0 for count in counts)
            or not set(Exclusion).issuperset(excluded)
            or not set(SHOWN_KEYS).issuperset(rows)
            or not tally._sums.photos == tally._moments.photos == tally.used
            or isinstance(tally._learned, str) != bool(tally.used)
        ):
            raise StateRefusedError("a tally's counts contradict each other")
        return tally

    def _counted_ratios(self) -> dict[str, Histogram]:
        """Histograms by key; what waits is counted first, since many at once cost less."""
        for (key, index), count in self._shown.items():
            if key not in self._histograms:
                self._histograms[key] = Histogram()
            self._histograms[key].add(index, count)
        self._shown.clear()
        return self._histograms

    def _common_version(self, version: str | None) -> str | None:
        if self._learned is not None and version not in {None, self._learned}:
            raise LearnedRefusedError(
                f"the tally's evidence was made by {self._learned!r}, this by {version!r}: replay "
                "the observations"
            )
        return self._learned or version
