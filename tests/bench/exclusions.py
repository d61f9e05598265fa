"""How long it takes until thousands of photos are out of a running service's estimate, and back.

    python tests/bench/exclusions.py [--photos 10000]

Synthetic observations of one subject; an embedded broker, one aggregator. Half of them are left
out by one pattern, then brought back.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.aggregators import aggregating
from support.kafka import with_topics
from support.observed import observation

from avatarrig.kafka.clients import open_producer
from avatarrig.kafka.deciding.service import decide_in_service
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.wire import encode, record_key
from avatarrig.wire.reasons import Exclusion
from avatarrig.wire.topics import OBSERVATIONS, SKELETONS


def fill(kafka: KafkaSettings, photos: int) -> None:
    producer = open_producer(kafka)
    for number in range(2 * photos):
        folder = "away" if number % 2 else "kept"
        seen = msgspec.structs.replace(
            observation(number), path=f"{folder}/{number}.jpg", face=None, blendshapes=None
        )
        producer.send(OBSERVATIONS, value=encode(seen), key=record_key(seen))
    producer.close()


def excluded(records: list[Any]) -> int:
    return int(records[-1].estimate.excluded.get(Exclusion.ON_REQUEST, 0))


def timed(
    kafka: KafkaSettings, reader: aggregating.Reader, *, excluding: bool, wanted: int
) -> dict[str, float]:
    begun = time.monotonic()
    changed, _ = decide_in_service(kafka, "anna", ["away/*"], "", excluding=excluding)
    published = time.monotonic()
    reader.until(lambda records: excluded(records) == wanted, patience=300)
    done = time.monotonic()
    return {
        "photos": len(changed),
        "publishing_s": round(published - begun, 1),
        "estimate_s_after_the_last_record": round(done - published, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=10_000, help="photos that are left out")
    photos = parser.parse_args().photos
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker(Path(folder) / "broker") as broker:
        kafka = with_topics(broker)
        fill(kafka, photos)
        with (
            aggregating.aggregator(kafka, Path(folder)) as worker,
            aggregating.reading(kafka, SKELETONS) as reader,
        ):
            worker.wait_until("working")
            reader.until(aggregating.counted(2 * photos), patience=600)
            out = timed(kafka, reader, excluding=True, wanted=photos)
            back = timed(kafka, reader, excluding=False, wanted=0)
    print(json.dumps({"left_out": out, "brought_back": back}))


if __name__ == "__main__":
    main()
