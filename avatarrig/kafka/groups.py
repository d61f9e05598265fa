"""Consumer groups, seen from outside of their members."""

from __future__ import annotations

from collections.abc import Iterable

from kafka import TopicPartition
from kafka.admin import MemberToRemove

from avatarrig.kafka.clients import open_reader
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import admin_client

_READ_MS = 10_000
_TIMEOUT_MS = 1_000
"""A broker that is not there by now is not waited for: it misses the members by itself."""


def leave_group(settings: KafkaSettings, group: str, members: Iterable[str]) -> None:
    """Has static members leave their group, which they never do themselves.

    Args:
        settings: Where Kafka is.
        group: The group.
        members: Their names; who is not in the group is passed over.

    Raises:
        TransportError: Kafka does not answer.
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
        settings: Where Kafka is.
        group: The group.
        partitions: Whose offsets; None where there is none.

    Raises:
        TransportError: Kafka does not answer.
    """
    reader = open_reader(settings, group_id=group, isolation_level="read_uncommitted")
    try:
        return {p: reader.committed(p, timeout_ms=_READ_MS) for p in partitions}
    finally:
        reader.close(autocommit=False, timeout_ms=_TIMEOUT_MS)
