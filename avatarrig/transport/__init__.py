"""Thin wiring of kafka-python: settings, topics, clients, and why a connection failed."""

from __future__ import annotations

from avatarrig.transport.errors import (
    ConnectionRefusedByKafkaError,
    TopicError,
    TransportError,
    TransportSettingError,
)
from avatarrig.transport.settings import KafkaSettings
from avatarrig.transport.topics import (
    Cluster,
    admin_client,
    check_topics,
    create_topics,
    describe_cluster,
)

__all__ = [
    "Cluster",
    "ConnectionRefusedByKafkaError",
    "KafkaSettings",
    "TopicError",
    "TransportError",
    "TransportSettingError",
    "admin_client",
    "check_topics",
    "create_topics",
    "describe_cluster",
]
