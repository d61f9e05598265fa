"""How many observations a second one aggregator worker takes in, and what each costs it.

Both levels, their real changelogs, on an Apache Kafka on this machine. The records are in the
topic before the worker starts; time runs from the first estimate to the last.

    python tests/bench/aggregator.py [--observations 30000] [--subjects 1] [--partitions 12]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.aggregating import Aggregator, Reader, producer, send
from support.observed import observation

from aggregators.settings import AggregatorSettings
from avatarrig.broker import EmbeddedBroker
from avatarrig.records import SkeletonRecord
from avatarrig.topics import SKELETONS, pipeline_topics
from avatarrig.transport import KafkaSettings, create_topics

PATIENCE = 600.0
TARGET_RATE = 3_000
TARGET_MICROSECONDS = 200


def main() -> None:
    """Measures and prints."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker(Path(folder) / "kafka") as broker:
        kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
        create_topics(kafka, pipeline_topics(arguments.partitions))
        with producer(kafka, linger_ms=20) as out:
            photos = range(arguments.observations)
            send(out, (observation(n, f"subject-{n % arguments.subjects}") for n in photos))
        settings = AggregatorSettings(kafka=kafka, worker="bench")
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        for title in ("from nothing", "recovery"):
            worker = Aggregator(settings, Path(folder))
            try:
                _measure(worker, kafka, arguments.observations, title)
            finally:
                worker.stop()
                worker.close()


def _measure(worker: Aggregator, kafka: KafkaSettings, observations: int, title: str) -> None:
    process = psutil.Process(worker.process.pid)
    begun = time.perf_counter()
    worker.wait_until("working")
    working, cpu = time.perf_counter(), sum(process.cpu_times()[:2])
    print(f"{title}: working after {working - begun:.1f} s and {cpu:.1f} s of CPU")
    if title == "recovery":
        return
    reader = Reader(kafka, SKELETONS, SkeletonRecord)
    reader.until(lambda records: _photos(records) >= observations, PATIENCE)
    reader.close()
    spent = time.perf_counter() - working
    each = (sum(process.cpu_times()[:2]) - cpu) / observations * 1e6
    rate = observations / spent
    print(f"{rate:,.0f} observations/s (target {TARGET_RATE:,}), ", end="")
    print(f"{each:.0f} µs of CPU each (target {TARGET_MICROSECONDS}), ", end="")
    print(f"{process.memory_info().rss >> 20} MB, {len(reader.records)} estimates")


def _photos(records: list[SkeletonRecord]) -> int:
    return sum({record.subject: record.observations for record in records}.values())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--observations", type=int, default=30_000)
    parser.add_argument("--subjects", type=int, default=1)
    parser.add_argument("--partitions", type=int, default=12)
    return parser.parse_args()


if __name__ == "__main__":
    main()
