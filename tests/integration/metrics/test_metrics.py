"""Metrics move with what they count, and are served with health and readiness."""

from __future__ import annotations

import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from support.deploy.scraping import Scrape, get, get_json

from avatarrig.metrics.aggregate import AggregateMetrics
from avatarrig.metrics.detect import NO_PERSON, PERSON, DetectMetrics
from avatarrig.metrics.endpoint import Endpoint, EndpointError, Readiness
from avatarrig.metrics.ingest import IngestMetrics
from avatarrig.metrics.service import KafkaMetrics, PartsCollector, service_registry
from avatarrig.process.sharing import part_environment
from avatarrig.process.supervision import ChildState

READY = Readiness(ready=True)


@contextmanager
def served(registry: CollectorRegistry, readiness: Readiness = READY) -> Iterator[str]:
    with Endpoint("127.0.0.1", 0, registry=registry, readiness=lambda: readiness) as endpoint:
        yield endpoint.url


def scrape(registry: CollectorRegistry) -> Scrape:
    return Scrape(generate_latest(registry).decode())


def test_a_service_is_alive_and_ready_and_shows_its_metrics() -> None:
    with served(service_registry()) as url:
        assert get_json(f"{url}/health") == (200, {"status": "alive"})
        assert get_json(f"{url}/ready") == (200, {"status": "ready"})
        assert Scrape.of(url).value("avatarrig_build_info") == 1


def test_a_service_that_does_not_work_says_why_but_lives() -> None:
    with served(service_registry(), Readiness(ready=False, message="no broker")) as url:
        status, words = get_json(f"{url}/ready")
        assert (status, words["message"]) == (503, "no broker")
        assert get(f"{url}/health")[0] == 200


def test_nothing_else_is_served() -> None:
    with served(service_registry()) as url:
        assert get(f"{url}/")[0] == 404
        assert get(f"{url}/metrics/../../etc/passwd")[0] == 404


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EndpointError, match=f"127.0.0.1:{port}.*another port"):
            Endpoint("127.0.0.1", port, registry=service_registry(), readiness=lambda: READY)


def test_processes_are_counted_by_part_and_state() -> None:
    states = [
        ChildState(name="detector-0", state="working", restarts=2),
        ChildState(name="detector-1", state="working", restarts=1),
        ChildState(name="detector-2", state="restarting"),
        ChildState(name="aggregator", state="starting"),
    ]
    registry = CollectorRegistry()
    registry.register(PartsCollector(lambda: states))
    seen = scrape(registry)
    assert seen.value("avatarrig_replicas", part="detector", state="working") == 2
    assert seen.value("avatarrig_replicas", part="detector", state="restarting") == 1
    assert seen.value("avatarrig_replicas", part="detector", state="failed") == 0
    assert seen.value("avatarrig_replicas", part="aggregator", state="starting") == 1
    assert seen.value("avatarrig_restarts_total", part="detector") == 3


def test_lag_is_shown_while_kafka_answers() -> None:
    registry = CollectorRegistry()
    metrics = KafkaMetrics()
    registry.register(metrics)
    metrics.answered({("g", "old"): 1})
    metrics.answered({("g", "t"): 7})
    seen = scrape(registry)
    assert seen.value("avatarrig_kafka_up") == 1
    assert seen.value("avatarrig_consumer_lag", group="g", topic="t") == 7
    assert seen.value("avatarrig_consumer_lag", topic="old") == 0
    metrics.silent()
    seen = scrape(registry)
    assert "avatarrig_consumer_lag" not in seen.names
    assert seen.value("avatarrig_kafka_up") == 0


def test_ingest_counts_photos_by_what_became_of_them() -> None:
    registry = CollectorRegistry()
    metrics = IngestMetrics(registry)
    before = scrape(registry)
    assert before.value("avatarrig_ingest_photos_total", result="published") == 0
    assert "avatarrig_ingest_photos_total" in before.names
    metrics.published(0.3)
    metrics.published(-1.0)  # another machine's clock
    metrics.known()
    metrics.rejected("unreadable")
    seen = scrape(registry)
    assert seen.value("avatarrig_ingest_photos_total", result="published") == 2
    assert seen.value("avatarrig_ingest_photos_total", result="known") == 1
    assert seen.value("avatarrig_ingest_photos_total", result="rejected") == 1
    assert seen.value("avatarrig_rejects_total", stage="ingest", reason="unreadable") == 1
    assert seen.value("avatarrig_ingest_publish_seconds_sum") == 0.3
    assert seen.value("avatarrig_ingest_publish_seconds_count") == 2


def test_detection_counts_photos_by_what_became_of_them() -> None:
    registry = CollectorRegistry()
    metrics = DetectMetrics(registry)
    metrics.observed(PERSON, 2.0)
    metrics.observed(NO_PERSON, 3.0)
    metrics.rejected("too_large")
    metrics.detected(0.2)
    metrics.committed(0.01)
    metrics.loaded(1.5)
    metrics.died("crashed")
    seen = scrape(registry)
    for result in (PERSON, NO_PERSON, "rejected"):
        assert seen.value("avatarrig_detect_photos_total", result=result) == 1
    assert seen.value("avatarrig_photo_to_observation_seconds_sum") == 5
    assert seen.value("avatarrig_rejects_total", stage="detect", reason="too_large") == 1
    assert seen.value("avatarrig_detect_seconds_sum") == 0.2
    assert seen.value("avatarrig_detect_commit_seconds_count") == 1
    assert seen.value("avatarrig_model_load_seconds_sum") == 1.5
    assert seen.value("avatarrig_detector_deaths_total", reason="crashed") == 1


def test_aggregation_counts_messages_and_estimates() -> None:
    registry = CollectorRegistry()
    metrics = AggregateMetrics(registry)
    metrics.taken("avatarrig.observations", 5)
    metrics.rejected("malformed")
    metrics.estimated(0.004)
    metrics.published(at=100.0, width=0.12, latency=0.8)
    metrics.published(at=101.0, width=None, latency=None)
    metrics.keeps(3)
    seen = scrape(registry)
    topic = "avatarrig.observations"
    assert seen.value("avatarrig_aggregate_messages_total", topic=topic) == 5
    assert seen.value("avatarrig_rejects_total", stage="aggregate", reason="malformed") == 1
    assert seen.value("avatarrig_estimate_seconds_sum") == 0.004
    assert seen.value("avatarrig_estimates_published_total") == 2
    assert seen.value("avatarrig_estimate_published_timestamp_seconds") == 101
    assert seen.value("avatarrig_estimate_interval_width_sum") == 0.12
    assert seen.value("avatarrig_estimate_interval_width_count") == 1
    assert seen.value("avatarrig_photo_to_estimate_seconds_sum") == 0.8
    assert seen.value("avatarrig_estimates") == 3


CHILD = textwrap.dedent(
    """
    import os, signal
    from prometheus_client import CollectorRegistry
    from avatarrig.metrics.aggregate import AggregateMetrics
    from avatarrig.metrics.detect import DetectMetrics
    from avatarrig.process.sharing import share_metrics
    share_metrics()
    DetectMetrics(CollectorRegistry()).observed("person", 2.0)
    metrics = AggregateMetrics(CollectorRegistry())
    metrics.published(at={at}, width=None, latency=None)
    metrics.keeps({keeps})
    os.kill(os.getpid(), signal.SIGKILL)
    """
)


def run_child(directory: Path, part: str, *, at: int, keeps: int) -> None:
    environment = part_environment(directory, part)
    script = CHILD.format(at=at, keeps=keeps)
    subprocess.run((sys.executable, "-c", script), env=environment, check=False)


def test_children_count_together_and_a_kill_loses_nothing(tmp_path: Path) -> None:
    for part, at in (("detector-0", 10), ("detector-1", 30), ("detector-0", 20)):
        run_child(tmp_path, part, at=at, keeps=at)
    seen = scrape(service_registry(tmp_path))
    assert seen.value("avatarrig_detect_photos_total", result="person") == 3
    assert seen.value("avatarrig_photo_to_observation_seconds_sum") == 6
    assert seen.value("avatarrig_estimate_published_timestamp_seconds") == 30
    assert seen.value("avatarrig_estimates") == 20 + 30
    assert len(list(tmp_path.glob("counter_*"))) == 2, "a restart must not leave files behind"
