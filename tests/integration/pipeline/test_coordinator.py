"""One coordinator looks after broker and parts, from the first start to the stop."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from kafka.errors import TopicAuthorizationFailedError
from support.process.supervised import Behaviour
from support.waiting import wait_for

from avatarrig.errors import CommandError
from avatarrig.kafka.embedded import BrokerError, EmbeddedBroker
from avatarrig.kafka.errors import TopicError, TransportError
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import describe_cluster
from avatarrig.pipeline.coordinator import Coordinator
from avatarrig.process.supervision import Child

pytestmark = pytest.mark.usefixtures("support_is_importable")


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def coordinator(notes: list[str]) -> Iterator[Coordinator]:
    with Coordinator(notes.append, drain=2.0) as coordinator:
        yield coordinator


def child(behaviour: str) -> Child:
    return Child(behaviour, "support.process.supervised", Behaviour(behaviour))


def test_it_goes_on_until_told_to_stop(coordinator: Coordinator) -> None:
    stop = threading.Event()
    coordinator.start([child("work")])
    threading.Timer(0.5, stop.set).start()
    coordinator.work(stop)
    assert stop.is_set()


def test_it_ends_when_the_work_is_done(coordinator: Coordinator) -> None:
    coordinator.start([child("work")])
    states: list[str] = []

    def step() -> bool:
        states[:] = [state.state for state in coordinator.states]
        return states == ["working"]

    coordinator.work(threading.Event(), step)
    assert states == ["working"]


def test_a_part_that_no_restart_can_mend_ends_the_command_with_its_words(
    coordinator: Coordinator,
) -> None:
    coordinator.start([child("unusable")])
    with pytest.raises(CommandError, match="install the models"):
        coordinator.work(threading.Event())


def test_a_thread_that_dies_ends_the_command_with_its_reason(coordinator: Coordinator) -> None:
    def die() -> None:
        raise ValueError("nobody foresaw this")

    coordinator.background.start("publishing", die)
    with pytest.raises(CommandError, match=r"publishing failed.*nobody foresaw this"):
        coordinator.work(threading.Event())


def test_a_step_is_taken_again_while_kafka_is_away(coordinator: Coordinator) -> None:
    errors = iter([TransportError("away"), TransportError("still away")])

    def step() -> str:
        for error in errors:
            raise error
        return "done"

    assert coordinator.patiently(step) == "done"


def test_what_waiting_cannot_change_is_told_at_once(coordinator: Coordinator) -> None:
    def step() -> None:
        raise TopicError("another number of partitions")

    with pytest.raises(TopicError):
        coordinator.patiently(step)


def test_an_error_that_waiting_cannot_change_is_told_as_one_of_kafka(
    coordinator: Coordinator,
) -> None:
    def step() -> None:
        raise TopicAuthorizationFailedError("not yours")

    with pytest.raises(TransportError, match="not yours"):
        coordinator.patiently(step)


def test_a_step_is_given_up_when_told_to_stop(coordinator: Coordinator) -> None:
    stop = threading.Event()
    stop.set()

    def step() -> None:
        raise TransportError("away")

    with pytest.raises(TransportError, match="away"):
        coordinator.patiently(step, stop)


@pytest.mark.broker
def test_parts_load_while_the_broker_starts_and_begin_when_they_are_released(
    coordinator: Coordinator, tmp_path: Path
) -> None:
    broker = EmbeddedBroker(tmp_path / "broker")
    expected = coordinator.launch(broker)
    coordinator.start([child("held")], held=True)
    reached = coordinator.await_broker()
    assert reached == expected
    assert describe_cluster(reached).brokers == (reached.bootstrap_servers,)
    assert coordinator.has_parts
    assert [state.state for state in coordinator.states] != ["working"]
    coordinator.release()
    wait_for(lambda: [state.state for state in coordinator.states] == ["working"])


@pytest.mark.broker
def test_parts_that_were_started_for_a_port_that_somebody_took_are_stopped(
    coordinator: Coordinator, tmp_path: Path
) -> None:
    launched = coordinator.launch(EmbeddedBroker(tmp_path / "broker"))
    coordinator.start([child("held")], held=True)
    coordinator.use(KafkaSettings(bootstrap_servers="127.0.0.1:1"))  # it was to be there
    assert coordinator.await_broker() == launched
    assert not coordinator.has_parts


@pytest.mark.broker
def test_a_broker_that_does_not_start_ends_the_command_with_its_words(
    coordinator: Coordinator, tmp_path: Path
) -> None:
    (tmp_path / "broker" / "data" / "records-0").mkdir(parents=True)
    coordinator.launch(EmbeddedBroker(tmp_path / "broker"))
    with pytest.raises(BrokerError, match=r"meta\.properties.*damaged"):
        coordinator.await_broker()


def guard_of(folder: Path) -> psutil.Process:
    lock = str(folder / "lock")
    return next(each for each in psutil.Process().children() if lock in each.cmdline())


def kill_java(broker: EmbeddedBroker, _: Path) -> None:
    os.kill(broker.pid, signal.SIGKILL)


def kill_guard(_: EmbeddedBroker, folder: Path) -> None:
    guard_of(folder).kill()


@pytest.mark.broker
@pytest.mark.parametrize("kill", [kill_java, kill_guard])
def test_a_broker_whose_java_or_guard_is_killed_is_started_again_on_its_port(
    coordinator: Coordinator,
    notes: list[str],
    tmp_path: Path,
    kill: Callable[[EmbeddedBroker, Path], None],
) -> None:
    broker = EmbeddedBroker(tmp_path / "broker")
    kafka = coordinator.keep(broker)
    first = broker.pid
    kill(broker, tmp_path / "broker")

    def told() -> bool:
        coordinator.check()
        return bool(notes)

    wait_for(told)
    assert "was started again" in notes[0]
    assert describe_cluster(kafka).brokers == (kafka.bootstrap_servers,)
    wait_for(lambda: is_gone(first))


def is_gone(pid: int) -> bool:
    """Tells whether a process has ended; whoever is its parent now may not have taken note yet."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


@pytest.mark.broker
def test_it_stops_while_its_broker_starts_again(tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path / "broker")
    with Coordinator(lambda _: None, drain=0.0) as coordinator:
        kafka: KafkaSettings = coordinator.keep(broker)
        first = broker.pid
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: not broker.alive or broker.pid != first)
    assert not broker.alive
    assert kafka.bootstrap_servers
