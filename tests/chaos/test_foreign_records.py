"""Garbage, records of a newer schema, and too big ones, on every topic."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from support.cli.disturbed import Disturbed, Flock, assert_whole, read_committed
from support.command import Command, Result
from support.wire.hostile import hostile

from avatarrig.body.evidence.learned import load_learned
from avatarrig.kafka.clients import open_producer
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import create_topics
from avatarrig.runs import read_observation
from avatarrig.wire import MAX_RECORD_BYTES, Evidence, Forget, Reject, decode, encode
from avatarrig.wire.identity import subject_digest
from avatarrig.wire.keys import forget_key
from avatarrig.wire.topics import (
    DEFAULT_PARTITIONS,
    IMAGES,
    OBSERVATIONS,
    REJECTS,
    TALLIES,
    pipeline_topics,
)

pytestmark = pytest.mark.broker
TOO_BIG = bytes(MAX_RECORD_BYTES + 1)


def test_foreign_records_are_set_aside_with_a_reason_and_end_nothing(
    flock: Flock,
    undisturbed: Result,
    start: Callable[..., Disturbed],
    fresh_kafka: EmbeddedBroker,
    command: Command,
) -> None:
    address = fresh_kafka.bootstrap_servers
    kafka = KafkaSettings(bootstrap_servers=address)
    create_topics(kafka, pipeline_topics())
    publish_foreign(kafka)
    flock.pace(0.02)
    run = start(flock.photos, "--bootstrap-servers", address)
    run.wait_for_observed(100)
    publish_foreign(kafka)
    flock.pace(0)
    assert_whole(run.result(), undisturbed, kafka)
    assert "was started again" not in run.errors()

    refused = {reject.origin: reject for reject in rejects(kafka)}
    # A new run begins where the images topic ended.
    for topic, rounds in ((IMAGES, 1), (OBSERVATIONS, 2), (TALLIES, 2)):
        messages = [r.message for origin, r in refused.items() if origin.startswith(topic)]
        assert len(messages) == rounds * len(foreign(topic)), (topic, messages)
        for what in ("not msgpack", "schema version 999", "bytes are more than"):
            assert sum(what in message for message in messages) >= rounds, (topic, messages)

    listed = command.run("rejects", "list", "--bootstrap-servers", address, "--json")
    listed_reasons = [msgspec.json.decode(line)["reason"] for line in listed.stdout.splitlines()]
    assert set(listed_reasons) == {"malformed"}
    assert len(listed_reasons) >= len(refused)
    assert command.run("status", "--bootstrap-servers", address).returncode == 0


def foreign(topic: str) -> list[bytes]:
    return [*hostile(topic).values(), TOO_BIG]


def publish_foreign(kafka: KafkaSettings) -> None:
    producer = open_producer(kafka)
    try:
        for topic in pipeline_topics():
            for number, value in enumerate(foreign(topic.name)):
                producer.send(topic.name, value=value, key=f"evil-{number}".encode())
        producer.flush()
    finally:
        producer.close()


def rejects(kafka: KafkaSettings) -> Iterator[Reject]:
    for value in read_committed(kafka, REJECTS):
        with contextlib.suppress(ValueError):
            yield decode(value, Reject)


def test_forged_observations_of_the_runs_own_subject_are_not_waited_for(
    start: Callable[..., Disturbed], fresh_kafka: EmbeddedBroker, tmp_path: Path
) -> None:
    kafka = KafkaSettings(bootstrap_servers=fresh_kafka.bootstrap_servers)
    few = Flock(tmp_path / "photos", 20)
    few.pace(0.5)
    run = start(few.photos, "--bootstrap-servers", fresh_kafka.bootstrap_servers)
    run.wait_for_observed(5)
    with closing(open_producer(kafka)) as producer:
        for partition, value in enumerate(forged(run)):
            producer.send(OBSERVATIONS, key=b"evil", value=value, partition=partition)
        producer.flush()
    few.pace(0)
    photos = run.result().document["photos"]
    assert (photos["found"], photos["observed"], photos["rejected"]) == (20, 20, 0)
    reasons = {reject.reason for reject in rejects(kafka)}
    assert reasons == {"evidence"}


def test_a_run_whose_subject_is_forgotten_takes_its_photos_anew(
    start: Callable[..., Disturbed], fresh_kafka: EmbeddedBroker, tmp_path: Path
) -> None:
    kafka = KafkaSettings(bootstrap_servers=fresh_kafka.bootstrap_servers)
    few = Flock(tmp_path / "photos", 40)
    few.pace(0.1)
    run = start(few.photos, "--bootstrap-servers", fresh_kafka.bootstrap_servers)
    run.wait_for_observed(1)
    run.wait_for(lambda: len(list(read_committed(kafka, OBSERVATIONS))) >= 5)
    forget = Forget(forget=subject_digest(few.photos.name), forgotten_at=time.time())
    with closing(open_producer(kafka)) as producer:
        for partition in range(DEFAULT_PARTITIONS):
            key = forget_key(forget, time.time_ns())
            producer.send(OBSERVATIONS, key=key, value=encode(forget), partition=partition)
        producer.flush()
    few.pace(0)
    document = run.result().document
    assert (document["photos"]["found"], document["photos"]["observed"]) == (40, 40)
    (skeleton,) = document["skeletons"].values()
    assert skeleton["photos"]["observed"] == 40
    assert "forgotten meanwhile" in run.errors()


def forged(run: Disturbed) -> list[bytes]:
    """For each partition, evidence of the run's subject and detector that no photo gives."""
    seen = read_observation(next(run.run.observations.glob("*.json")))
    harmful = Evidence(learned=load_learned("full").version, information=(1,))
    return [
        encode(msgspec.structs.replace(seen, image_id=f"evil-{number}", evidence=harmful))
        for number in range(DEFAULT_PARTITIONS)
    ]
