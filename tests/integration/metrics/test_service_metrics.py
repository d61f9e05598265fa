"""What running processes tell Prometheus is what they did, and survives that one is killed."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from support import scripted_detector
from support.deploy.scraping import Scrape
from support.kafka import with_topics
from support.waiting import PATIENCE, wait_for

from avatarrig.kafka.clients import open_producer
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.lag import KafkaWatch
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.metrics.detect import NO_PERSON
from avatarrig.metrics.endpoint import Endpoint, Readiness
from avatarrig.metrics.service import KafkaMetrics, PartsCollector, service_registry
from avatarrig.process.supervision import Child, Supervisor
from avatarrig.wire.topics import IMAGES
from processors.sandbox.settings import SandboxSettings
from processors.settings import ReplicaSettings
from producers.publish import described, publish
from producers.references import Dataset

pytestmark = [pytest.mark.broker, pytest.mark.usefixtures("support_is_importable")]


@pytest.fixture
def settings(kafka: EmbeddedBroker) -> KafkaSettings:
    return with_topics(kafka)


@pytest.fixture
def replica(settings: KafkaSettings, tmp_path: Path) -> ReplicaSettings:
    run = uuid.uuid4().hex[:12]
    return ReplicaSettings(
        kafka=settings,
        group=f"avatarrig.detectors.{run}",
        run=run,
        sandbox=SandboxSettings(photo_roots=(str(tmp_path),), detector=scripted_detector.SCRIPTED),
    )


def publish_photos(replica: ReplicaSettings, folder: Path, scripts: dict[str, str]) -> None:
    folder.mkdir()
    for name, script in scripts.items():
        (folder / name).write_text(script)
    producer = open_producer(replica.kafka)
    try:
        publish(described(folder, Dataset(name=folder.name, run=replica.run)), producer)
    finally:
        producer.close()


def send_no_reference(replica: ReplicaSettings) -> None:
    """Sends what is set aside, and no photo."""
    producer = open_producer(replica.kafka)
    try:
        producer.send(IMAGES, key=b"none", value=b"\xc1 no msgpack").get(timeout=PATIENCE)
    finally:
        producer.close()


@pytest.fixture
def service(replica: ReplicaSettings, tmp_path: Path) -> Iterator[tuple[Supervisor, str]]:
    """A supervised replica and where its metrics are."""
    shared = tmp_path / "metrics"
    shared.mkdir()
    child = Child("detector-0", "processors", replica)
    registry = service_registry(shared)
    with Supervisor([child], metrics_directory=shared) as supervisor:
        registry.register(PartsCollector(lambda: supervisor.states))
        ready = Readiness(ready=True)
        with Endpoint("127.0.0.1", 0, registry=registry, readiness=lambda: ready) as endpoint:
            yield supervisor, endpoint.url


def test_a_replica_tells_what_became_of_each_photo(
    replica: ReplicaSettings, service: tuple[Supervisor, str], tmp_path: Path
) -> None:
    supervisor, url = service
    photos = "avatarrig_detect_photos_total"
    scripts = {"1.jpg": "nobody", "2.jpg": "a person", "3.jpg": "refuse", "4.jpg": "crash"}
    send_no_reference(replica)
    publish_photos(replica, tmp_path / "first", scripts)
    wait_for(lambda: Scrape.of(url).value(photos) == 4)
    wait_for(lambda: Scrape.of(url).value("avatarrig_rejects_total", reason="malformed") >= 1)
    # The last detector process is loaded after the photo that needed it was given up.
    wait_for(lambda: Scrape.of(url).value("avatarrig_model_load_seconds_count") == 4)
    seen = Scrape.of(url)
    assert seen.value(photos, result="person") == 1
    assert seen.value(photos, result=NO_PERSON) == 1
    assert seen.value(photos, result="rejected") == 2
    assert seen.value("avatarrig_rejects_total", stage="detect", reason="unreadable") == 1
    assert seen.value("avatarrig_rejects_total", stage="detect", reason="crashed") == 1
    assert seen.value("avatarrig_detector_deaths_total", reason="crashed") == 3
    assert seen.value("avatarrig_detect_seconds_count") >= 3
    assert seen.value("avatarrig_detect_commit_seconds_count") >= 1
    assert seen.value("avatarrig_photo_to_observation_seconds_count") == 2
    assert seen.value("avatarrig_replicas", part="detector", state="working") == 1

    (state,) = supervisor.states
    assert state.pid
    os.kill(state.pid, signal.SIGKILL)
    publish_photos(replica, tmp_path / "second", {"5.jpg": "a person"})
    wait_for(lambda: Scrape.of(url).value(photos) == 5)
    assert Scrape.of(url).value("avatarrig_restarts_total", part="detector") == 1


def watched(
    settings: KafkaSettings, replica: ReplicaSettings
) -> tuple[KafkaWatch, CollectorRegistry]:
    registry = CollectorRegistry()
    metrics = KafkaMetrics()
    registry.register(metrics)
    return KafkaWatch(settings, metrics, {replica.group: IMAGES}, seconds=0.2), registry


def shows_silence(seen: Scrape) -> bool:
    """Of one moment: an answer from before the end may come late."""
    return seen.value("avatarrig_kafka_up") == 0 and "avatarrig_consumer_lag" not in seen.names


def now(registry: CollectorRegistry) -> Scrape:
    return Scrape(generate_latest(registry).decode())


def test_lag_is_known_before_a_group_ever_read_and_goes_when_it_has(
    settings: KafkaSettings, replica: ReplicaSettings, tmp_path: Path
) -> None:
    watch, registry = watched(settings, replica)
    lag = "avatarrig_consumer_lag"
    with watch:
        wait_for(lambda: now(registry).value("avatarrig_kafka_up") == 1)
        before = now(registry).value(lag, group=replica.group, topic=IMAGES)
        publish_photos(replica, tmp_path / "photos", {f"{n}.jpg": f"person {n}" for n in range(5)})
        wait_for(lambda: now(registry).value(lag, group=replica.group) == before + 5)
        with Supervisor([Child("detector-0", "processors", replica)]):
            wait_for(lambda: now(registry).value(lag, group=replica.group) == 0)


def test_a_kafka_that_goes_away_is_seen_and_seen_when_it_is_back(
    kafka_distribution: object, replica: ReplicaSettings, tmp_path: Path
) -> None:
    with EmbeddedBroker(tmp_path / "kafka") as broker:
        settings = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
        watch, registry = watched(settings, replica)
        with watch:
            wait_for(lambda: now(registry).value("avatarrig_kafka_up") == 1)
            broker.stop()
            wait_for(lambda: shows_silence(now(registry)))
            broker.start()
            wait_for(lambda: now(registry).value("avatarrig_kafka_up") == 1)
