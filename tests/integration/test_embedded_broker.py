"""The embedded broker: starts, keeps, restarts, and never outlives its owner."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from kafka import OffsetAndMetadata, TopicPartition
from support.waiting import wait_for

from avatarrig.kafka import (
    KafkaSettings,
    create_topics,
    describe_cluster,
    open_group_consumer,
    open_producer,
    open_reader,
)
from avatarrig.kafka.embedded import (
    BrokerUnavailableError,
    DataInUseError,
    EmbeddedBroker,
    default_cache,
)
from avatarrig.kafka.embedded.distribution import Distribution
from avatarrig.wire.topics import Topic

posix = pytest.mark.skipif(os.name == "nt", reason="signals")


def settings_of(broker: EmbeddedBroker) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=broker.bootstrap_servers)


def write(broker: EmbeddedBroker, *values: bytes) -> None:
    settings = settings_of(broker)
    create_topics(settings, [Topic("records", 1)])
    with contextlib.closing(open_producer(settings)) as producer:
        for value in values:
            producer.send("records", value).get(timeout=60)


def read(broker: EmbeddedBroker, count: int) -> list[bytes]:
    values: list[bytes] = []
    with contextlib.closing(open_reader(settings_of(broker))) as reader:
        reader.assign([TopicPartition("records", 0)])
        deadline = time.monotonic() + 60
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
    address = fresh_kafka.bootstrap_servers
    write(fresh_kafka, b"one", b"two")
    place = TopicPartition("records", 0)
    member = {"group": "readers", "member": "reader-0"}
    with contextlib.closing(
        open_group_consumer(settings_of(fresh_kafka), ["records"], **member)
    ) as consumer:
        wait_for(lambda: bool(consumer.poll(timeout_ms=200)))
        consumer.commit({place: OffsetAndMetadata(1, "", -1)})

    fresh_kafka.restart()
    assert fresh_kafka.bootstrap_servers == address
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


def test_a_stop_is_orderly_and_can_be_repeated(
    kafka_distribution: Distribution, tmp_path: Path
) -> None:
    data = tmp_path / "Ünï, cöde = dir"
    with EmbeddedBroker(data) as broker:
        write(broker, b"one")
    broker.stop()
    assert not broker.alive
    # Kafka's own mark that the logs need no checking at the next start.
    assert (data / "data" / ".kafka_cleanshutdown").exists()


def test_a_second_broker_on_the_same_data_is_refused(fresh_kafka: EmbeddedBroker) -> None:
    data = fresh_kafka._data_dir
    with pytest.raises(DataInUseError, match=rf"started by process {os.getpid()}.*another"):
        EmbeddedBroker(data).start()
    assert describe_cluster(settings_of(fresh_kafka)).brokers == (fresh_kafka.bootstrap_servers,)


def test_a_taken_port_is_replaced(kafka_distribution: Distribution, tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path) as broker:
        write(broker, b"one")
        address = broker.bootstrap_servers
    port = int(address.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)), EmbeddedBroker(tmp_path) as broker:
        assert broker.bootstrap_servers != address
        assert read(broker, 1) == [b"one"]


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
        assert running.wait(120) == 0
    assert (tmp_path / "data" / ".kafka_cleanshutdown").exists()


@pytest.mark.broker
@pytest.mark.usefixtures("kafka_distribution")
@pytest.mark.parametrize("where", [0.0, 0.3, 0.9])
def test_a_damaged_startup_cache_is_thrown_away(tmp_path: Path, where: float) -> None:
    """It is made again by whoever starts next; here it need not be there to begin with."""
    cache = tmp_path / "cache"
    shutil.copytree(default_cache(), cache, copy_function=os.link)
    caches = list((cache / "startup").glob("*.aot"))
    for file in caches:
        content = bytearray(file.read_bytes())
        at = int(where * len(content))
        content[at : at + 4096] = bytes(byte ^ 0xFF for byte in content[at : at + 4096])
        file.unlink()  # a link to the one in use
        file.write_bytes(content)
    with EmbeddedBroker(tmp_path / "broker", cache) as broker:
        write(broker, b"value")
        assert read(broker, 1) == [b"value"]
