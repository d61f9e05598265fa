"""Kafka's jars: fetched once, checked, resumed, and from a mirror if one is named."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from avatarrig.kafka.embedded import BrokerUnavailableError
from avatarrig.kafka.embedded.download import MAVEN_CENTRAL, fetch_jars, maven_base, missing_jars
from avatarrig.kafka.embedded.jars import Jar, committed_jars, jar_folder


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

            def log_message(self, *_: object) -> None:
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
    monkeypatch.setattr("avatarrig.kafka.embedded.download.time.sleep", lambda _: None)
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
        monkeypatch.setattr("avatarrig.kafka.embedded.download.time.sleep", lambda _: None)
        with pytest.raises(BrokerUnavailableError) as refusal:
            fetch_jars(tmp_path, committed_jars())
    assert "--bootstrap-servers" in str(refusal.value)
    assert "avatarrig broker fetch" in str(refusal.value)
    assert "cannot be reached" in str(refusal.value)


def test_a_mirror_that_lacks_a_jar_is_named(mirror: Mirror, tmp_path: Path) -> None:
    with pytest.raises(BrokerUnavailableError, match=r"/repository/org/a\.jar: HTTP 404"):
        fetch_jars(tmp_path, (Jar("org/a.jar", 1, "0" * 64),))
