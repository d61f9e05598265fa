"""Thin wiring of kafka-python: settings, topics, clients, and why a connection failed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avatarrig.kafka.clients import (
        open_group_consumer,
        open_producer,
        open_reader,
        open_transactional_producer,
    )
    from avatarrig.kafka.diagnosis import await_connection, diagnose_connection
    from avatarrig.kafka.errors import (
        ConnectionRefusedByKafkaError,
        DataDamagedError,
        KafkaTroubleError,
        TopicError,
        TransportError,
        TransportSettingError,
    )
    from avatarrig.kafka.groups import (
        GroupState,
        last_committed,
        leave_group,
        read_groups,
        set_to_end,
    )
    from avatarrig.kafka.lag import KafkaWatch
    from avatarrig.kafka.pausing import resume_from
    from avatarrig.kafka.reading import (
        Message,
        Reader,
        Refused,
        from_beginning,
        from_latest,
        from_time,
        log_refusal,
        partitions_of,
    )
    from avatarrig.kafka.settings import KafkaSettings
    from avatarrig.kafka.topics import (
        Cluster,
        admin_client,
        check_topics,
        create_missing,
        create_topics,
        describe_cluster,
        existing_partitions,
        require_topics,
    )
    from avatarrig.kafka.transactions import abort_transaction

__all__ = [
    "Cluster",
    "ConnectionRefusedByKafkaError",
    "DataDamagedError",
    "GroupState",
    "KafkaSettings",
    "KafkaTroubleError",
    "KafkaWatch",
    "Message",
    "Reader",
    "Refused",
    "TopicError",
    "TransportError",
    "TransportSettingError",
    "abort_transaction",
    "admin_client",
    "await_connection",
    "check_topics",
    "create_missing",
    "create_topics",
    "describe_cluster",
    "diagnose_connection",
    "existing_partitions",
    "from_beginning",
    "from_latest",
    "from_time",
    "last_committed",
    "leave_group",
    "log_refusal",
    "open_group_consumer",
    "open_producer",
    "open_reader",
    "open_transactional_producer",
    "partitions_of",
    "read_groups",
    "require_topics",
    "resume_from",
    "set_to_end",
]

_HOMES = {
    "clients": (
        "open_group_consumer",
        "open_producer",
        "open_reader",
        "open_transactional_producer",
    ),
    "diagnosis": (
        "await_connection",
        "diagnose_connection",
    ),
    "errors": (
        "ConnectionRefusedByKafkaError",
        "DataDamagedError",
        "KafkaTroubleError",
        "TopicError",
        "TransportError",
        "TransportSettingError",
    ),
    "groups": (
        "GroupState",
        "last_committed",
        "leave_group",
        "read_groups",
        "set_to_end",
    ),
    "lag": ("KafkaWatch",),
    "pausing": ("resume_from",),
    "reading": (
        "Message",
        "Reader",
        "Refused",
        "from_beginning",
        "from_latest",
        "from_time",
        "log_refusal",
        "partitions_of",
    ),
    "settings": ("KafkaSettings",),
    "topics": (
        "Cluster",
        "admin_client",
        "check_topics",
        "create_missing",
        "create_topics",
        "describe_cluster",
        "existing_partitions",
        "require_topics",
    ),
    "transactions": ("abort_transaction",),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever has that name
    """Loads what is asked for: whoever needs settings alone does without Kafka's library."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
