"""The aggregator and its broker are killed: each photo counts once all the same."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from support.aggregators.aggregating import (
    aggregator,
    counted,
    document,
    producer,
    reading,
    send,
)
from support.kafka import with_topics
from support.observed import observation
from support.waiting import PATIENCE

from aggregators.settings import AggregatorSettings
from avatarrig.errors import ExitCode
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.process.supervision import Child, Supervisor
from avatarrig.wire.topics import OBSERVATIONS, REJECTS, SKELETONS

pytestmark = pytest.mark.broker
PARTITIONS = 6


@pytest.fixture
def kafka(fresh_kafka: EmbeddedBroker) -> KafkaSettings:
    return with_topics(fresh_kafka, PARTITIONS)


def test_killed_again_and_again_it_gives_the_estimate_of_an_undisturbed_run(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    photos = [observation(number) for number in range(400)]
    garbage = [b"no record", b"\x81\xa7version\x63"]
    with producer(kafka) as out, reading(kafka, SKELETONS) as estimates:
        for round_ in range(4):
            with aggregator(kafka, tmp_path, worker="0") as worker:
                worker.wait_until("working")
                send(out, [*photos[round_ * 100 : round_ * 100 + 60], *garbage])
                estimates.until(counted(round_ * 100 + 30))
                send(out, photos[max(0, round_ * 100 - 50) : round_ * 100 + 100])
                if round_ < 3:
                    worker.kill()
                else:
                    estimates.until(counted(400))
                    assert worker.stop() == ExitCode.DONE
        last = estimates.records[-1]
    assert last.estimate == document(photos)
    assert last.observations == 400
    with reading(kafka, REJECTS) as refused:
        origins = {
            reject.origin for reject in refused.until(lambda r: len({x.origin for x in r}) >= 8)
        }
    assert all(origin.startswith(f"{OBSERVATIONS}/") for origin in origins)
    assert len(origins) == 8


def test_a_broker_that_is_killed_costs_nothing(fresh_kafka: EmbeddedBroker, tmp_path: Path) -> None:
    kafka = with_topics(fresh_kafka, PARTITIONS)
    photos = [observation(number) for number in range(200)]
    settings = AggregatorSettings(kafka=kafka, worker="0", stuck_after=20.0, die_with_parent=True)
    with (
        Supervisor([Child("aggregator", "aggregators", settings)], log_directory=tmp_path),
        producer(kafka) as out,
        reading(kafka, SKELETONS) as estimates,
    ):
        send(out, photos[:100])
        estimates.until(counted(50))
        psutil.Process(fresh_kafka.pid).kill()
        fresh_kafka.restart()
        send(out, photos[100:])
        last = estimates.until(counted(200), 2 * PATIENCE)[-1]
    assert last.estimate == document(photos)
