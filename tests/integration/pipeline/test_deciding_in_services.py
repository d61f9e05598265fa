"""Photos are left out and brought back in a service, through its topics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from support.aggregators import aggregating
from support.aggregators.aggregating import Aggregator, Reader
from support.kafka import with_topics
from support.observed import observation

from avatarrig.cli import avatarrig
from avatarrig.kafka.clients import open_producer
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.wire import Observation, encode, record_key
from avatarrig.wire.estimate import Estimate
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.topics import OBSERVATIONS, SKELETONS

PARTITIONS = 3
PHOTOS = [
    msgspec.structs.replace(observation(number), path=f"{number % 2}/photo-{number}.jpg")
    for number in range(12)
]


@pytest.fixture
def kafka(empty_kafka: EmbeddedBroker) -> KafkaSettings:
    return with_topics(empty_kafka, PARTITIONS)


@pytest.fixture
def worker(kafka: KafkaSettings, tmp_path: Path) -> Iterator[Aggregator]:
    publish(kafka, PHOTOS)
    with aggregating.aggregator(kafka, tmp_path) as worker:
        worker.wait_until("working")
        yield worker


@pytest.fixture
def skeletons(kafka: KafkaSettings, worker: Aggregator) -> Iterator[Reader]:
    with aggregating.reading(kafka, SKELETONS) as reader:
        reader.until(aggregating.counted(len(PHOTOS)))
        yield reader


def publish(kafka: KafkaSettings, photos: list[Observation]) -> None:
    producer = open_producer(kafka)
    for seen in photos:
        producer.send(OBSERVATIONS, value=encode(seen), key=record_key(seen))
    producer.close()


def say(kafka: KafkaSettings, *arguments: str) -> Result:
    command, *rest = arguments
    return CliRunner().invoke(
        avatarrig, [command, "--bootstrap-servers", kafka.bootstrap_servers, *rest]
    )


def is_last(estimate: dict[str, Any]) -> Callable[[list[Any]], bool]:
    """Whether the last estimate is this one."""
    return lambda records: bool(records) and without_time(records[-1].estimate) == estimate


def without_time(estimate: Estimate) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(estimate))
    return document


def expected(left_out: set[str]) -> dict[str, Any]:
    words = Exclusion.ON_REQUEST.words
    return without_time(
        aggregating.document(
            msgspec.structs.replace(seen, excluded=words) if seen.path in left_out else seen
            for seen in PHOTOS
        )
    )


def test_a_pattern_leaves_photos_out_and_brings_them_back_bit_for_bit(
    kafka: KafkaSettings, skeletons: Reader
) -> None:
    before = without_time(skeletons.records[-1].estimate)
    assert before == expected(set())
    odd = {seen.path for seen in PHOTOS if seen.path.startswith("1/")}
    said = say(kafka, "exclude", "--subject", "anna", "1/*.jpg", "--reason", "her sister")
    assert (said.exit_code, said.output.splitlines()[0]) == (0, "6 photos left out")
    skeletons.until(is_last(expected(odd)))
    said = say(kafka, "include", "--subject", "anna", PHOTOS[1].image_id)
    assert said.output.startswith("1 photo brought back")
    skeletons.until(is_last(expected(odd - {PHOTOS[1].path})))
    assert say(kafka, "include", "--subject", "anna", "1").exit_code == 0
    skeletons.until(is_last(before))


def test_a_pattern_undoes_what_another_did_and_has_nobody_count_who_did_not(
    kafka: KafkaSettings, skeletons: Reader
) -> None:
    stranger = msgspec.structs.replace(
        observation(20), path="0/stranger.jpg", excluded=Exclusion.SOMEBODY_ELSE.words
    )
    unsure = msgspec.structs.replace(
        observation(21), path="1/unsure.jpg", excluded=Exclusion.UNSURE.words
    )
    publish(kafka, [stranger, unsure])
    say(kafka, "include", "--subject", "anna", "1/unsure.jpg")

    def excluded(reason: Exclusion, number: int) -> Callable[[list[Any]], bool]:
        return lambda records: records[-1].estimate.photos.excluded.get(reason, 0) == number

    skeletons.until(aggregating.counted(len(PHOTOS) + 2))
    skeletons.until(excluded(Exclusion.UNSURE, 0))
    before = without_time(skeletons.records[-1].estimate)
    say(kafka, "exclude", "--subject", "anna", "1/*")
    skeletons.until(excluded(Exclusion.ON_REQUEST, 7))
    said = say(kafka, "include", "--subject", "anna", "*").output
    assert said.startswith("7 photos brought back")
    assert "0/stranger.jpg: somebody else; include it once more and it counts" in said
    skeletons.until(is_last(before))


def test_decisions_outlive_a_killed_aggregator_and_a_new_detection(
    kafka: KafkaSettings, worker: Aggregator, skeletons: Reader, tmp_path: Path
) -> None:
    worker.kill()
    say(kafka, "exclude", "--subject", "anna", "0/*")
    anew = [msgspec.structs.replace(seen, fingerprint="another") for seen in PHOTOS]
    publish(kafka, anew)
    even = {seen.path for seen in PHOTOS if seen.path.startswith("0/")}
    with aggregating.aggregator(kafka, tmp_path) as again:
        again.wait_until("working")
        for fingerprint in (PHOTOS[0].fingerprint, "another"):

            def holds(records: list[Any], fingerprint: str = fingerprint) -> bool:
                return is_last(expected(even))(
                    [record for record in records if record.fingerprint == fingerprint]
                )

            skeletons.until(holds)


def test_what_is_not_there_is_told_and_nothing_is_decided(
    kafka: KafkaSettings, skeletons: Reader
) -> None:
    for arguments, wrong in (
        (("--subject", "nobody", "*.jpg"), "no photo of nobody"),
        (("--subject", "anna", "0/*", "three.jpg"), "'three.jpg'"),
        (("only-a-run",), "give the run directory, then the photos"),
    ):
        said = say(kafka, "exclude", *arguments)
        assert said.exit_code == 2
        assert wrong in said.output
    assert say(kafka, "include", "--subject", "anna", "*").output.startswith("0 photos brought")
    assert without_time(skeletons.records[-1].estimate) == expected(set())
