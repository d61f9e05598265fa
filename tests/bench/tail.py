"""How ``avatarrig tail`` stands 100 updates a second: start, frames, memory, flicker.

Publishes estimates of one subject at a steady rate to an embedded broker while a tail runs on a
pseudo-terminal, and prints the table that it writes as JSON to tests/bench/out/tail.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import psutil
from kafka import KafkaProducer

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.process.terminal import Terminal
from support.rendered import rendered

from avatarrig.body.estimate import estimate
from avatarrig.body.sums.tally import Tally
from avatarrig.kafka.clients import open_producer
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import create_topics
from avatarrig.wire import SkeletonRecord, encode
from avatarrig.wire.history import history_of, slot_of
from avatarrig.wire.topics import HISTORY, OBSERVATIONS, SKELETONS, pipeline_topics

OUT = Path(__file__).parent / "out"
CLEARS = ("\x1b[2J", "\x1bc", "\x1b[J")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=100)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker(Path(folder)) as broker:
        kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
        create_topics(kafka, pipeline_topics(12))
        figures = measure(kafka, arguments.seconds, arguments.rate)
    for name, value in figures.items():
        print(f"{name:<28} {value}")
    OUT.mkdir(exist_ok=True)
    (OUT / "tail.json").write_text(json.dumps(figures, indent=2) + "\n")


def measure(kafka: KafkaSettings, seconds: float, rate: float) -> dict[str, float]:
    record = first_record()
    client = open_producer(kafka)
    publish(client, record, 0)
    client.flush()
    with Terminal(
        "tail", "--bootstrap-servers", kafka.bootstrap_servers, columns=140, rows=45
    ) as terminal:
        start = terminal.wait_for("wingspan")
        process = own_process(terminal)
        begun = time.monotonic()
        terminal.output = ""
        sent, cpu = 0, process.cpu_times()
        resident: list[float] = []
        while (now := time.monotonic() - begun) < seconds:
            while sent < now * rate:
                sent += 1
                publish(client, record, sent)
            terminal.read(0.005)
            if len(resident) < now:
                resident.append(process.memory_info().rss / 1e6)
        spent = process.cpu_times()
        output = terminal.output
        terminal.wait_for(f"{sent} photos")
        terminal.type("\x03")
        terminal.wait()
    client.close()
    third = max(1, len(resident) // 3)
    return {
        "start to picture, s": round(start, 2),
        "updates sent": sent,
        "updates a second": round(sent / seconds, 1),
        "frames a second": round(output.count("\x1b[H") / seconds, 1),
        "screens cleared": sum(output.count(clear) for clear in CLEARS),
        "output, KB/s": round(len(output.encode()) / seconds / 1e3, 1),
        "CPU, share of a core": round(
            (spent.user + spent.system - cpu.user - cpu.system) / seconds, 3
        ),
        "memory after 10 s, MB": round(resident[min(10, len(resident) - 1)], 1),
        "memory at the end, MB": round(resident[-1], 1),
        "growth, last two thirds, MB": round(
            sum(resident[-third:]) / third - sum(resident[third : 2 * third]) / third, 1
        ),
    }


def own_process(terminal: Terminal) -> psutil.Process:
    """The command itself, below the program that gave it a terminal."""
    children = psutil.Process(terminal.process.pid).children()
    return children[0] if children else psutil.Process(terminal.process.pid)


def first_record() -> SkeletonRecord:
    tally = Tally.empty()
    for number in range(30):
        tally.add(rendered(number))
    return SkeletonRecord(
        subject="anna",
        fingerprint="f",
        applied={},
        observations=30,
        estimate=estimate(tally, subject="anna"),
        estimated_at=time.time(),
    )


def publish(client: KafkaProducer, record: SkeletonRecord, number: int) -> None:
    """An estimate, its note and an observation, as they come from a pipeline."""
    now = time.time()
    latest = msgspec.structs.replace(record, observations=number, estimated_at=now)
    noted = history_of(latest)
    client.send(SKELETONS, key=b"anna", value=encode(latest))
    client.send(HISTORY, key=f"anna{slot_of(noted)}".encode(), value=encode(noted))
    seen = rendered(number, observed_at=now)
    client.send(OBSERVATIONS, key=seen.image_id.encode(), value=encode(seen))


if __name__ == "__main__":
    main()
