"""Topics and connections against real Apache Kafka."""

from __future__ import annotations

import contextlib
import time

import pytest
from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError
from support.kafka import SecureKafka

from avatarrig.kafka.clients import open_producer, open_reader, open_transactional_producer
from avatarrig.kafka.diagnosis import diagnose_connection
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.errors import ConnectionRefusedByKafkaError, TopicError, TransportError
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import admin_client, check_topics, create_topics, describe_cluster
from avatarrig.wire.topics import SKELETONS, Topic, pipeline_topics


@pytest.fixture
def settings(kafka: EmbeddedBroker) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)


def test_topics_are_created_with_their_partitions_and_settings(
    empty_kafka: EmbeddedBroker,
) -> None:
    settings = KafkaSettings(bootstrap_servers=empty_kafka.bootstrap_servers)
    assert create_topics(settings, pipeline_topics(4))
    assert not create_topics(settings, pipeline_topics(4))
    check_topics(settings, pipeline_topics(4))
    with admin_client(settings) as client:
        described = {topic["name"]: topic for topic in client.describe_topics()}
        asked = ConfigResource(ConfigResourceType.TOPIC, SKELETONS)
        configs = client.describe_configs([asked])["topic"][SKELETONS]
    for topic in pipeline_topics(4):
        assert len(described[topic.name]["partitions"]) == 4
    assert configs["cleanup.policy"]["value"] == "compact"


def test_another_number_of_partitions_is_refused_with_what_to_do(settings: KafkaSettings) -> None:
    create_topics(settings, [Topic("three", 3)])
    for ask in (create_topics, check_topics):
        with pytest.raises(TopicError, match=r"three has 3 instead of 4.*ask for the number"):
            ask(settings, [Topic("three", 4)])


def test_a_missing_topic_is_named(settings: KafkaSettings) -> None:
    with pytest.raises(TopicError, match=r"missing.*never-made.*avatarrig topics create"):
        check_topics(settings, [Topic("never-made", 1)])


def test_more_copies_than_brokers_are_refused(settings: KafkaSettings) -> None:
    with pytest.raises(TopicError, match=r"too-many.*[Rr]eplication.*fewer copies"):
        create_topics(settings, [Topic("too-many", 1)], replication=3)


def test_a_topic_is_never_made_by_writing_to_it(settings: KafkaSettings) -> None:
    producer = open_producer(settings, max_block_ms=2_000)
    with contextlib.closing(producer), pytest.raises(KafkaError):
        producer.send("made-up", b"x").get(timeout=10)
    with admin_client(settings) as client:
        assert "made-up" not in client.list_topics()


@pytest.mark.parametrize("days", [-4000, 30])
def test_a_clock_that_is_wrong_sends_what_is_taken(settings: KafkaSettings, days: int) -> None:
    create_topics(settings, [Topic("stamped", 1)])
    wrong = round(1000 * (time.time() + days * 86_400))
    with contextlib.closing(open_producer(settings)) as producer:
        sent = producer.send("stamped", b"x", timestamp_ms=wrong).get(timeout=20)
    assert abs(sent.timestamp / 1000 - time.time()) < 3600


def test_what_is_aborted_is_never_read(settings: KafkaSettings) -> None:
    create_topics(settings, [Topic("atomic", 1)])
    with contextlib.closing(open_transactional_producer(settings, "slot-0")) as producer:
        producer.begin_transaction()
        producer.send("atomic", b"undone")
        producer.flush()
        producer.abort_transaction()
        producer.begin_transaction()
        producer.send("atomic", b"done")
        producer.commit_transaction()
    values: list[bytes] = []
    with contextlib.closing(open_reader(settings)) as reader:
        reader.assign([TopicPartition("atomic", 0)])
        for _ in range(120):
            for batch in reader.poll(timeout_ms=500).values():
                values += [record.value for record in batch]
            if values:
                break
    assert values == [b"done"]


def test_a_connection_that_works_has_nothing_to_diagnose(
    settings: KafkaSettings, secure_kafka: SecureKafka
) -> None:
    diagnose_connection(settings)
    diagnose_connection(
        KafkaSettings(bootstrap_servers=f"127.0.0.1:1,{settings.bootstrap_servers}")
    )
    for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"):
        diagnose_connection(secure_kafka.settings(mechanism=mechanism))
        assert describe_cluster(secure_kafka.settings(mechanism=mechanism)).brokers


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"])
@pytest.mark.parametrize("wrong", [{"password": "wrong-secret"}, {"username": "mallory"}])
def test_wrong_credentials_are_said_to_be_wrong(
    secure_kafka: SecureKafka, mechanism: str, wrong: dict[str, str]
) -> None:
    settings = secure_kafka.settings(mechanism=mechanism, **wrong)
    with pytest.raises(ConnectionRefusedByKafkaError, match="refuses the credentials") as refused:
        diagnose_connection(settings)
    assert refused.value.part == "credentials"
    for secret in ("wrong-secret", secure_kafka.PASSWORD):
        assert secret not in str(refused.value)


def test_a_client_says_so_too(secure_kafka: SecureKafka) -> None:
    settings = secure_kafka.settings(password="wrong-secret")
    for opened in (open_producer, open_reader):
        with pytest.raises(ConnectionRefusedByKafkaError, match="refuses the credentials"):
            opened(settings, bootstrap_timeout_ms=500)


def test_credentials_where_none_are_taken_are_recognised(secure_kafka: SecureKafka) -> None:
    with pytest.raises(ConnectionRefusedByKafkaError, match="takes no credentials") as refused:
        diagnose_connection(
            KafkaSettings(
                bootstrap_servers=f"127.0.0.1:{secure_kafka.plain_port}",
                security_protocol="SASL_PLAINTEXT",
                sasl_mechanism="PLAIN",
                username="alice",
                password="secret",
            )
        )
    assert refused.value.part == "credentials"


def test_missing_credentials_are_recognised(secure_kafka: SecureKafka) -> None:
    settings = KafkaSettings(
        bootstrap_servers=f"localhost:{secure_kafka.port}",
        security_protocol="SSL",
        cafile=str(secure_kafka.cafile),
    )
    with pytest.raises(ConnectionRefusedByKafkaError, match=r"asks for credentials.*SASL_SSL"):
        diagnose_connection(settings)


def test_tls_and_plain_text_mixed_up_are_recognised(
    settings: KafkaSettings, secure_kafka: SecureKafka
) -> None:
    mixed_up = [
        KafkaSettings(bootstrap_servers=f"localhost:{secure_kafka.port}"),
        KafkaSettings(
            bootstrap_servers=settings.bootstrap_servers,
            security_protocol="SSL",
            cafile=str(secure_kafka.cafile),
        ),
        KafkaSettings(bootstrap_servers=f"localhost:{secure_kafka.port}", security_protocol="SSL"),
    ]
    for wrong in mixed_up:
        with pytest.raises(ConnectionRefusedByKafkaError) as refused:
            diagnose_connection(wrong)
        assert refused.value.part == "tls"


def test_nothing_there_is_said_by_every_client() -> None:
    nowhere = KafkaSettings(bootstrap_servers="127.0.0.1:1")
    with pytest.raises(TransportError, match=r"127\.0\.0\.1:1"):
        describe_cluster(nowhere, timeout_ms=500)
    with pytest.raises(ConnectionRefusedByKafkaError, match="Is it running"):
        open_producer(nowhere, bootstrap_timeout_ms=500)
