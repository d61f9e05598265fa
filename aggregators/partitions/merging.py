"""Level 2: the tallies of all input partitions become one estimate for each series."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import msgspec

from aggregators.partitions.forgetting import series_of_subject
from aggregators.partitions.intake import Intake
from aggregators.partitions.keys import FORGOTTEN, MEASURED, kind_of, part_of, statistics_key
from aggregators.partitions.measured import Measures
from aggregators.partitions.reach import Reach
from aggregators.partitions.recovery import restoring
from aggregators.protocols import PartitionMaker
from avatarrig.body.refused import ImpossibleEstimateError, OutdatedStateError, StateRefusedError
from avatarrig.body.sums.tally import Tally
from avatarrig.body.tape.measure import MeasureError, check_measures
from avatarrig.wire import Forget, Measurements, RecordRefusedError, SkeletonRecord, TallyUpdate
from avatarrig.wire.channels import TALLIED
from avatarrig.wire.estimate import Estimate
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.keys import Series
from avatarrig.wire.reasons import RejectReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aggregators.partitions.checkpoint import Checkpoint

Estimator = Callable[[Tally, str, Measurements | None], Estimate]
"""Turns a tally, its subject and what was measured into an estimate."""


class Tombstone(msgspec.Struct, frozen=True):
    """What was taken back since its subject shall be forgotten.

    Attributes:
        part: Input partition whose tally is gone.
        is_last: Whether nothing is left of the series.
    """

    series: Series
    part: int
    is_last: bool


class Contributed(msgspec.Struct, array_like=True):
    """A table value.

    Attributes:
        offset: Where the tally stood in the tallies topic.
        applied: Last offset of the input partition that the tally contains.
    """

    offset: int
    applied: int
    tally: bytes


class _Contribution:
    """What one input partition has said about a series."""

    __slots__ = ("_tally", "packed")

    def __init__(self, packed: Contributed) -> None:
        self.packed = packed
        self._tally: Tally | None = None

    def tally(self) -> Tally:
        """The tally, unpacked when it is first needed: most rest after a restart."""
        if self._tally is None:
            self._tally = Tally.from_bytes(self.packed.tally)
        return self._tally


class TalliedPartition:
    """What one partition of the tallies topic has said.

    Of two tallies of the same input partition the one that contains more counts, so neither
    order nor repetition can change the result.

    Args:
        learned: Versions of what was learned that this program estimates with.
        reach: How far the input partitions go.
    """

    def __init__(
        self, partition: int, learned: str, estimator: Estimator, reach: Reach | None = None
    ) -> None:
        self.partition = partition
        self._reach = reach or Reach()
        self._versions = frozenset(learned.split())
        self._estimator = estimator
        self._series: dict[Series, dict[int, _Contribution]] = {}
        self._said: dict[Series, bytes] = {}
        self.intake = Intake(partition, learned)
        self._measures = Measures(partition)
        self._tombstones: list[tuple[Series, int]] = []

    @classmethod
    def recover(
        cls,
        partition: int,
        learned: str,
        estimator: Estimator,
        items: Iterable[tuple[bytes, bytes]],
        reach: Reach | None = None,
    ) -> TalliedPartition:
        """Takes up the state that a table holds.

        Raises:
            StateRefusedError: They are damaged, incomplete, of another version, or contain what is
                not there. A new partition, replayed from the start, is what they should have been.
        """
        new = cls(partition, learned, estimator, reach)
        with restoring():
            recovered = new.intake.restore(items, new._recover)
            new._check_reach()
        offsets = {series: new.newest(series) for series in new._series}
        newest = max(new._measures.last, *offsets.values(), -1)
        if not new.intake.go_on(recovered, offsets, newest):
            for contributions in new._series.values():
                for contribution in contributions.values():
                    contribution.tally()  # raises where it is damaged
        return new

    @property
    def size(self) -> int:
        """How many series there are."""
        return len(self._series)

    def take(self, messages: Sequence[tuple[int, bytes | None]]) -> set[Series]:
        """Takes in messages; see `Intake.take`."""
        offsets = [offset for offset, _ in messages]
        return self.intake.take(offsets, [value for _, value in messages], self._apply)

    def applied(self, series: Series) -> dict[int, int]:
        """Input partition to the last offset that its tally of a series contains."""
        return {part: one.packed.applied for part, one in sorted(self._series[series].items())}

    def record(self, series: Series, now: float) -> SkeletonRecord:
        """Estimates a series.

        Args:
            now: Unix seconds.

        Raises:
            ImpossibleEstimateError: The tallies are such as no photos give. Whoever can write to
                the topic can make some; only this series suffers from them.
        """
        contributions = sorted(self._series[series].items())
        try:
            total = reduce(add, (one.tally() for _, one in contributions))
            estimate = self._estimator(total, series[0], self._measures.of(series[0]))
        except (ArithmeticError, ValueError) as error:
            raise ImpossibleEstimateError(f"the estimate cannot be made: {error}") from error
        return SkeletonRecord(
            subject=series[0],
            fingerprint=series[1],
            applied=self.applied(series),
            observations=total.observations,
            estimate=estimate,
            estimated_at=now,
        )

    def is_news(self, record: SkeletonRecord) -> bool:
        """Tells whether a record says something else than what was said last; it then is that."""
        series = (record.subject, record.fingerprint)
        return self._is_new(series, (record.applied, record.observations, record.estimate))

    def is_new_refusal(self, series: Series, why: str) -> bool:
        """Tells whether it was not said yet of what a series contains that it has no estimate."""
        return self._is_new(series, (self.applied(series), why))

    def _is_new(self, series: Series, said: object) -> bool:
        digest = hashlib.blake2b(msgspec.msgpack.encode(said), digest_size=16).digest()
        if self._said.get(series) == digest:
            return False
        self._said[series] = digest
        return True

    def newest(self, series: Series) -> int:
        """Returns the offset of the last change of a series."""
        counted = max(one.packed.offset for one in self._series[series].values())
        return max(counted, self._measures.offset(series[0]))

    def has(self, series: Series) -> bool:
        """Whether anything is known of a series."""
        return series in self._series

    def take_changed(self) -> set[Series]:
        """Returns series from which something was taken back since the last call."""
        return self.intake.take_changed() & self._series.keys()

    def take_tombstones(self) -> list[Tombstone]:
        """Returns what was taken back since the last call, and has not come again since."""
        taken, self._tombstones = self._tombstones, []
        left = self._series
        return [
            Tombstone(series, part, is_last=series not in left)
            for series, part in taken
            if part not in left.get(series, {})
        ]

    def take_checkpoint(self) -> Checkpoint:
        """Returns what changed since the last call, for the table."""
        return self.intake.checkpoint(self._value)

    def _check_reach(self) -> None:
        for contributions in self._series.values():
            for part, contribution in contributions.items():
                self._reach.check(part, contribution.packed.applied)
        for part, offset in self.intake.forgotten.places():
            self._reach.check(part, offset)

    def _recover(self, key: bytes, value: bytes) -> None:
        if kind_of(key) == MEASURED:
            self._measures.recover(key, value)
            return
        part, series = part_of(key)
        contribution = _Contribution(msgspec.msgpack.decode(value, type=Contributed))
        self._series.setdefault(series, {})[part] = contribution

    def _value(self, key: bytes) -> bytes | None:
        if kind_of(key) == FORGOTTEN:
            return self.intake.forgotten.value(key)
        if kind_of(key) == MEASURED:
            return self._measures.value(key)
        part, series = part_of(key)
        contribution = self._series.get(series, {}).get(part)
        return None if contribution is None else msgspec.msgpack.encode(contribution.packed)

    def _apply(self, offset: int, value: bytes | None) -> Series | None:
        return None if value is None else self._apply_message(offset, value)

    def _apply_message(self, offset: int, value: bytes) -> Series | None:
        try:
            record = TALLIED.decode(value)
            if not isinstance(record, Measurements):
                self._reach.check(record.partition, record.offset)
        except RecordRefusedError as error:
            self.intake.reject(offset, RejectReason.MALFORMED, str(error))
            return None
        if isinstance(record, TallyUpdate):
            return self._count(offset, record)
        if isinstance(record, Forget):
            self._forget(offset, record)
        else:
            self._measure(offset, record)
        return None

    def _count(self, offset: int, update: TallyUpdate) -> Series | None:
        try:
            return self._take(offset, update)
        except OutdatedStateError:  # Level 1 will send its successor, counted again.
            return None
        except StateRefusedError as error:
            self.intake.reject(offset, RejectReason.TALLY, str(error))
            return None

    def _measure(self, offset: int, measurements: Measurements) -> None:
        try:
            check_measures(measurements.measured, measurements.height)
        except MeasureError as error:
            self.intake.reject(offset, RejectReason.MALFORMED, str(error))
            return
        if (key := self._measures.note(offset, measurements)) is None:
            return
        self.intake.checkpoints.noted(key)
        digest = subject_digest(measurements.subject)
        for series in series_of_subject(digest, self._series):
            self.intake.checkpoints.touched(key, series, offset)
            self.intake.changed(series)

    def _forget(self, offset: int, forget: Forget) -> None:
        if (key := self._measures.forget(forget)) is not None:
            self.intake.checkpoints.noted(key)
        part = forget.partition
        for series in series_of_subject(forget.forget, self._series):
            contribution = self._series[series].get(part)
            if contribution is None or contribution.packed.applied > forget.offset:
                continue
            del self._series[series][part]
            key = statistics_key(self.partition, part, series)
            if not self._series[series]:
                del self._series[series]
                self._said.pop(series, None)
                self.intake.latency.take(series)
                self.intake.checkpoints.removed(key, series)
            else:
                self.intake.checkpoints.touched(key, series, offset)
                self.intake.changed(series)
            self._tombstones.append((series, part))
        self.intake.checkpoints.noted(
            self.intake.forgotten.note(part, forget.forget, forget.offset)
        )

    def _take(self, offset: int, update: TallyUpdate) -> Series | None:
        series = (update.subject, update.fingerprint)
        if update.offset < self.intake.forgotten.since(update.subject, update.partition):
            return None
        known = self._series.get(series, {}).get(update.partition)
        if known is not None and known.packed.applied >= update.offset:
            return None
        contribution = _Contribution(Contributed(offset, update.offset, update.tally))
        if contribution.tally().learned not in {None, *self._versions}:
            return None  # Level 1 will send its successor, evaluated again.
        key = statistics_key(self.partition, update.partition, series)  # or raises
        self._series.setdefault(series, {})[update.partition] = contribution
        self.intake.latency.add(series, update.found_at)
        self.intake.checkpoints.touched(key, series, offset)
        return series


def tallied_partitions(
    learned: str, estimator: Estimator, reach: Reach | None = None
) -> PartitionMaker[TalliedPartition]:
    """Returns what makes the partitions of level 2.

    Args:
        learned: Versions of what was learned that this program estimates with.
        reach: How far the input partitions go.
    """
    return PartitionMaker(
        lambda partition: TalliedPartition(partition, learned, estimator, reach),
        lambda partition, items: TalliedPartition.recover(
            partition, learned, estimator, items, reach
        ),
    )
