"""The aggregator is killed while photos are left out and brought back: each stands as it shall."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
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

from avatarrig.errors import ExitCode
from avatarrig.kafka.deciding.service import decide_in_service
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.wire import Observation
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.topics import SKELETONS

pytestmark = pytest.mark.broker
PARTITIONS = 6
PHOTOS = 300
ROUNDS = 4


@pytest.fixture
def kafka(fresh_kafka: EmbeddedBroker) -> KafkaSettings:
    return with_topics(fresh_kafka, PARTITIONS)


def test_killed_while_it_takes_photos_out_it_gives_the_estimate_of_those_that_count(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    photos = [observation(number) for number in range(PHOTOS)]
    chance = random.Random(7)
    left_out: set[str] = set()
    with producer(kafka) as out, reading(kafka, SKELETONS) as estimates:
        for round_ in range(ROUNDS):
            with aggregator(kafka, tmp_path, worker="0") as worker:
                worker.wait_until("working")
                until = PHOTOS * (round_ + 1) // ROUNDS
                send(out, photos[PHOTOS * round_ // ROUNDS : until])
                for excluding in (True, False):
                    chosen = {photo.image_id for photo in chance.sample(photos[:until], 40)}
                    chosen = chosen - left_out if excluding else chosen & left_out
                    if chosen:
                        decide_in_service(kafka, "anna", sorted(chosen), "", excluding=excluding)
                    left_out = left_out | chosen if excluding else left_out - chosen
                if round_ < ROUNDS - 1:
                    worker.kill()
                    continue
                estimates.until(counted(PHOTOS))
                last = estimates.until(is_last(photos, left_out), 2 * PATIENCE)[-1]
                assert worker.stop() == ExitCode.DONE
    assert left_out
    assert last.observations == PHOTOS


def is_last(photos: list[Observation], left_out: set[str]) -> Callable[[list[Any]], bool]:
    """Whether the last estimate is that of the photos that count."""
    wanted = document(
        msgspec.structs.replace(photo, excluded=Exclusion.ON_REQUEST.words)
        if photo.image_id in left_out
        else photo
        for photo in photos
    )
    return lambda records: bool(records[-1].estimate == wanted)
