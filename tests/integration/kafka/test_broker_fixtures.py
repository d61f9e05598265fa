"""The brokers that other tests stand on."""

from __future__ import annotations

from support.kafka import SecureKafka

from avatarrig.kafka import (
    KafkaSettings,
    describe_cluster,
    diagnose_connection,
)


def test_secure_node_accepts_each_mechanism(secure_kafka: SecureKafka) -> None:
    for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"):
        settings: KafkaSettings = secure_kafka.settings(mechanism=mechanism)
        diagnose_connection(settings)
        assert len(describe_cluster(settings).brokers) == 1
