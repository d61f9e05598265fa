"""What somebody measured, told to aggregators on Apache Kafka."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.aggregators.aggregating import aggregator, producer, reading, send
from support.body.measured import parse_measures
from support.kafka import with_topics
from support.observed import observation

from avatarrig.body.estimate import EstimateOptions, estimate
from avatarrig.body.sums.tally import Tally
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.pipeline.measuring import tell_measured
from avatarrig.wire.topics import SKELETONS

pytestmark = pytest.mark.broker


@pytest.fixture
def kafka(empty_kafka: EmbeddedBroker) -> KafkaSettings:
    return with_topics(empty_kafka, 3)


def test_every_aggregator_weighs_what_was_measured_before_or_after_the_photos(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    photos = [observation(number) for number in range(12)]
    tally = Tally.empty()
    for photo in photos:
        tally.add(photo)
    measured = parse_measures(["forearm=26cm", "left thigh=41cm+-1cm"])
    tall, small = (
        estimate(tally, subject="anna", options=EstimateOptions(height=height, measured=measured))
        for height in (1.75, 1.65)
    )

    def all_with(height: float) -> Callable[[list[Any]], bool]:
        return lambda records: bool(
            records
            and records[-1].observations == len(photos)
            and records[-1].estimate.height == height
        )

    with producer(kafka) as out, reading(kafka, SKELETONS) as estimates:
        with aggregator(kafka, tmp_path) as first:
            first.wait_until("working")
            send(out, photos)
            tell_measured(kafka, "anna", 1.75, measured)
            assert estimates.until(all_with(1.75))[-1].estimate == tall
            first.kill()
        tell_measured(kafka, "anna", 1.65, measured)
        with aggregator(kafka, tmp_path) as again:
            again.wait_until("working")
            assert estimates.until(all_with(1.65))[-1].estimate == small
        seen = len(estimates.until(bool))
        with aggregator(kafka, tmp_path, group="another") as another:
            another.wait_until("working")
            last = estimates.until(lambda records: len(records) > seen and all_with(1.65)(records))
            assert last[-1].estimate == small
