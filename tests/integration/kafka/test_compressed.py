"""Messages that are compressed: read by all, whatever their senders have a library for."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer, codec
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError
from kafka.record import default_records
from support.kafka import with_topics
from support.kafka_parts.topics import read_to_end
from support.waiting import wait_for

from avatarrig.kafka.clients import open_reader
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.errors import CompressionError
from avatarrig.kafka.reading import partitions_of, reading
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import admin_client
from avatarrig.wire import MAX_RECORD_BYTES
from avatarrig.wire.topics import IMAGES, REJECTS, UNPACKED, pipeline_topics

pytestmark = pytest.mark.broker
_CONTENT_SIZE = 0xE0
"""Of a Zstandard frame: a single segment, whose size stands in eight bytes."""


def zstandard(data: bytes) -> bytes:
    """Data in a frame of Zstandard, as it is: the library is none of the tests'."""
    last_raw_block = (len(data) << 3 | 1).to_bytes(3, "little")
    return (
        b"\x28\xb5\x2f\xfd" + struct.pack("<BQ", _CONTENT_SIZE, len(data)) + last_raw_block + data
    )


@contextlib.contextmanager
def compressing(
    settings: KafkaSettings, how: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[KafkaProducer]:
    """A producer that compresses as a program of somebody else's."""
    with monkeypatch.context() as patched:
        patched.setattr(codec, "has_zstd", lambda: True)
        attributes = KafkaProducer._COMPRESSORS["zstd"][1]
        patched.setitem(KafkaProducer._COMPRESSORS, "zstd", (lambda: True, attributes))
        patched.setattr(default_records, "zstd_encode", zstandard)
        producer = KafkaProducer(
            **settings.client_options(), compression_type=how, max_request_size=1 << 28
        )
        with contextlib.closing(producer):
            yield producer


@pytest.mark.parametrize("how", ["gzip", "zstd"])
def test_what_others_compress_is_read(
    kafka: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    settings = with_topics(kafka)
    with compressing(settings, how, monkeypatch) as producer:
        producer.send(IMAGES, key=b"", value=f"sent with {how}".encode()).get(timeout=20)
    with open_reader(settings) as reader:
        starts = reader.beginning_offsets(partitions_of(reader, IMAGES))
        values = [message.value for _, message in read_to_end(reader, starts)]
    assert f"sent with {how}".encode() in values


def test_what_would_fill_the_memory_of_its_readers_is_not_taken(
    kafka: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = with_topics(kafka)
    with (
        compressing(settings, "gzip", monkeypatch) as producer,
        pytest.raises(KafkaError, match=r"[Ll]arge"),
    ):
        producer.send(IMAGES, key=b"", value=bytes(50 * MAX_RECORD_BYTES)).get(timeout=60)


def test_topics_are_unpacked_whatever_brokers_do(kafka: EmbeddedBroker) -> None:
    with admin_client(with_topics(kafka)) as client:
        for topic in pipeline_topics():
            setting = setting_of(client, topic.name)
            assert setting["value"] == UNPACKED["compression.type"]
            assert setting["config_source"] == "DYNAMIC_TOPIC_CONFIG"


def setting_of(client: KafkaAdminClient, topic: str) -> dict[str, Any]:
    asked = ConfigResource(ConfigResourceType.TOPIC, topic)
    described: dict[str, Any] = client.describe_configs([asked])["topic"][topic]
    return dict(described["compression.type"])


def test_a_topic_of_somebody_else_s_whose_messages_are_not_read_is_told(
    empty_kafka: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = with_topics(empty_kafka)
    asked = ConfigResource(ConfigResourceType.TOPIC, REJECTS, {"compression.type": "zstd"})
    with admin_client(settings) as client:
        client.alter_configs([asked])
        wait_for(lambda: setting_of(client, REJECTS)["value"] == "zstd")
    with compressing(settings, "zstd", monkeypatch) as producer:
        producer.send(REJECTS, key=b"", value=b"compressed").get(timeout=20)
    with pytest.raises(CompressionError, match=r"compression.type=uncompressed"):
        read_all(settings, REJECTS)


def read_all(settings: KafkaSettings, topic: str) -> None:
    with reading(settings) as reader:
        reader.assign(partitions_of(reader, topic))
        reader.seek_to_beginning()
        for _ in range(100):
            reader.poll(timeout_ms=200)
