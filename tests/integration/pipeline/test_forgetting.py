"""A subject is forgotten: nothing of it is left in Kafka, whether an aggregator runs or not."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from support.aggregators import aggregating
from support.kafka import with_topics
from support.kafka_parts.topics import read_to_end
from support.observed import observation
from support.references import reference
from support.waiting import PATIENCE, wait_for

from avatarrig.cli import avatarrig
from avatarrig.kafka.clients import open_producer, open_reader
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.reading import partitions_of
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import admin_client
from avatarrig.wire import Reject, encode, record_key
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.topics import HISTORY, IMAGES, OBSERVATIONS, REJECTS, SKELETONS, pipeline_topics

PARTITIONS = 3


@pytest.fixture
def kafka(empty_kafka: EmbeddedBroker) -> KafkaSettings:
    return with_topics(empty_kafka, PARTITIONS)


def publish(kafka: KafkaSettings, numbers: range, subject: str) -> None:
    """What ingest and detectors write about some photos, and about one that is no good."""
    producer = open_producer(kafka)
    bad = reference("photo-1000.jpg", subject=subject)
    reject = Reject(reason="crashed", message="m", attempts=3, rejected_at=1.0, reference=bad)
    producer.send(REJECTS, value=encode(reject), key=record_key(reject))
    for number in numbers:
        seen = observation(number, subject)
        photo = reference(seen.path, subject=subject)
        producer.send(IMAGES, value=encode(photo), key=record_key(photo))
        producer.send(OBSERVATIONS, value=encode(seen), key=record_key(seen))
    producer.close()


def forget(kafka: KafkaSettings, subject: str, *more: str | Path) -> str:
    arguments = ("forget", subject, "--yes", "--bootstrap-servers", kafka.bootstrap_servers)
    result = CliRunner().invoke(avatarrig, [*arguments, *map(str, more)])
    assert result.exit_code == 0, result.output
    return result.output


def kept(kafka: KafkaSettings) -> Iterator[tuple[str, bytes]]:
    """Topic and message of everything that compaction keeps, the changelogs included."""
    with admin_client(kafka) as admin:
        topics = [name for name in admin.list_topics() if name.startswith("avatarrig")]
    with contextlib.closing(open_reader(kafka)) as reader:
        for topic in topics:
            latest: dict[bytes, bytes] = {}
            starts = reader.beginning_offsets(partitions_of(reader, topic))
            for place, message in read_to_end(reader, starts):
                key = message.key + place.partition.to_bytes(2, "big")
                latest[key] = message.key + (message.value or b"")
                if message.value is None:
                    del latest[key]
            yield from ((topic, message) for message in latest.values())


def mentioning(kafka: KafkaSettings, subject: str) -> set[str]:
    return {topic for topic, message in kept(kafka) if subject.encode() in message}


def wait_until_everywhere(kafka: KafkaSettings, subject: str) -> None:
    """Waits until the pipeline's topics and the aggregator's changelogs all know a subject."""
    wait_for(
        lambda: len(mentioning(kafka, subject)) >= len(pipeline_topics()) + 2,
        why=lambda: mentioning(kafka, subject),
    )


def test_a_subject_is_forgotten_while_the_aggregator_runs_and_may_come_back(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    publish(kafka, range(12), "anna")
    publish(kafka, range(5), "ben")
    with (
        aggregating.aggregator(kafka, tmp_path) as worker,
        aggregating.reading(kafka, SKELETONS) as skeletons,
    ):
        worker.wait_until("working")
        skeletons.until(aggregating.counted(12, "anna"))
        (before,) = [
            r.estimate for r in skeletons.until(aggregating.counted(5, "ben")) if r.subject == "ben"
        ][-1:]
        wait_until_everywhere(kafka, "anna")
        said = forget(kafka, "anna")
        assert "12 messages of avatarrig.observations" in said
        assert mentioning(kafka, "anna") == set()
        wait_until_everywhere(kafka, "ben")

        forgotten_at = time.time()  # until then there were estimates of what was left of her
        publish(kafka, range(3), "anna")  # the same photos as before
        records = skeletons.until(aggregating.counted(3, "anna", since=forgotten_at))
        (anna,) = [record.estimate for record in records if record.subject == "anna"][-1:]
        assert anna == aggregating.document([observation(n, "anna") for n in range(3)], "anna")
    with aggregating.reading(kafka, SKELETONS) as skeletons:
        bens = [r for r in skeletons.until(aggregating.counted(5, "ben")) if r.subject == "ben"]
        assert bens[-1].estimate == before


def test_an_aggregator_that_was_away_forgets_when_it_comes_back(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    publish(kafka, range(8), "anna")
    with (
        aggregating.aggregator(kafka, tmp_path) as worker,
        aggregating.reading(kafka, SKELETONS) as skeletons,
    ):
        skeletons.until(aggregating.counted(8, "anna"))
        worker.stop()
    forget(kafka, "anna")
    publish(kafka, range(2), "ben")
    with (
        aggregating.aggregator(kafka, tmp_path) as worker,
        aggregating.reading(kafka, SKELETONS) as skeletons,
    ):
        skeletons.until(aggregating.counted(2, "ben"))
        wait_for(
            lambda: mentioning(kafka, "anna") <= {HISTORY}, why=lambda: mentioning(kafka, "anna")
        )
        worker.stop()
    forget(kafka, "anna")
    assert mentioning(kafka, "anna") == set()


def test_a_subject_whose_photos_wait_for_detectors_is_not_forgotten_half(
    kafka: KafkaSettings,
) -> None:
    publish(kafka, range(4), "anna")
    commit_detectors(kafka, at_end=False)
    arguments = ("forget", "anna", "--yes", "--bootstrap-servers", kafka.bootstrap_servers)
    result = CliRunner().invoke(avatarrig, arguments)
    assert result.exit_code == 1
    assert "4 photos of anna still waiting" in result.stderr
    assert OBSERVATIONS in mentioning(kafka, "anna")
    assert status(kafka)["waiting"] == 4

    commit_detectors(kafka, at_end=True)
    forget(kafka, "anna")
    told = status(kafka)  # tombstones are no photos
    assert (told["found"], told["waiting"], told["oldest_waiting"]) == (4, 0, None)
    publish(kafka, range(1), "ben")
    told = status(kafka)
    assert (told["found"], told["waiting"]) == (5, 1)
    assert told["oldest_waiting"] < PATIENCE


def commit_detectors(kafka: KafkaSettings, *, at_end: bool) -> None:
    """Leaves detectors where nothing is done, or everything."""
    with contextlib.closing(open_reader(kafka, group_id="avatarrig.detectors")) as reader:
        places = partitions_of(reader, IMAGES)
        reader.assign(places)
        for place in places:
            reader.seek(place, reader.end_offsets([place])[place] if at_end else 0)
        reader.commit()


def status(kafka: KafkaSettings) -> dict[str, Any]:
    arguments = ("status", "--json", "--bootstrap-servers", kafka.bootstrap_servers)
    result = CliRunner().invoke(avatarrig, arguments)
    assert result.exit_code == 0, result.output
    return msgspec.json.decode(result.stdout, type=dict)


def test_only_a_digest_is_kept_of_who_was_forgotten(kafka: KafkaSettings) -> None:
    publish(kafka, range(1), "anna")
    forget(kafka, "anna")
    told = [message for topic, message in kept(kafka) if topic == OBSERVATIONS]
    assert len(told) == PARTITIONS
    assert all(subject_digest("anna").encode() in message for message in told)
