"""The broker stops, is killed, or cannot be reached while photos flow: nothing is lost."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from support.cli.disturbed import BROKER, Disturbed, Flock, assert_whole, wait_until_gone
from support.command import Result
from support.kafka import KafkaCluster
from support.waiting import PATIENCE

from avatarrig.kafka.settings import KafkaSettings

pytestmark = pytest.mark.broker
PACE = 0.03
AWAY_SECONDS = 30.0
"""Longer than sessions, transactions and the watchdog's patience last."""


def test_the_embedded_broker_is_killed_and_stopped(
    flock: Flock, undisturbed: Result, start: Callable[..., Disturbed]
) -> None:
    flock.pace(PACE)
    run = start(flock.photos)
    ways = itertools.cycle((signal.SIGKILL, signal.SIGTERM))
    for observed, way in zip((100, 250, 400), ways, strict=False):
        run.wait_for_observed(observed)
        run.wait_for(lambda: run.members(BROKER))
        (broker,) = run.members(BROKER)
        broker.send_signal(way)
        wait_until_gone([broker])
    assert_whole(run.result(), undisturbed)
    assert run.errors().count("Apache Kafka had ended and was started again") == 3


def test_the_embedded_broker_cannot_be_reached_for_a_while(
    flock: Flock, undisturbed: Result, start: Callable[..., Disturbed]
) -> None:
    flock.pace(PACE)
    run = start(flock.photos)
    run.wait_for_observed(100)
    (broker,) = run.members(BROKER)
    broker.suspend()
    time.sleep(AWAY_SECONDS)
    broker.resume()
    assert_whole(run.result(), undisturbed)


def test_of_three_brokers_one_cannot_be_reached_and_then_one_is_lost_for_good(
    flock: Flock,
    undisturbed: Result,
    start: Callable[..., Disturbed],
    kafka_cluster: KafkaCluster,
) -> None:
    """Each time the one that looks after a replica's transactions, which then never return."""
    flock.pace(PACE)
    run = start(flock.photos, "--bootstrap-servers", kafka_cluster.bootstrap_servers)
    run.wait_for_observed(100)
    with kafka_cluster.unreachable(kafka_cluster.transaction_coordinator(run.member(0))):
        time.sleep(AWAY_SECONDS)
    run.wait_for_observed(300)
    kafka_cluster.kill(kafka_cluster.transaction_coordinator(run.member(1)))
    assert_whole(run.result(), undisturbed, kafka_cluster.settings)
    assert len(kafka_cluster.alive()) == 2


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Address and process of ``avatarrig broker``."""
    data = tmp_path / "kafka"
    command = [sys.executable, "-m", "avatarrig", "broker", "--data-dir", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = next(word for word in process.stdout.readline().split() if ":" in word)
        yield address.rstrip(";"), psutil.Process(process.pid)
        process.terminate()
        assert process.wait(PATIENCE) == 0


def java_of(broker: psutil.Process) -> psutil.Process:
    return next(each for each in broker.children(recursive=True) if BROKER in each.cmdline())


def test_a_kafka_of_ones_own_is_killed_and_cannot_be_reached_for_a_while(
    flock: Flock,
    undisturbed: Result,
    start: Callable[..., Disturbed],
    own_kafka: tuple[str, psutil.Process],
) -> None:
    address, broker = own_kafka
    flock.pace(PACE)
    run = start(flock.photos, "--bootstrap-servers", address)
    run.wait_for_observed(100)
    killed = java_of(broker)
    killed.kill()
    wait_until_gone([killed])
    run.wait_for_observed(200)
    java_of(broker).suspend()
    time.sleep(AWAY_SECONDS)
    java_of(broker).resume()
    assert_whole(run.result(), undisturbed, KafkaSettings(bootstrap_servers=address))
