"""Consumer groups, seen from outside of their members: who is in them, how far they are."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec
from kafka import KafkaAdminClient, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.admin import MemberToRemove, OffsetSpec
from kafka.errors import CommitFailedError, KafkaError, KafkaTimeoutError

from avatarrig.kafka.clients import open_reader
from avatarrig.kafka.reading import offsets_of
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import admin_client
from avatarrig.wire.topics import DETECTOR_GROUPS, IMAGES, PREFIX

COMMITTED_MS = 30_000
"""Every transaction has ended by then: it lives 10 s, and Kafka looks for dead ones every 10 s."""

_READ_MS = 10_000
_TIMEOUT_MS = 1_000
"""A broker that is not there by now is not waited for: it misses the members by itself."""

LOADING_SECONDS: Final = 3.0
"""How long a broker that has just started may take to know its groups."""

_AGAIN_SECONDS: Final = 0.1
_Answer = TypeVar("_Answer")


class GroupState(msgspec.Struct, frozen=True, kw_only=True):
    """A consumer group at some moment.

    Attributes:
        committed: Where each partition goes on.
        ends: Where each of these partitions ends.
    """

    name: str
    members: int
    committed: dict[TopicPartition, int]
    ends: dict[TopicPartition, int]

    @property
    def lag(self) -> dict[str, int]:
        """Topic to offsets that the group has not done with."""
        lag: Counter[str] = Counter()
        for partition, offset in self.committed.items():
            lag[partition.topic] += max(0, self.ends.get(partition, offset) - offset)
        return dict(lag)


def read_groups(
    admin: KafkaAdminClient,
    expected: Mapping[str, str] | None = None,
    *,
    patience: float = 0.0,
    begun: bool = False,
) -> list[GroupState]:
    """Asks for every group of the pipeline, by name.

    Args:
        expected: Groups to what they read, also while they are not there; for one that never
            committed, everything counts. Groups of detectors read images.
        patience: Seconds to ask again for while a broker that has just started loads its groups.
        begun: Whether photos were published, so that there mostly is a group of detectors: a
            broker that has just started lists none of the groups that it has not loaded yet.

    Raises:
        KafkaError: Kafka does not answer, or a topic is missing.
    """
    names = _names(admin, patience=patience, begun=begun)
    asked = names or []
    described = _patiently(patience, lambda: admin.describe_groups(asked)) if asked else {}
    offsets = _patiently(patience, lambda: admin.list_group_offsets(asked)) if asked else {}
    committed = {
        name: {p: max(each.offset, 0) for p, each in offsets.get(name, {}).items()}
        for name in names
    }
    for name in {*committed, *(expected or {})}:
        topic = (expected or {}).get(name) or (IMAGES if name.startswith(DETECTOR_GROUPS) else None)
        if topic is not None:
            _add_untouched(admin, committed.setdefault(name, {}), topic)
    ends = _offsets(admin, {p for known in committed.values() for p in known}, OffsetSpec.LATEST)
    return [
        GroupState(
            name=name,
            members=len(described[name]["members"]) if name in described else 0,
            committed=known,
            ends={p: ends[p] for p in known if p in ends},
        )
        for name, known in sorted(committed.items())
    ]


def _names(admin: KafkaAdminClient, *, patience: float, begun: bool) -> list[str]:
    give_up = time.monotonic() + min(patience, LOADING_SECONDS)
    while True:
        listed = _patiently(patience, admin.list_groups)
        ours = sorted({group["group_id"] for group in listed if _is_ours(group["group_id"])})
        is_loaded = not begun or any(name.startswith(DETECTOR_GROUPS) for name in ours)
        if is_loaded or time.monotonic() > give_up:
            return ours
        time.sleep(_AGAIN_SECONDS)


def _is_ours(name: str) -> bool:
    return name.startswith(PREFIX)


def _patiently(patience: float, ask: Callable[[], _Answer]) -> _Answer:
    give_up = time.monotonic() + patience
    while True:
        try:
            return ask()
        except KafkaError as error:
            if not error.retriable or time.monotonic() > give_up:
                raise
            time.sleep(_AGAIN_SECONDS)


def _add_untouched(
    admin: KafkaAdminClient, committed: dict[TopicPartition, int], topic: str
) -> None:
    described = admin.describe_topics([topic])
    untouched = {
        TopicPartition(topic, partition["partition_index"])
        for each in described
        if each["error_code"] == 0
        for partition in each["partitions"]
    } - committed.keys()
    committed.update(_offsets(admin, untouched, OffsetSpec.EARLIEST))


def _offsets(
    admin: KafkaAdminClient, partitions: Iterable[TopicPartition], which: OffsetSpec
) -> dict[TopicPartition, int]:
    asked = sorted(partitions)
    if not asked:
        return {}
    found = admin.list_partition_offsets(dict.fromkeys(asked, which))
    return {partition: each.offset for partition, each in found.items()}


def set_to_end(consumer: KafkaConsumer, places: Sequence[TopicPartition]) -> bool:
    """Has a group without members begin where partitions end now.

    Args:
        consumer: In the group, and no member.
        places: They are assigned to the consumer.

    Returns:
        Whether it could be set: False where the group has members.
    """
    consumer.assign(places)
    ends = offsets_of(consumer.end_offsets, places)
    try:
        consumer.commit({p: OffsetAndMetadata(end, "", -1) for p, end in ends.items()})
    except CommitFailedError:
        return False
    return True


def leave_group(settings: KafkaSettings, group: str, members: Iterable[str]) -> None:
    """Has static members leave their group, which they never do themselves.

    Args:
        members: Their names; who is not in the group is passed over.
    """
    leaving = [MemberToRemove(group_instance_id=member) for member in members]
    with admin_client(settings, bootstrap_timeout_ms=_TIMEOUT_MS) as client:
        client.remove_group_members(group, leaving)


def last_committed(
    settings: KafkaSettings, group: str, partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, int | None]:
    """Reads a group's committed offsets past transactions that are still open.

    A transaction that a broker lost in its own fall may hide the offsets of its partitions for
    ever from those who wait for its end.

    Args:
        partitions: Whose offsets; None where there is none.
    """
    reader = open_reader(settings, group_id=group, isolation_level="read_uncommitted")
    try:
        return {p: reader.committed(p, timeout_ms=_READ_MS) for p in partitions}
    finally:
        reader.close(autocommit=False, timeout_ms=_TIMEOUT_MS)


def committed_of(
    consumer: KafkaConsumer, settings: KafkaSettings, group: str
) -> dict[TopicPartition, int | None]:
    """Reads what a member's group has committed in the member's partitions.

    Args:
        settings: Where to ask again if a transaction does not end.
    """
    partitions = consumer.assignment()
    try:
        return {p: consumer.committed(p, timeout_ms=COMMITTED_MS) for p in partitions}
    except KafkaTimeoutError:
        return last_committed(settings, group, partitions)
