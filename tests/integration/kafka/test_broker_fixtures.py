"""The brokers that other tests stand on."""

from __future__ import annotations

from support.kafka import SecureKafka

from avatarrig.kafka.diagnosis import diagnose_connection
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import describe_cluster


def test_secure_node_accepts_each_mechanism(secure_kafka: SecureKafka) -> None:
    for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"):
        settings: KafkaSettings = secure_kafka.settings(mechanism=mechanism)
        diagnose_connection(settings)
        assert len(describe_cluster(settings).brokers) == 1
