"""Decisions about photos, as they are published to the partitions of the observations topic."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from avatarrig.body.evidence.current_evidence import slim
from avatarrig.kafka.border import told_by
from avatarrig.kafka.errors import TransportError
from avatarrig.kafka.reading import PATIENCE_SECONDS, POLL_MS, offsets_of
from avatarrig.wire import Decision, Observation, RecordRefusedError, decode, encode
from avatarrig.wire.keys import decision_key
from avatarrig.wire.topics import OBSERVATIONS

TOGETHER: Final = 100
"""Observations in one record: well under the broker's megabyte."""

_NAMES_TOGETHER: Final = 5000
"""Photos in one record that brings no observation along."""

_SEND_SECONDS: Final = 30.0
_NEAR: Final = 500
"""Messages that are read over rather than sought behind."""


def decisions_about(
    why: Decision, names: Iterable[str], brought: Mapping[str, Sequence[Observation]]
) -> Iterator[Decision]:
    """Makes the records that tell one partition how photos of a subject stand from now on.

    Args:
        brought: image_id to what the partition has first observed of it, for each fingerprint.
    """
    names = list(names)
    observed = [name for name in names if brought.get(name)]
    others = [name for name in names if not brought.get(name)]
    most = max((len(brought[name]) for name in observed), default=1)
    together = max(1, TOGETHER // most)
    for some in (*_portions(observed, together), *_portions(others, _NAMES_TOGETHER)):
        yield msgspec.structs.replace(
            why,
            image_ids=tuple(some),
            decided_at=time.time(),
            observed=tuple(slim(seen) for name in some for seen in brought.get(name, ())),
        )


def send_decisions(
    producer: KafkaProducer, decisions: Iterable[tuple[int, Decision]]
) -> dict[int, int]:
    """Publishes decisions and waits until the broker has them.

    Args:
        producer: Idempotent, with ``acks="all"``.

    Returns:
        Partition to the last offset that was written there.

    Raises:
        TransportError: The broker did not take one; publishing again is harmless.
    """
    moment = time.time_ns()
    offsets: dict[int, int] = {}
    with told_by("Kafka does not take a decision"):
        sent: list[Any] = [
            producer.send(
                OBSERVATIONS,
                value=encode(decision),
                key=decision_key(decision, moment, number),
                partition=partition,
            )
            for number, (partition, decision) in enumerate(decisions)
        ]
        producer.flush()
        for each in sent:
            written = each.get(timeout=_SEND_SECONDS)
            offsets[written.partition] = max(written.offset, offsets.get(written.partition, -1))
    return offsets


def fetch_observations(
    consumer: KafkaConsumer, partition: int, offsets: Iterable[int]
) -> dict[int, Observation]:
    """Reads single observations by their places.

    Args:
        consumer: In no group, and in no need of its assignment.

    Raises:
        TransportError: Kafka delivers nothing.
    """
    asked = frozenset(offsets)
    wanted = sorted(asked)
    found: dict[int, Observation] = {}
    place = TopicPartition(OBSERVATIONS, partition)
    consumer.assign([place])
    end = offsets_of(consumer.end_offsets, [place])[place]
    at = -_NEAR
    give_up = time.monotonic() + PATIENCE_SECONDS
    while wanted and at < end:
        if not at <= wanted[0] < at + _NEAR:
            at = wanted[0]
            consumer.seek(place, at)
        for message in consumer.poll(timeout_ms=POLL_MS, max_records=_NEAR).get(place, []):
            give_up = time.monotonic() + PATIENCE_SECONDS
            if message.offset in asked:
                observation = _observation(message.value)
                if observation is not None:
                    found[message.offset] = observation
        at = consumer.position(place)
        wanted = [offset for offset in wanted if offset >= at]  # the others were compacted away
        if time.monotonic() > give_up:
            raise TransportError(f"Kafka delivers nothing from {place}")
    return found


def _portions(names: Sequence[str], most: int) -> list[Sequence[str]]:
    return [names[start : start + most] for start in range(0, len(names), most)]


def _observation(value: bytes | None) -> Observation | None:
    try:
        return decode(value, Observation)
    except RecordRefusedError:
        return None
