"""Aggregator processes on a real Kafka, and what goes in and comes out."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from support.waiting import PATIENCE

from aggregators.settings import AggregatorSettings
from avatarrig.body.estimate import estimate
from avatarrig.body.sums.tally import Tally
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.wire import (
    HistoryRecord,
    Observation,
    Record,
    Reject,
    SkeletonRecord,
    decode,
    encode,
)
from avatarrig.wire.estimate import Estimate
from avatarrig.wire.topics import HISTORY, OBSERVATIONS, REJECTS, SKELETONS
from producers.settings import IngestSettings

WRITTEN: dict[str, type[Any]] = {SKELETONS: SkeletonRecord, HISTORY: HistoryRecord, REJECTS: Reject}


class Aggregator:
    """One worker process."""

    def __init__(
        self,
        settings: AggregatorSettings | IngestSettings,
        folder: Path,
        program: tuple[str, ...] = ("-m", "aggregators"),
    ) -> None:
        folder.mkdir(exist_ok=True)
        self._settings = settings
        self._log = (folder / f"aggregator-{time.monotonic_ns()}.log").open("wb")
        self.process = subprocess.Popen(
            (sys.executable, *program),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=Path(__file__).parents[3],
        )
        stdin = cast("Any", self.process.stdin)
        stdin.write(msgspec.json.encode(settings) + b"\n")
        stdin.flush()

    def wait_until(self, state: str) -> str:
        """Waits for a state; returns the message that came with it."""
        for line in cast("Any", self.process.stdout):
            said = msgspec.json.decode(line)
            if said["state"] == state:
                return str(said["message"])
        raise AssertionError(f"the aggregator ended before it was {state}: {self.words()}")

    def words(self) -> str:
        """What it wrote to its log."""
        return Path(self._log.name).read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def hang_up(self) -> int:
        """Closes its standard input, as the end of its owner would."""
        cast("Any", self.process.stdin).close()
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.kill()
        for stream in (self.process.stdin, self.process.stdout, self._log):
            if stream is not None:
                stream.close()


@contextmanager
def aggregator(
    kafka: KafkaSettings,
    folder: Path,
    **settings: Any,
) -> Iterator[Aggregator]:
    worker = Aggregator(AggregatorSettings(kafka=kafka, **settings), folder)
    try:
        yield worker
    finally:
        worker.close()


@contextmanager
def producer(
    kafka: KafkaSettings,
    **options: Any,
) -> Iterator[KafkaProducer]:
    client = KafkaProducer(**kafka.client_options(), **options)
    try:
        yield client
    finally:
        client.close()


def send(client: KafkaProducer, messages: Iterable[Observation | bytes]) -> None:
    """Sends observations, or garbage; they are safe when it returns."""
    for message in messages:
        if isinstance(message, bytes):
            client.send(OBSERVATIONS, key=b"garbage", value=message)
        else:
            client.send(OBSERVATIONS, key=message.image_id.encode(), value=encode(message))
    client.flush()


def document(observations: Iterable[Observation], subject: str = "anna") -> Estimate:
    """The estimate from each of the observations once, made without any broker."""
    tally = Tally.empty()
    for seen in observations:
        tally.add(seen)
    return estimate(tally, subject=subject)


class Reader:
    """Reads a topic from its beginning, on and on."""

    def __init__(self, kafka: KafkaSettings, topic: str, kind: type[Record]) -> None:
        self._kind: type[Any] = kind
        self._client = KafkaConsumer(
            **kafka.client_options(), isolation_level="read_committed", auto_offset_reset="earliest"
        )
        self._client.assign(
            [TopicPartition(topic, p) for p in self._client.partitions_for_topic(topic) or ()]
        )
        self.records: list[Any] = []

    def until(
        self, condition: Callable[[list[Any]], bool], patience: float = PATIENCE
    ) -> list[Any]:
        """Reads until a condition holds for all records so far."""
        give_up = time.monotonic() + patience
        while not condition(self.records):
            assert time.monotonic() < give_up, f"never came true; {len(self.records)} records"
            for batch in self._client.poll(timeout_ms=100).values():
                self.records += [
                    decode(message.value, self._kind)
                    for message in batch
                    if message.value is not None  # a tombstone
                ]
        return self.records

    def close(self) -> None:
        self._client.close()


@contextmanager
def reading(kafka: KafkaSettings, topic: str) -> Iterator[Reader]:
    """Reads what aggregators write: `SKELETONS`, `HISTORY` or `REJECTS`."""
    reader = Reader(kafka, topic, WRITTEN[topic])
    try:
        yield reader
    finally:
        reader.close()


def counted(
    number: int, subject: str = "anna", *, since: float = 0.0
) -> Callable[[list[Any]], bool]:
    """Whether the last estimate of a subject contains that many photos, and is newer than that."""

    def holds(records: list[Any]) -> bool:
        last = [record for record in records if record.subject == subject][-1:]
        return bool(last) and last[0].observations >= number and last[0].estimated_at > since

    return holds
