"""What 1.0 left in files and topics, in the hands of today's commands and workers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from support.aggregators.aggregating import aggregator, counted, producer, reading
from support.command import Command
from support.kafka import with_topics
from support.rendered import rendered
from support.wire import one_point_zero
from support.wire.one_point_zero import FINGERPRINT, FORGOTTEN, SUBJECT, Message, check_estimate

from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.wire import Observation, SkeletonRecord, decode, encode, record_key
from avatarrig.wire.topics import HISTORY, IMAGES, OBSERVATIONS, REJECTS, SKELETONS, TALLIES

PARTITIONS = 3
"""As many as 1.0 had."""


@pytest.fixture
def kafka(empty_kafka: EmbeddedBroker) -> KafkaSettings:
    return with_topics(empty_kafka, PARTITIONS)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return one_point_zero.copy_run(tmp_path)[1]


def avatarrig(folder: Path, *arguments: str | Path) -> str:
    """What the command prints."""
    done = Command(folder).run(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def fill(kafka: KafkaSettings, *topics: str) -> None:
    """Sends what the topics of 1.0 held to the partitions where it lay."""
    with producer(kafka) as client:
        for message in each_of(topics):
            client.send(
                message.topic,
                key=message.key,
                value=message.value,
                partition=message.partition,
                timestamp_ms=message.timestamp,
            )
        client.flush()


def each_of(topics: Iterable[str]) -> list[Message]:
    return [message for topic in topics for message in one_point_zero.messages(topic)]


def published_by_1_0() -> SkeletonRecord:
    """Its last estimate."""
    records = (decode(value, SkeletonRecord) for value in one_point_zero.values(SKELETONS))
    *_, last = (record for record in records if record.subject == SUBJECT)
    return last


def test_a_run_of_1_0_is_reported(run: Path) -> None:
    avatarrig(run, "report", run)
    page = (run / "report.html").read_text()
    assert "torn.jpg" in page
    for bone in ("shoulders", "upper arm", "shank"):
        assert bone in page


@pytest.mark.parametrize("file_format", ["bvh", "glb", "json"])
def test_an_estimate_of_1_0_is_exported(run: Path, file_format: str) -> None:
    avatarrig(run, "export", run, "--format", file_format)
    assert (run / f"skeleton.{file_format}").stat().st_size > 500


@pytest.mark.broker
def test_topics_of_1_0_show_their_status_and_rejects(kafka: KafkaSettings, tmp_path: Path) -> None:
    fill(kafka, IMAGES, OBSERVATIONS, REJECTS, TALLIES, SKELETONS, HISTORY)
    broker = ("--bootstrap-servers", kafka.bootstrap_servers)
    status = json.loads(avatarrig(tmp_path, "status", *broker, "--json"))
    (skeleton,) = status["skeletons"]
    assert (skeleton["subject"], skeleton["observations"], skeleton["used"]) == (SUBJECT, 6, 4)
    assert status["rejected"] == 2
    assert "torn.jpg" in avatarrig(tmp_path, "rejects", "list", *broker)


@pytest.mark.broker
def test_observations_of_1_0_and_of_today_make_one_estimate(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    """Replicas of both write side by side during an update; a photo may be observed by both."""
    fill(kafka, OBSERVATIONS)
    with (
        reading(kafka, SKELETONS) as estimates,
        aggregator(kafka, tmp_path, window_days=30) as worker,
    ):
        worker.wait_until("working")
        first = estimates.until(counted(6, SUBJECT))[-1]
        check_estimate(first.estimate.to_document(), published_by_1_0().estimate.to_document())
        with producer(kafka) as client:
            for message in one_point_zero.messages(OBSERVATIONS):
                if message.key is not None and message.key.startswith(b"1-"):
                    seen = msgspec.msgpack.decode(message.value or b"", type=Observation)
                    again = msgspec.structs.replace(seen, observed_at=seen.observed_at + 1e6)
                    client.send(OBSERVATIONS, key=record_key(again), value=encode(again))
            for number in range(3):
                new = rendered(number, subject=SUBJECT, fingerprint=FINGERPRINT)
                client.send(OBSERVATIONS, key=record_key(new), value=encode(new))
            client.flush()
        last = estimates.until(counted(9, SUBJECT))[-1]
    assert last.observations == 9
    assert last.fingerprint == FINGERPRINT
    assert FORGOTTEN not in {record.subject for record in estimates.records}
