"""Estimates as they change: for those who want each update, not a picture of all."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable

import msgspec

from avatarrig.kafka.reading import Message
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.views.feed import ESTIMATES, ESTIMATES_OVER_TIME, following
from avatarrig.wire import HistoryRecord, SkeletonRecord
from avatarrig.wire.history import history_of
from avatarrig.wire.keys import KeyRefusedError, series_of, series_of_history
from avatarrig.wire.topics import HISTORY

_POLL_SECONDS = 0.2


class Batch(msgspec.Struct, frozen=True):
    """Some updates. `from_before`: whether they were there when the reading began."""

    notes: list[HistoryRecord]
    from_before: bool


def updates(
    kafka: KafkaSettings,
    subjects: Collection[str] = (),
    *,
    history: bool = False,
    once: bool = False,
) -> Generator[Batch]:
    """Yields updates of estimates: what is known, then what is new.

    Nothing is told of a subject from before it was forgotten.

    Args:
        subjects: Whose; of all where there are none.
        history: Whether all that was noted over time is told first.
        once: Whether to end when all is told that was there at the start.

    Raises:
        TransportError: Kafka does not answer, or no pipeline has used it.
    """
    topics = ESTIMATES_OVER_TIME if history else ESTIMATES
    with following(kafka, topics) as reader:
        before: list[HistoryRecord] = []
        while reader.behind:
            for message in reader.poll(_POLL_SECONDS):
                if message.record is None:
                    before = _without(before, message)
                else:
                    before += _notes([message], subjects, history=history)
        yield Batch(sorted(before, key=lambda note: note.estimated_at), from_before=True)
        while not once:
            messages = reader.poll(_POLL_SECONDS)
            yield Batch(list(_notes(messages, subjects, history=history)), from_before=False)


def _notes(
    messages: Iterable[Message], subjects: Collection[str], *, history: bool
) -> Iterable[HistoryRecord]:
    for message in messages:
        record = message.record
        if history and isinstance(record, HistoryRecord):
            note = record
        elif not history and isinstance(record, SkeletonRecord):
            note = history_of(record)
        else:
            continue
        if not subjects or note.subject in subjects:
            yield note


def _without(notes: list[HistoryRecord], tombstone: Message) -> list[HistoryRecord]:
    """Drops what is told of a subject that was forgotten then."""
    named = series_of_history if tombstone.topic == HISTORY else series_of
    try:
        subject, _ = named(tombstone.key)
    except KeyRefusedError:
        return notes
    return [note for note in notes if note.subject != subject or note.estimated_at > tombstone.at]
