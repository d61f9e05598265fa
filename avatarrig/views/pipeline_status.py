"""What the broker knows about a pipeline: what waits, what was done, what lags."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from kafka import KafkaAdminClient, KafkaConsumer
from kafka.errors import KafkaError

from avatarrig.cli.commands.rejects import read_rejects
from avatarrig.kafka import (
    PATIENCE_SECONDS,
    KafkaSettings,
    admin_client,
    open_reader,
    places_of,
    read_to_end,
)
from avatarrig.views import GroupStatus
from avatarrig.views.references import Offsets, References, references_from
from avatarrig.wire import RecordRefusedError, SkeletonRecord, decode
from avatarrig.wire.topics import DETECTOR_GROUPS, IMAGES, OBSERVATIONS, SKELETONS

RATE_SECONDS = 60
GROUPS_SECONDS = 3.0
"""How long a broker that has just started may take to know its groups."""
GROUPS = "avatarrig."
"""What the names of all groups of a pipeline begin with."""


class SkeletonStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one estimate.

    Attributes:
        subject: Whose it is.
        fingerprint: Detector that it was made with.
        observations: Photos it contains.
        used: Photos that count in it.
        stable: Bones that are stable.
        bones: Bones in all.
        age: Seconds since it was published.
    """

    subject: str
    fingerprint: str
    observations: int
    used: int
    stable: int
    bones: int
    age: float


class PipelineStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a pipeline.

    Attributes:
        found: References published.
        waiting: Photos not yet processed, those in work included; never failed. The lag of groups
            counts messages, which tombstones are as well.
        in_work: Of those, how many the replicas that are alive can have in hand: one each.
        observed: Photos contained in the estimates, with or without a person.
        rejected: Photos and messages set aside.
        rejected_by_reason: The same by reason.
        replicas: Detector replicas alive.
        photos_per_second: Observations of the last minute, per second.
        oldest_waiting: Seconds that the oldest waiting photo has waited; None where none does.
        groups: Consumer groups with their lag.
        skeletons: Estimates.
    """

    found: int
    waiting: int
    in_work: int
    observed: int
    rejected: int
    rejected_by_reason: dict[str, int]
    replicas: int
    photos_per_second: float
    oldest_waiting: float | None
    groups: list[GroupStatus]
    skeletons: list[SkeletonStatus]


def read_status(kafka: KafkaSettings) -> PipelineStatus:
    """Asks a Kafka about the pipeline that runs on it.

    Raises:
        TransportError: Kafka does not answer, or no pipeline has used it.
    """
    consumer = open_reader(kafka)
    try:
        places = places_of(consumer, IMAGES)
        first, end = consumer.beginning_offsets(places), consumer.end_offsets(places)
        with admin_client(kafka) as admin:
            committed = committed_offsets(admin, begun=end != first)
            members = members_of(admin, list(committed))
        for group, offsets in committed.items():
            if group.startswith(DETECTOR_GROUPS):  # what it has not touched all waits for it
                committed[group] = {**first, **offsets}
        groups = [
            GroupStatus(group=name, members=members[name], lag=_lag(consumer, offsets))
            for name, offsets in sorted(committed.items())
        ]
        detecting = [group for group in groups if group.group.startswith(DETECTOR_GROUPS)]
        published, waiting = _references(consumer, committed, first)
        replicas = sum(group.members for group in detecting)
        rejects = read_rejects(kafka).reasons
        skeletons = _skeletons(consumer)
        return PipelineStatus(
            found=published.count,
            waiting=waiting.count,
            in_work=min(waiting.count, replicas),
            observed=sum(skeleton.observations for skeleton in skeletons),
            rejected=sum(rejects.values()),
            rejected_by_reason=dict(rejects),
            replicas=replicas,
            photos_per_second=_rate(consumer),
            oldest_waiting=_seconds_since(waiting.oldest),
            groups=groups,
            skeletons=skeletons,
        )
    finally:
        consumer.close()


def _patiently(ask: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever is asked for
    """Asks again while a broker that has just started is still loading its groups."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except KafkaError as error:
            if not error.retriable or time.monotonic() > give_up:
                raise
            time.sleep(0.1)


def committed_offsets(admin: KafkaAdminClient, *, begun: bool = False) -> dict[str, Offsets]:
    """Reads how far each group of the pipeline is.

    Args:
        admin: Connected.
        begun: Whether photos were published. A broker that has just started lists none of the
            groups that it has not loaded yet, and there mostly is one of detectors then.
    """
    return {
        name: {place: max(0, offset.offset) for place, offset in offsets.items()}
        for name in _groups(admin, begun=begun)
        for offsets in admin.list_group_offsets([name]).values()
    }


def _groups(admin: KafkaAdminClient, *, begun: bool) -> list[str]:
    give_up = time.monotonic() + GROUPS_SECONDS
    while True:
        names = [group["group_id"] for group in _patiently(admin.list_groups)]
        ours = [name for name in names if name.startswith(GROUPS)]
        is_loaded = not begun or any(name.startswith(DETECTOR_GROUPS) for name in ours)
        if is_loaded or time.monotonic() > give_up:
            return ours
        time.sleep(0.1)


def members_of(admin: KafkaAdminClient, groups: list[str]) -> dict[str, int]:
    """Counts the processes that are in each group now."""
    described = _patiently(lambda: admin.describe_groups(groups)) if groups else {}
    return {name: len(described[name]["members"]) for name in groups}


def _lag(consumer: KafkaConsumer, committed: Offsets) -> dict[str, int]:
    ends = consumer.end_offsets(list(committed))
    lag: dict[str, int] = {}
    for place, offset in committed.items():
        lag[place.topic] = lag.get(place.topic, 0) + max(0, ends[place] - offset)
    return lag


def _skeletons(consumer: KafkaConsumer) -> list[SkeletonStatus]:
    latest: dict[bytes, SkeletonRecord] = {}
    starts = consumer.beginning_offsets(places_of(consumer, SKELETONS))
    for _, message in read_to_end(consumer, starts):
        if message.value is None:  # a tombstone
            latest.pop(message.key, None)
            continue
        try:
            latest[message.key] = decode(message.value, SkeletonRecord)
        except RecordRefusedError:  # from another version of this program
            continue
    return [_skeleton(record) for _, record in sorted(latest.items())]


def _skeleton(record: SkeletonRecord) -> SkeletonStatus:
    return SkeletonStatus(
        subject=record.subject,
        fingerprint=record.fingerprint,
        observations=record.observations,
        used=record.estimate.used,
        stable=record.estimate.stable,
        bones=len(record.estimate.stats),
        age=max(0.0, time.time() - record.estimated_at),
    )


def _rate(consumer: KafkaConsumer) -> float:
    places = places_of(consumer, OBSERVATIONS)
    since = round((time.time() - RATE_SECONDS) * 1000)
    found = consumer.offsets_for_times(dict.fromkeys(places, since))
    starts = {place: entry.offset for place, entry in found.items() if entry is not None}
    if not starts:
        return 0.0
    return sum(1 for _ in read_to_end(consumer, starts)) / RATE_SECONDS


def _references(
    consumer: KafkaConsumer, committed: Mapping[str, Offsets], first: Offsets
) -> tuple[References, References]:
    """Counts what was published, and adds up what waits for each group of detectors."""
    starts = [
        {place: max(offsets.get(place, 0), at) for place, at in first.items()}
        for group, offsets in committed.items()
        if group.startswith(DETECTOR_GROUPS)
    ]
    published, *waiting = references_from(consumer, [first, *starts])
    if not waiting:  # no detector has begun
        return published, published
    oldest = min((each.oldest for each in waiting if each.oldest is not None), default=None)
    return published, References(sum(each.count for each in waiting), oldest)


def _seconds_since(at: float | None) -> float | None:
    return None if at is None else max(0.0, time.time() - at)
