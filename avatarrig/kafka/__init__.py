"""Thin wiring of kafka-python: settings, topics, clients, and why a connection failed."""

from __future__ import annotations

from avatarrig.kafka.clients import (
    open_group_consumer,
    open_producer,
    open_reader,
    open_transactional_producer,
)
from avatarrig.kafka.diagnosis import await_connection, diagnose_connection
from avatarrig.kafka.errors import (
    ConnectionRefusedByKafkaError,
    TopicError,
    TransportError,
    TransportSettingError,
)
from avatarrig.kafka.groups import last_committed, leave_group
from avatarrig.kafka.lag import KafkaWatch
from avatarrig.kafka.pausing import resume_from
from avatarrig.kafka.reading import PATIENCE_SECONDS, places_of, read_to_end
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import (
    Cluster,
    admin_client,
    check_topics,
    create_topics,
    describe_cluster,
    existing_partitions,
    require_topics,
)
from avatarrig.kafka.transactions import abort_transaction

__all__ = [
    "PATIENCE_SECONDS",
    "Cluster",
    "ConnectionRefusedByKafkaError",
    "KafkaSettings",
    "KafkaWatch",
    "TopicError",
    "TransportError",
    "TransportSettingError",
    "abort_transaction",
    "admin_client",
    "await_connection",
    "check_topics",
    "create_topics",
    "describe_cluster",
    "diagnose_connection",
    "existing_partitions",
    "last_committed",
    "leave_group",
    "open_group_consumer",
    "open_producer",
    "open_reader",
    "open_transactional_producer",
    "places_of",
    "read_to_end",
    "require_topics",
    "resume_from",
]
