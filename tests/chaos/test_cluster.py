"""Three brokers keep what one of them loses."""

from __future__ import annotations

import pytest
from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from support.kafka import KafkaCluster
from support.waiting import PATIENCE

from avatarrig.kafka.clients import open_producer, open_reader
from avatarrig.kafka.topics import admin_client, create_topics, describe_cluster
from avatarrig.wire.topics import Topic

pytestmark = pytest.mark.broker


def test_cluster_keeps_records_when_the_leader_is_killed(kafka_cluster: KafkaCluster) -> None:
    settings = kafka_cluster.settings
    create_topics(settings, [Topic("survivor", 1)])
    producer = open_producer(settings)
    producer.send("survivor", b"before").get(timeout=PATIENCE)
    with admin_client(settings) as client:
        (described,) = client.describe_topics(["survivor"])
    leader = described["partitions"][0]["leader_id"]
    assert len(described["partitions"][0]["replica_nodes"]) == 3
    asked = ConfigResource(ConfigResourceType.TOPIC, "survivor")
    with admin_client(settings) as client:
        configs = client.describe_configs([asked])["topic"]["survivor"]
    assert configs["min.insync.replicas"]["value"] == "2"

    kafka_cluster.kill(leader)
    producer.send("survivor", b"after").get(timeout=PATIENCE)
    producer.close()

    with open_reader(settings) as reader:
        reader.assign([TopicPartition("survivor", 0)])
        values: list[bytes] = []
        while len(values) < 2:
            for batch in reader.poll(timeout_ms=1000).values():
                values += [record.value for record in batch]
    assert values == [b"before", b"after"]

    kafka_cluster.start(leader)
    assert len(describe_cluster(settings).brokers) == 3
