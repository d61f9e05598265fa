"""Level 1: the observations of one input partition become one tally for each series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from aggregators.partitions.counted import Counted, Tallied
from aggregators.partitions.decisions import Decisions
from aggregators.partitions.deduplication import Deduplication, digest_of
from aggregators.partitions.forgetting import series_of_subject
from aggregators.partitions.intake import Intake
from aggregators.partitions.keys import (
    DECIDED,
    FORGOTTEN,
    PAGE,
    kind_of,
    page_key,
    page_of,
    part_of,
    statistics_key,
)
from aggregators.partitions.reading import Photo, Read, read_together
from aggregators.partitions.recovery import restoring
from aggregators.protocols import PartitionMaker
from avatarrig.body.refused import LearnedRefusedError, StateRefusedError
from avatarrig.body.sums.tally import Tally
from avatarrig.wire import Decision, Forget, Observation, RecordRefusedError, TallyUpdate
from avatarrig.wire.reasons import RejectReason
from avatarrig.wire.standings import AS_SEEN, as_decided

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aggregators.partitions.checkpoint import Checkpoint
    from avatarrig.wire.keys import Series


class ObservedPartition:
    """What one partition of the observations topic has said, each photo counted once.

    A photo counts at the offset where it was first seen, in a tally that does not contain this
    offset yet. Both are remembered in values that are written independently; replaying from
    before either of them changes nothing, whichever of them a crash kept.

    Args:
        learned: Versions of what was learned that this program evaluates with.
    """

    def __init__(self, partition: int, learned: str) -> None:
        self.partition = partition
        self._tallies: dict[Series, Counted] = {}
        self._seen = Deduplication()
        self.intake = Intake(partition, learned)
        self._decisions = Decisions(partition)
        self._tombstones: list[Forget] = []

    @classmethod
    def recover(
        cls, partition: int, learned: str, items: Iterable[tuple[bytes, bytes]]
    ) -> ObservedPartition:
        """Takes up the state that a table holds.

        Raises:
            StateRefusedError: They are damaged, incomplete, or of another version. A new
                partition, replayed from the start, is what they should have been.
        """
        new = cls(partition, learned)
        pages: dict[int, bytes] = {}

        def take(key: bytes, value: bytes) -> None:
            if kind_of(key) == PAGE:
                pages[page_of(key)] = value
            elif kind_of(key) == DECIDED:
                new._decisions.recover(key, value)
            else:
                tallied = msgspec.msgpack.decode(value, type=Tallied)
                new._tallies[part_of(key)[1]] = Counted(tallied)

        with restoring():
            recovered = new.intake.restore(items, take)
            new._seen = Deduplication(pages)
        offsets = {series: counted.offset for series, counted in new._tallies.items()}
        known = (new._seen.last, new.intake.forgotten.last, new._decisions.last)
        if not new.intake.go_on(recovered, offsets, max(*known, *offsets.values(), -1)):
            for counted in new._tallies.values():
                counted.tally()  # raises where it is damaged
        return new

    def take(self, messages: Sequence[tuple[int, bytes | None]]) -> set[Series]:
        """Takes in messages; see `Intake.take`."""
        told = read_together([value for _, value in messages])
        offsets = [offset for offset, _ in messages]
        return self.intake.take(offsets, told, self._apply)

    def update(self, series: Series) -> TallyUpdate:
        """Returns all that this partition has said about a series."""
        counted = self._tallies[series]
        return TallyUpdate(
            subject=series[0],
            fingerprint=series[1],
            partition=self.partition,
            offset=counted.offset,
            tally=counted.packed(),
        )

    def newest(self, series: Series) -> int:
        """Returns the offset of the last change of a series."""
        return self._tallies[series].offset

    def has(self, series: Series) -> bool:
        """Whether anything is known of a series."""
        return series in self._tallies

    def take_changed(self) -> set[Series]:
        """Returns the series that decisions changed since the last call."""
        return self.intake.take_changed()

    def take_tombstones(self) -> list[Forget]:
        """Returns what has to be told about subjects that were forgotten since the last call."""
        tombstones, self._tombstones = self._tombstones, []
        return tombstones

    def take_checkpoint(self) -> Checkpoint:
        """Returns what changed since the last call, for the table."""
        pages = [
            (page_key(self.partition, page), lines)
            for page, lines in self._seen.take_unsaved().items()
        ]
        return self.intake.checkpoint(self._value, pages)

    def _value(self, key: bytes) -> bytes | None:
        if kind_of(key) == FORGOTTEN:
            return self.intake.forgotten.value(key)
        if kind_of(key) == DECIDED:
            return self._decisions.value(key)
        counted = self._tallies.get(part_of(key)[1])
        if counted is None:
            return None
        return msgspec.msgpack.encode(Tallied(counted.offset, counted.packed()))

    def _apply(self, offset: int, read: Read) -> Series | None:
        if read is None:
            return None
        if isinstance(read, RecordRefusedError):
            self.intake.reject(offset, RejectReason.MALFORMED, str(read))
            return None
        if isinstance(read, Forget):
            self._forget(offset, read)
            return None
        try:
            if isinstance(read, Photo):
                return self._count(offset, read)
            self._decide(offset, read)
        except (StateRefusedError, LearnedRefusedError) as error:
            self.intake.reject(offset, RejectReason.EVIDENCE, str(error))
        return None

    def _forget(self, offset: int, forget: Forget) -> None:
        for series in series_of_subject(forget.forget, self._tallies):
            del self._tallies[series]
            self.intake.latency.take(series)
            self.intake.checkpoints.removed(
                statistics_key(self.partition, self.partition, series), series
            )
        for key in self._decisions.forget(forget.forget):
            self.intake.checkpoints.noted(key)
        self.intake.checkpoints.noted(
            self.intake.forgotten.note(self.partition, forget.forget, offset)
        )
        self._tombstones.append(
            msgspec.structs.replace(forget, partition=self.partition, offset=offset)
        )

    def _count(self, offset: int, photo: Photo) -> Series | None:
        observation = photo.seen
        series = (observation.subject, observation.fingerprint)
        counted = self._tallies.get(series) or Counted()
        since = self.intake.forgotten.since(observation.subject, self.partition)
        digest = digest_of(series, observation.image_id, since)
        is_first = self._seen.first(digest, offset) == offset
        if offset <= counted.offset:
            return None
        standing = self._standing(offset, observation, since) if is_first else AS_SEEN
        counted.move_to(offset, photo.told(standing) if is_first else None)
        self._tallies[series] = counted
        self.intake.latency.add(series, observation.found_at)
        self.intake.checkpoints.touched(
            statistics_key(self.partition, self.partition, series), series, offset
        )
        return series

    def _standing(self, offset: int, observation: Observation, since: int) -> str:
        """Tells how a photo stands that is first seen at an offset."""
        subject, fingerprint = observation.subject, observation.fingerprint
        if self._decisions.none:
            return AS_SEEN
        digest = digest_of((subject, ""), observation.image_id, since)
        return self._decisions.decided(subject, digest, fingerprint, first=offset, before=offset)

    def _decide(self, offset: int, decision: Decision) -> None:
        """Has photos stand otherwise: what the decision brought along is taken back first."""
        subject = decision.subject
        since = self.intake.forgotten.since(subject, self.partition)
        photos = {name: digest_of((subject, ""), name, since) for name in decision.image_ids}
        for key in self._decisions.note(decision, photos, offset):
            self.intake.checkpoints.noted(key)
        by_series: dict[Series, dict[str, Observation]] = {}
        for seen in decision.observed:
            if seen.subject == subject and seen.image_id in photos:
                photos_of = by_series.setdefault((subject, seen.fingerprint), {})
                photos_of.setdefault(seen.image_id, seen)
        for series, observed in by_series.items():
            self._restate(offset, series, observed, photos)

    def _restate(
        self, offset: int, series: Series, observed: dict[str, Observation], photos: dict[str, int]
    ) -> None:
        """Takes photos of a series back as they stood, and counts them as they stand now."""
        counted = self._tallies.get(series)
        if counted is None or offset <= counted.offset:
            return
        since = self.intake.forgotten.since(series[0], self.partition)
        stood, stand = Tally.empty(), Tally.empty()
        for image_id, seen in observed.items():
            first = self._seen.where(digest_of(series, image_id, since))
            if first is None or first >= offset:
                continue
            before, after = (
                self._decisions.decided(
                    series[0], photos[image_id], series[1], first=first, before=limit
                )
                for limit in (offset, offset + 1)
            )
            if before != after:
                stood.add(as_decided(seen, before))
                stand.add(as_decided(seen, after))
        try:
            counted.change(offset, stood, stand)
        except StateRefusedError as error:  # whoever waits for the estimate must not wait for ever
            self.intake.reject(offset, "evidence", str(error))
            counted.move_to(offset, None)
        self.intake.changed(series)
        self.intake.checkpoints.touched(
            statistics_key(self.partition, self.partition, series), series, offset
        )


def observed_partitions(learned: str) -> PartitionMaker[ObservedPartition]:
    """Returns what makes the partitions of level 1.

    Args:
        learned: Versions of what was learned that this program evaluates with.
    """
    return PartitionMaker(
        lambda partition: ObservedPartition(partition, learned),
        lambda partition, items: ObservedPartition.recover(partition, learned, items),
    )
