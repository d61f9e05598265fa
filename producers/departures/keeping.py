"""Has a dataset's photos stand as they lie there: what is gone or replaced stops counting."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import structlog

from avatarrig.kafka.border import told_by
from avatarrig.kafka.deciding.records import decisions_about, fetch_observations, send_decisions
from avatarrig.kafka.errors import TransportError
from avatarrig.kafka.reading import PATIENCE_SECONDS, Reader, from_beginning, reading
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.wire import Decision, Departed, encode
from avatarrig.wire.channels import OBSERVED
from avatarrig.wire.keys import departed_key
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.standings import AS_SEEN
from avatarrig.wire.topics import OBSERVATIONS, REJECTS
from producers.departures.observed import Observed
from producers.pointed import Pointed

if TYPE_CHECKING:
    from kafka import KafkaConsumer, KafkaProducer, TopicPartition

    from avatarrig.wire import Observation
    from avatarrig.wire.keys import PhotoKey
    from producers.departures.presence import Presence
    from producers.departures.versions import Versions
    from producers.ingest import Listed

BEHIND_SECONDS: Final = 1.0
"""As long as it is behind, it reads so long at a time: photos are published meanwhile."""

ROUNDS: Final = 5
"""How often it is looked whether photos were observed while they were being decided about."""

RETRY_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.05
_FETCHED_TOGETHER: Final = 500
_REST: Final = 10
"""Going through all photos may take a tenth of the time."""

_log = structlog.get_logger(__name__)


class Keeping:
    """Follows what is observed of a dataset, and publishes decisions until all stands right.

    Whatever it publishes follows from the topics and the folder alone: it may be killed at any
    time, and go on from anywhere.

    Args:
        kafka: How to reach Kafka.
        producer: Idempotent, with ``acks="all"``.
        prune: Whether photos that are gone stop counting, however many they are.
        told: How many photos are said to be gone and to go on counting.
    """

    def __init__(  # noqa: PLR0913 - what decides about a photo, gathered in one place
        self,
        kafka: KafkaSettings,
        dataset: str,
        versions: Versions,
        presence: Presence,
        producer: KafkaProducer,
        *,
        prune: bool,
        told: int = 0,
    ) -> None:
        self._kafka = kafka
        self._dataset = dataset
        self._versions = versions
        self._presence = presence
        self._producer = producer
        self._prune = prune
        self._is_first = not versions.paths
        self._stack = contextlib.ExitStack()
        self._reader: Reader | None = None
        self._observed = Observed(dataset)
        self._pointed = Pointed()
        self._faces: dict[str, tuple[bytes, ...]] = {}
        self._awaited: dict[int, int] = {}
        self._unknown: set[tuple[int, int]] = set()
        self._is_due = True
        self._next_at = 0.0
        self._told = told
        self._trouble = ""

    def close(self) -> None:
        """Closes the connections."""
        self._reader = None
        self._stack.close()

    @property
    def faces(self) -> dict[str, tuple[bytes, ...]]:
        """Subject to the faces that somebody pointed at, as of the last time all was read."""
        return self._faces

    def catch_up(self, stop: threading.Event) -> None:
        """Reads what there is by now, unless told to stop."""
        while not (self._is_ready or stop.is_set()):
            self.work()
            stop.wait(_LOOK_SECONDS)

    def looked(self, listed: Listed) -> None:
        """Notes a look at the whole dataset."""
        self._presence.looked(self._versions.paths, listed.paths, listed.unlisted)
        self._is_due = True

    def due(self) -> None:
        """Notes that photos were published."""
        self._is_due = True

    def work(self) -> None:
        """Reads on, and decides where something changed; waits for nothing.

        A Kafka that is away is tried again: nothing is lost by that but time.
        """
        if time.monotonic() < self._next_at:
            return
        try:
            with told_by("Kafka"):
                self._read(BEHIND_SECONDS)
            self._trouble = ""
            if self._is_ready and self._is_due and self._presence.is_known:
                began = time.monotonic()
                self._is_due = False
                self._decide(ahead=False)
                self._next_at = time.monotonic() + _REST * (time.monotonic() - began)
        except TransportError as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                _log.warning("what was observed cannot be followed; trying again", why=str(error))
            self.close()
            self._is_due = True
            self._next_at = time.monotonic() + RETRY_SECONDS

    def finish(self) -> None:
        """Decides about photos that do not stand as they lie there, observed by now or later.

        Of a dataset that was never published before nothing was decided.
        """
        if self._is_first and not self._is_any_left_out:
            return
        for _ in range(ROUNDS):
            give_up = time.monotonic() + PATIENCE_SECONDS
            with told_by("Kafka"):
                while not self._is_ready and time.monotonic() < give_up:
                    if self._read(BEHIND_SECONDS):
                        give_up = time.monotonic() + PATIENCE_SECONDS
            if not self._decide(ahead=True):
                return

    @property
    def _is_any_left_out(self) -> bool:
        """Whether a photo shall not count, whatever was observed."""
        wanted, _ = self._versions.wanted({}, self._presence.is_gone, prune=self._prune)
        return any(standing != AS_SEEN for standing in wanted.values())

    @property
    def _is_ready(self) -> bool:
        """Whether all was read that was there at the start, and what was published since."""
        if self._reader is None or self._reader.behind:
            return False
        if self._awaited:
            positions = {at.partition: now for at, now in self._reader.positions().items()}
            awaited = self._awaited.items()
            self._awaited = {at: last for at, last in awaited if positions[at] <= last}
        return not self._awaited

    def _read(self, seconds: float) -> bool:
        """Reads on; tells whether there was anything."""
        any_came = False
        if self._reader is None:
            consumer = self._stack.enter_context(reading(self._kafka))
            starts = from_beginning(consumer, OBSERVATIONS)
            self._observed = Observed(self._dataset)
            self._awaited.clear()
            self._reader = Reader(consumer, (OBSERVED,), starts)
        until = time.monotonic() + seconds
        while True:
            messages = self._reader.poll(0.1 if self._reader.behind else 0.0)
            for message in messages:
                self._observed.take(message.record, message.partition, message.offset)
                self._pointed.take(message.record)
            any_came |= bool(messages)
            if not self._reader.behind:
                self._faces = self._pointed.faces()
            if not (self._reader.behind or messages) or time.monotonic() >= until:
                self._is_due |= any_came
                return any_came

    def _decide(self, *, ahead: bool) -> bool:
        """Publishes what is missing; tells whether anything was."""
        wanted, many = self._versions.wanted(
            self._observed.sights(),
            self._presence.is_gone,
            prune=self._prune,
            is_unsure=self._presence.is_unsure,
        )
        if self._presence.is_sure:
            self._tell(many)
        missing: dict[tuple[int, str, str], dict[str, list[int]]] = {}
        partitions = self._partitions if ahead else ()
        for key, standing in wanted.items():
            for partition, offsets in self._wrong(key, standing, partitions).items():
                group = missing.setdefault((partition, key[0], standing), {})
                group[key[1]] = offsets
        if not missing:
            return False
        with reading(self._kafka) as consumer:
            for (partition, subject, standing), photos in sorted(missing.items()):
                why = Decision(subject=subject, image_ids=(), standing=standing, decided_at=0)
                decisions = self._decisions(consumer, partition, why, photos)
                written = send_decisions(self._producer, ((partition, each) for each in decisions))
                self._awaited |= written
                self._log(subject, standing, len(photos))
        return True

    def _wrong(
        self, key: PhotoKey, standing: str, partitions: Sequence[int]
    ) -> dict[int, list[int]]:
        return {
            partition: offsets
            for partition, offsets in self._observed.standing_otherwise(
                key, standing, partitions
            ).items()
            if not any((partition, offset) in self._unknown for offset in offsets)
        }

    def _decisions(
        self, consumer: KafkaConsumer, partition: int, why: Decision, photos: dict[str, list[int]]
    ) -> Iterator[Decision]:
        names = list(photos)
        for start in range(0, len(names), _FETCHED_TOGETHER):
            some = names[start : start + _FETCHED_TOGETHER]
            offsets = [offset for name in some for offset in photos[name]]
            found = fetch_observations(consumer, partition, offsets)
            self._unknown |= {(partition, each) for each in offsets if each not in found}
            brought: dict[str, list[Observation]] = {
                name: [found[offset] for offset in photos[name] if offset in found] for name in some
            }
            yield from decisions_about(why, some, brought)

    @property
    def _partitions(self) -> list[int]:
        places: list[TopicPartition] = [] if self._reader is None else list(self._reader.starts)
        return [place.partition for place in places]

    def _tell(self, many: int) -> None:
        """Says, once, that photos go on counting though they are gone, and that it is over."""
        if many == self._told:
            return
        note = Departed(dataset=self._dataset, photos=many, noted_at=time.time())
        value = encode(note) if many else None
        with told_by("Kafka does not take a note"):
            sent = self._producer.send(REJECTS, value=value, key=departed_key(self._dataset))
            sent.get(timeout=PATIENCE_SECONDS)
        if many:
            _log.warning(
                "many photos are gone at once and go on counting, as a disk that is away would "
                "look like that: give --prune where they were taken away on purpose",
                photos=many,
                dataset=self._dataset,
            )
        self._told = many

    def _log(self, subject: str, standing: str, photos: int) -> None:
        what = {
            Exclusion.GONE.value: "photos that are no longer there, or were replaced, do not count",
            Exclusion.DUPLICATE.value: "photos with the same pixels as others do not count",
        }
        words = what.get(standing, "photos count again")
        _log.info(words, photos=photos, subject=subject, dataset=self._dataset)
