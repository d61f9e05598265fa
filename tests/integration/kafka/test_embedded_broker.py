"""The embedded broker: starts, keeps, restarts, and never outlives its owner."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from kafka import OffsetAndMetadata, TopicPartition
from support.waiting import PATIENCE, wait_for

from avatarrig.kafka.clients import open_group_consumer, open_producer, open_reader
from avatarrig.kafka.diagnosis import diagnose_connection
from avatarrig.kafka.embedded import (
    BrokerError,
    BrokerUnavailableError,
    DataInUseError,
    EmbeddedBroker,
)
from avatarrig.kafka.embedded.distribution import Distribution, prepare_distribution
from avatarrig.kafka.embedded.embedded import Patience
from avatarrig.kafka.embedded.ports import choose_ports
from avatarrig.kafka.embedded.settings import (
    LOG4J_CONFIGURATION,
    LOG4J_FILE,
    PROPERTIES_FILE,
    STORAGE_FOLDER,
    NodeSettings,
    render_properties,
)
from avatarrig.kafka.embedded.startup_cache import with_startup_cache
from avatarrig.kafka.embedded.storage import bootstrap_file, format_storage, new_cluster_id
from avatarrig.kafka.errors import ConnectionRefusedByKafkaError
from avatarrig.kafka.own_broker import own_broker_at, secret_in
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import create_topics, describe_cluster
from avatarrig.wire.topics import Topic

posix = pytest.mark.skipif(os.name == "nt", reason="signals")


def settings_of(broker: EmbeddedBroker) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=broker.bootstrap_servers)


def write(broker: EmbeddedBroker, *values: bytes) -> None:
    settings = settings_of(broker)
    create_topics(settings, [Topic("records", 1)])
    with contextlib.closing(open_producer(settings)) as producer:
        for value in values:
            producer.send("records", value).get(timeout=PATIENCE)


def read(broker: EmbeddedBroker, count: int) -> list[bytes]:
    values: list[bytes] = []
    with contextlib.closing(open_reader(settings_of(broker))) as reader:
        reader.assign([TopicPartition("records", 0)])
        deadline = time.monotonic() + PATIENCE
        while len(values) < count and time.monotonic() < deadline:
            for batch in reader.poll(timeout_ms=500).values():
                values += [record.value for record in batch]
    return values


def test_a_node_listens_on_loopback_in_a_session_of_its_own(kafka: EmbeddedBroker) -> None:
    assert describe_cluster(settings_of(kafka)).brokers == (kafka.bootstrap_servers,)
    listening = {
        connection.laddr.ip
        for connection in psutil.Process(kafka.pid).net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert {ip.removeprefix("::ffff:") for ip in listening} == {"127.0.0.1"}
    # So Ctrl-C in the terminal does not reach it before the pipeline has drained.
    assert os.getsid(kafka.pid) != os.getsid(0)


def test_records_groups_and_address_outlive_stop_and_kill(fresh_kafka: EmbeddedBroker) -> None:
    """Though the ports are free late after the stop."""
    address = fresh_kafka.bootstrap_servers
    write(fresh_kafka, b"one", b"two")
    place = TopicPartition("records", 0)
    member = {"group": "readers", "member": "reader-0"}
    with contextlib.closing(
        open_group_consumer(settings_of(fresh_kafka), ["records"], **member)
    ) as consumer:
        wait_for(lambda: bool(consumer.poll(timeout_ms=200)))
        consumer.commit({place: OffsetAndMetadata(1, "", -1)})

    fresh_kafka.stop()
    with listening_at(address):
        restarting = threading.Thread(target=fresh_kafka.restart)
        restarting.start()
        restarting.join(1.0)
        assert restarting.is_alive()  # it waits for the port
    restarting.join()
    assert fresh_kafka.bootstrap_servers == address
    assert describe_cluster(settings_of(fresh_kafka)).brokers == (address,)
    write(fresh_kafka, b"three")
    os.kill(fresh_kafka.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    wait_for(lambda: not fresh_kafka.alive)

    fresh_kafka.restart()
    assert fresh_kafka.alive
    assert fresh_kafka.bootstrap_servers == address
    assert read(fresh_kafka, 3) == [b"one", b"two", b"three"]
    with contextlib.closing(
        open_group_consumer(settings_of(fresh_kafka), ["records"], **member)
    ) as consumer:
        assert consumer.committed(place) == 1


@contextlib.contextmanager
def listening_at(address: str) -> Iterator[None]:
    """Another program at a broker's port."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", int(address.partition(":")[2])))
        other.listen()
        yield


def test_a_stop_is_orderly_and_can_be_repeated_and_a_taken_port_is_told_or_replaced(
    kafka_distribution: Distribution, tmp_path: Path
) -> None:
    data = tmp_path / "Ünï, cöde = dir"
    with EmbeddedBroker(data, patience=Patience(exits=1, seconds=0.2)) as broker:
        write(broker, b"one")
        address = broker.bootstrap_servers
    broker.stop()
    assert not broker.alive
    # Kafka's own mark that the logs need no checking at the next start.
    assert (data / "data" / ".kafka_cleanshutdown").exists()
    with listening_at(address):
        port = address.partition(":")[2]
        # Whoever uses it knows its address, and whoever begins does not yet.
        with pytest.raises(BrokerError, match=rf"Port {port} .* another program: end that"):
            broker.restart()
        broker.stop()
        with EmbeddedBroker(data) as other:
            assert other.bootstrap_servers != address
            assert read(other, 1) == [b"one"]


def test_a_second_broker_on_the_same_data_is_refused(kafka: EmbeddedBroker) -> None:
    data = kafka._data_dir
    with pytest.raises(DataInUseError, match=rf"started by process {os.getpid()}.*another"):
        EmbeddedBroker(data).start()
    assert describe_cluster(settings_of(kafka)).brokers == (kafka.bootstrap_servers,)


@posix
def test_a_guard_that_is_killed_before_the_broker_is_prepared_or_started_costs_nothing(
    kafka_distribution: Distribution, tmp_path: Path
) -> None:
    lock = str(tmp_path / "kafka" / "lock")

    def guards() -> list[psutil.Process]:
        return [each for each in psutil.Process().children() if is_guard(each)]

    def is_guard(child: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error):  # it may have ended meanwhile
            return lock in child.cmdline()
        return False

    def kill_the_first() -> None:
        wait_for(guards)
        guards()[0].kill()

    killing = threading.Thread(target=kill_the_first)
    killing.start()
    broker = EmbeddedBroker(tmp_path / "kafka")
    try:
        broker.prepare()
        killing.join()
        for guard in guards():
            guard.kill()
        broker.start()
        write(broker, b"taken")
        assert read(broker, 1) == [b"taken"]
    finally:
        broker.stop()


def formatted(folder: Path, distribution: Distribution) -> Path:
    folder.mkdir()
    settings = NodeSettings(7, {7: choose_ports()}, new_cluster_id())
    (folder / PROPERTIES_FILE).write_text(render_properties(settings), "ascii")
    (folder / LOG4J_FILE).write_text(LOG4J_CONFIGURATION, "utf-8")
    format_storage(distribution, folder, settings.cluster_id)
    return folder / STORAGE_FOLDER


def test_storage_is_laid_out_as_kafkas_tool_does_it_and_its_damaged_answer_is_not_used(
    kafka_distribution: Distribution, tmp_path: Path
) -> None:
    kept = bootstrap_file(kafka_distribution)
    formatted(tmp_path / "before", kafka_distribution)
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-1])
    by_tool = formatted(tmp_path / "by-the-tool", kafka_distribution)
    assert len(kept.read_bytes()) == len(whole)
    laid_out = formatted(tmp_path / "laid-out", kafka_distribution)
    assert {file.name for file in by_tool.iterdir()} == {file.name for file in laid_out.iterdir()}
    same = "bootstrap.checkpoint"
    assert (by_tool / same).read_bytes() == (laid_out / same).read_bytes()
    told = [
        {
            name: value
            for name, _, value in (
                line.partition("=")
                for line in (storage / "meta.properties").read_text("ascii").splitlines()
                if not line.startswith("#")
            )
        }
        for storage in (by_tool, laid_out)
    ]
    assert told[0].keys() == told[1].keys()
    assert [each["node.id"] for each in told] == ["7", "7"]
    assert len({each["directory.id"] for each in told} | {each["cluster.id"] for each in told}) == 4


OWNER = """
import os, sys, threading, time
from pathlib import Path
from avatarrig.kafka.embedded import EmbeddedBroker

broker = EmbeddedBroker(Path(sys.argv[1]))
# From a thread that ends, and with a fork that keeps every pipe open.
starting = threading.Thread(target=broker.start)
starting.start()
starting.join()
child = os.fork()
if child == 0:
    time.sleep(600)
    os._exit(0)
print(broker.pid, child, flush=True)
time.sleep(600)
"""


@posix
def test_a_broker_dies_with_its_killed_owner_and_its_data_can_be_used_again(
    kafka_distribution: Distribution, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", OWNER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        broker_pid, fork_pid = map(int, owner.stdout.readline().split())
        try:
            assert psutil.Process(broker_pid).is_running()
            owner.kill()
            owner.wait()
            # At once, while the old broker may still be on its way out.
            with EmbeddedBroker(tmp_path) as successor:
                assert describe_cluster(settings_of(successor)).brokers
                assert not psutil.pid_exists(broker_pid)
        finally:
            os.kill(fork_pid, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_a_broker_dies_with_its_killed_guard(fresh_kafka: EmbeddedBroker) -> None:
    process = psutil.Process(fresh_kafka.pid)
    guard = process.parent()
    assert guard is not None
    guard.kill()
    wait_for(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)
    wait_for(lambda: not fresh_kafka.alive)


def test_no_network_is_one_clear_message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AVATARRIG_MAVEN_BASE", f"http://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(BrokerUnavailableError, match="--bootstrap-servers"):
            EmbeddedBroker(tmp_path / "data", tmp_path / "cache").start()


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_runs_a_broker_until_it_is_told_to_stop(
    kafka_distribution: Distribution, tmp_path: Path, number: signal.Signals
) -> None:
    command = "from avatarrig.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", command, "broker", "--data-dir", str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        line = running.stdout.readline()
        address = line.split()[3].rstrip(";")
        assert describe_cluster(KafkaSettings(bootstrap_servers=address)).brokers == (address,)
        running.send_signal(number)
        assert running.wait(PATIENCE) == 0
    assert (tmp_path / "data" / ".kafka_cleanshutdown").exists()


@pytest.fixture(scope="module")
def cache_of_ones_own(
    kafka_distribution: Distribution, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    cache = tmp_path_factory.mktemp("of-ones-own") / "cache"
    jars = kafka_distribution.jars[0].parent
    shutil.copytree(jars, cache / jars.name, copy_function=os.link)
    return cache


@pytest.fixture(scope="module")
def whole(cache_of_ones_own: Path) -> tuple[Path, bytes]:
    """A start-up cache, and what is in it: making one takes long."""
    ready = with_startup_cache(cache_of_ones_own, prepare_distribution(cache_of_ones_own))
    assert ready.startup_cache is not None
    return ready.startup_cache, ready.startup_cache.read_bytes()


@pytest.mark.broker
@pytest.mark.parametrize("where", [0.0, 0.5])
def test_a_damaged_startup_cache_is_made_again_or_done_without(
    cache_of_ones_own: Path, whole: tuple[Path, bytes], tmp_path: Path, where: float
) -> None:
    file, content = whole
    damaged = bytearray(content)
    at = int(where * len(content))
    damaged[at : at + 65536] = bytes(byte ^ 0xFF for byte in content[at : at + 65536])
    file.write_bytes(damaged)
    with EmbeddedBroker(tmp_path / "broker", cache_of_ones_own) as broker:
        write(broker, b"value")
        assert read(broker, 1) == [b"value"]


def test_who_does_not_know_the_secret_is_let_in_nowhere(kafka: EmbeddedBroker) -> None:
    """On neither port: the controllers' would take records as well."""
    client = int(kafka.bootstrap_servers.rpartition(":")[2])
    listening = {
        connection.laddr.port
        for connection in psutil.Process(kafka.pid).net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert client in listening
    assert len(listening) == 2
    for port in listening:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as stranger:
            metadata = struct.pack(">hhih", 3, 1, 7, -1) + struct.pack(">i", -1)
            stranger.sendall(struct.pack(">i", len(metadata)) + metadata)
            assert stranger.recv(1) == b""  # closed without an answer
    wrong = KafkaSettings(
        bootstrap_servers=kafka.bootstrap_servers,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        username="avatarrig",
        password="guessed",
    )
    with pytest.raises(ConnectionRefusedByKafkaError):
        diagnose_connection(wrong)


def test_a_command_of_the_same_user_finds_the_secret_by_the_port(kafka: EmbeddedBroker) -> None:
    for host in ("127.0.0.1", "localhost"):
        port = kafka.bootstrap_servers.rpartition(":")[2]
        settings = KafkaSettings(bootstrap_servers=f"{host}:{port}")
        assert settings.security_protocol == "SASL_PLAINTEXT"
        assert settings.password
        assert settings.password not in repr(settings)
        assert describe_cluster(settings).brokers == (kafka.bootstrap_servers,)
    assert not KafkaSettings(bootstrap_servers=f"elsewhere:{port}").sasl


@posix
def test_the_secret_lies_in_files_that_its_user_alone_may_read(
    kafka: EmbeddedBroker, tmp_path: Path
) -> None:
    port = int(kafka.bootstrap_servers.rpartition(":")[2])
    found = own_broker_at(port)
    assert found is not None
    files = [
        file
        for file in Path(found.lock).parent.iterdir()
        if file.is_file() and found.secret.encode() in file.read_bytes()
    ]
    assert {file.name for file in files} == {"secret", "node.properties"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    kept = tmp_path / "secret"
    assert secret_in(kept) == secret_in(kept) != found.secret
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
