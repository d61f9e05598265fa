"""Level 1: the observations of one input partition become one tally for each series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from aggregators.counted import Counted, Tallied
from aggregators.decisions import Decisions
from aggregators.forgetting import Forgotten, series_of_subject
from aggregators.keys import (
    DECIDED,
    FORGOTTEN,
    PAGE,
    Marker,
    kind_of,
    marker_key,
    page_key,
    page_of,
    part_of,
    statistics_key,
)
from aggregators.ledger import Changes, Ledger
from aggregators.recovery import refusing_damage, take_up
from aggregators.refusals import Refusal
from aggregators.sights import FirstSights, digest_of
from aggregators.waiting import Waiting
from avatarrig.body.evidence.decided import as_decided
from avatarrig.body.refused import LearnedRefusedError, StateRefusedError
from avatarrig.body.sums.tally import Tally
from avatarrig.wire import Decision, Forget, Observation, RecordRefusedError, TallyUpdate
from avatarrig.wire.channels import OBSERVED
from avatarrig.wire.reasons import RejectReason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from avatarrig.wire.keys import Series


class ObservedPartition:
    """What one partition of the observations topic has said, each photo counted once.

    A photo counts at the offset where it was first seen, in a tally that does not contain this
    offset yet. Both are remembered in values that are written independently; replaying from
    before either of them changes nothing, whichever of them a crash kept.

    Args:
        partition: Number of the partition.
        learned: Versions of what was learned that this program evaluates with.

    Attributes:
        waiting: Photos that are in no published tally yet.
    """

    def __init__(self, partition: int, learned: str) -> None:
        self.partition = partition
        self._learned = learned
        self._tallies: dict[Series, Counted] = {}
        self._sights = FirstSights()
        self._refusals: list[Refusal] = []
        self.waiting = Waiting()
        self._forgotten = Forgotten(partition)
        self._decisions = Decisions(partition)
        self._disturbed: set[Series] = set()
        self._farewells: list[Forget] = []
        self.ledger = Ledger(Marker())

    @classmethod
    def recover(
        cls, partition: int, learned: str, items: Iterable[tuple[bytes, bytes]]
    ) -> ObservedPartition:
        """Takes up the state that a table holds.

        Args:
            partition: Number of the partition.
            learned: Versions that this program evaluates with.
            items: Keys and values of the partition.

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

        with refusing_damage():
            marker, entries = take_up(items, learned, new._forgotten, take)
            new._sights = FirstSights(pages)
        offsets = {series: counted.offset for series, counted in new._tallies.items()}
        new.ledger = Ledger(marker, entries, offsets)
        known = (new._sights.last, new._forgotten.last, new._decisions.last)
        newest = max(*known, *offsets.values(), -1)
        if not new.ledger.check(marker, learned, newest):
            for counted in new._tallies.values():
                counted.tally()  # raises where it is damaged
        return new

    @property
    def next_offset(self) -> int:
        """Where reading goes on."""
        return self.ledger.applied + 1

    def apply(self, offset: int, value: bytes | None) -> Series | None:
        """Takes in one message.

        Args:
            offset: Its offset; one that was applied before changes nothing.
            value: The message.

        Returns:
            The series that changed, None where none did.
        """
        if offset <= self.ledger.applied:
            return None
        series = self._apply(offset, value)
        self.ledger.applied = offset
        return series

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

    def take_disturbed(self) -> set[Series]:
        """Returns the series that decisions changed since the last call."""
        disturbed, self._disturbed = self._disturbed, set()
        return disturbed

    def take_farewells(self) -> list[Forget]:
        """Returns what has to be told about subjects that were forgotten since the last call."""
        farewells, self._farewells = self._farewells, []
        return farewells

    def take_refusals(self) -> list[Refusal]:
        """Returns the messages that were set aside since the last call."""
        refusals, self._refusals = self._refusals, []
        return refusals

    def take_changes(self) -> Changes:
        """Returns what changed since the last call, for the table."""
        entries = [(key, self._value(key)) for key in sorted(self.ledger.take_unsaved())]
        entries += [
            (page_key(self.partition, page), lines)
            for page, lines in self._sights.take_unsaved().items()
        ]
        marker = self.ledger.seal(entries, self._learned)
        return Changes(
            entries, (marker_key(self.partition), msgspec.msgpack.encode(marker)), marker.applied
        )

    def _value(self, key: bytes) -> bytes | None:
        if kind_of(key) == FORGOTTEN:
            return self._forgotten.value(key)
        if kind_of(key) == DECIDED:
            return self._decisions.value(key)
        counted = self._tallies.get(part_of(key)[1])
        if counted is None:
            return None
        return msgspec.msgpack.encode(Tallied(counted.offset, counted.packed()))

    def _apply(self, offset: int, value: bytes | None) -> Series | None:
        if value is None:  # a tombstone
            return None
        try:
            record = OBSERVED.decode(value)
            if isinstance(record, Forget):
                self._forget(offset, record)
                return None
            if isinstance(record, Decision):
                self._decide(offset, record)
                return None
            return self._count(offset, record)
        except RecordRefusedError as error:
            self._refusals.append(Refusal(offset, RejectReason.MALFORMED, str(error)))
        except (StateRefusedError, LearnedRefusedError) as error:
            self._refusals.append(Refusal(offset, RejectReason.EVIDENCE, str(error)))
        except Exception as error:  # noqa: BLE001 - set aside with its reason, never lost
            self._refusals.append(Refusal(offset, RejectReason.UNEXPECTED, repr(error)))
        return None

    def _forget(self, offset: int, forget: Forget) -> None:
        for series in series_of_subject(forget.forget, self._tallies):
            del self._tallies[series]
            self.waiting.take(series)
            self.ledger.removed(statistics_key(self.partition, self.partition, series), series)
        for key in self._decisions.forget(forget.forget):
            self.ledger.noted(key)
        self.ledger.noted(self._forgotten.note(self.partition, forget.forget, offset))
        self._farewells.append(
            msgspec.structs.replace(forget, partition=self.partition, offset=offset)
        )

    def _count(self, offset: int, observation: Observation) -> Series | None:
        series = (observation.subject, observation.fingerprint)
        counted = self._tallies.get(series) or Counted()
        since = self._forgotten.since(observation.subject, self.partition)
        sight = digest_of(series, observation.image_id, since)
        is_first = self._sights.first(sight, offset) == offset
        if offset <= counted.offset:
            return None
        if is_first:
            photo = digest_of((observation.subject, ""), observation.image_id, since)
            standing = self._decisions.decided(
                *(observation.subject, photo, observation.fingerprint), first=offset, before=offset
            )
            counted.move_to(offset, as_decided(observation, standing))
        else:
            counted.move_to(offset, None)
        self._tallies[series] = counted
        self.waiting.add(series, observation.found_at)
        self.ledger.touched(statistics_key(self.partition, self.partition, series), series, offset)
        return series

    def _decide(self, offset: int, decision: Decision) -> None:
        """Has photos stand otherwise: what the decision brought along is taken back first."""
        subject = decision.subject
        since = self._forgotten.since(subject, self.partition)
        photos = {name: digest_of((subject, ""), name, since) for name in decision.image_ids}
        for key in self._decisions.note(decision, photos, offset):
            self.ledger.noted(key)
        by_series: dict[Series, dict[str, Observation]] = {}
        for seen in decision.observed:
            if seen.subject == subject and seen.image_id in photos:
                photos_of = by_series.setdefault((subject, seen.fingerprint), {})
                photos_of.setdefault(seen.image_id, seen)
        for series, observed in by_series.items():
            self._restate(offset, series, observed, photos)

    def _restate(
        self,
        offset: int,
        series: Series,
        observed: dict[str, Observation],
        photos: dict[str, int],
    ) -> None:
        """Takes photos of a series back as they stood, and counts them as they stand now."""
        counted = self._tallies.get(series)
        if counted is None or offset <= counted.offset:
            return
        since = self._forgotten.since(series[0], self.partition)
        stood, stand = Tally.empty(), Tally.empty()
        for image_id, seen in observed.items():
            first = self._sights.where(digest_of(series, image_id, since))
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
            self._refusals.append(Refusal(offset, "evidence", str(error)))
            counted.move_to(offset, None)
        self._disturbed.add(series)
        self.ledger.touched(statistics_key(self.partition, self.partition, series), series, offset)
