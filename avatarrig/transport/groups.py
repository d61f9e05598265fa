"""Consumer groups, seen from outside of their members."""

from __future__ import annotations

from collections.abc import Iterable

from kafka.admin import MemberToRemove

from avatarrig.transport.settings import KafkaSettings
from avatarrig.transport.topics import admin_client

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
