"""Two commands that start for the first time at once share what they fetch."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.waiting import PATIENCE

from avatarrig.kafka.embedded.distribution import Distribution
from avatarrig.kafka.embedded.jars import committed_jars
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import describe_cluster


class _Repository(SimpleHTTPRequestHandler):
    """Serves the jars by their Maven paths from the cache, where they lie side by side."""

    def translate_path(self, path: str) -> str:
        return str(Path(self.directory) / path.rpartition("/")[2])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mirror(
    kafka_distribution: Distribution, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ThreadingHTTPServer]:
    handler = partial(_Repository, directory=str(kafka_distribution.jars[0].parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        monkeypatch.setenv("AVATARRIG_MAVEN_BASE", f"http://127.0.0.1:{server.server_port}")
        yield server
        server.shutdown()
        serving.join()


FIRST_START = """
import sys
from pathlib import Path
from avatarrig.kafka.embedded import EmbeddedBroker

with EmbeddedBroker(Path(sys.argv[1]), Path(sys.argv[2])) as broker:
    print(broker.bootstrap_servers, flush=True)
    sys.stdin.readline()
"""


def test_two_first_starts_at_once_share_what_they_fetch(
    mirror: ThreadingHTTPServer, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    with contextlib.ExitStack() as stack:
        starts = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-W", "ignore", "-c", FIRST_START, str(tmp_path / n), cache],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for n in ("a", "b")
        ]
        addresses = [start.stdout.readline().strip() for start in starts if start.stdout]
        for address in addresses:
            cluster = describe_cluster(KafkaSettings(bootstrap_servers=address))
            assert cluster.brokers == (address,)
        for start in starts:
            start.communicate("\n", timeout=PATIENCE)
    assert len(set(addresses)) == 2
    assert [start.returncode for start in starts] == [0, 0]
    kept = {path.name for path in cache.rglob("*") if path.suffix in {".jar", ".part", ".aot"}}
    jars = {jar.name for jar in committed_jars()}
    assert kept - jars == {path.name for path in cache.rglob("*.aot")}
    assert len(kept - jars) == 1
    assert jars <= kept
