"""A real S3-compatible server for tests: S3Proxy on a folder, run by the broker's own Java.

``s3``  one server for the whole session; make buckets of your own. While a test uses it, the
        environment says where it is and who asks.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import platformdirs
import pytest

from avatarrig.kafka.embedded.download import fetch_jars
from avatarrig.kafka.embedded.jars import Jar, jar_folder
from avatarrig.kafka.embedded.java import find_java
from avatarrig.photos.object_store import open_store

JAR = Jar(
    "org/gaul/s3proxy/4.1.0/s3proxy-4.1.0-jar-with-dependencies.jar",
    54955934,
    "a4d025969aaf796616ed4b1e2491d87d455ce84bb28cb9db086b2e6aaa68b48d",
)
IDENTITY = "tests"
CREDENTIAL = "of a server that lives as long as the tests"
READY_SECONDS = 60.0


class S3Server:
    """S3Proxy as a child process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What Amazon's own libraries read."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": IDENTITY,
            "AWS_SECRET_ACCESS_KEY": CREDENTIAL,
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def start(self) -> None:
        """Starts it, and returns when it answers."""
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        settings = self.folder / "s3proxy.properties"
        settings.write_text(
            f"s3proxy.endpoint=http://127.0.0.1:{self.port}\n"
            "s3proxy.authorization=aws-v2-or-v4\n"
            f"s3proxy.identity={IDENTITY}\n"
            f"s3proxy.credential={CREDENTIAL}\n"
            "jclouds.provider=filesystem-nio2\n"
            f"jclouds.filesystem.basedir={data}\n"
        )
        cache = platformdirs.user_cache_path("avatarrig", appauthor=False) / "test-s3"
        fetch_jars(cache, (JAR,))
        jar = jar_folder(cache) / JAR.name
        with (self.folder / "s3proxy.log").open("ab") as log:
            self._process = subprocess.Popen(
                [find_java().executable, "-Xmx256m", "-jar", jar, "--properties", settings],
                stdout=log,
                stderr=log,
            )
        give_up = time.monotonic() + READY_SECONDS
        while not self.answers():
            assert self._process.poll() is None, (self.folder / "s3proxy.log").read_text()
            assert time.monotonic() < give_up
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends it; what it holds stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def answers(self) -> bool:
        """Whether somebody listens."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1.0).close()
        except OSError:
            return False
        return True


class S3:
    """The server, as a test sees it."""

    def __init__(self, server: S3Server) -> None:
        self.server = server
        self.store: Any = open_store()

    def bucket(self, name: str, photos: dict[str, bytes]) -> str:
        """Makes a bucket with objects; returns its URL."""
        self.store.call_s3("create_bucket", Bucket=name)
        for key, data in photos.items():
            self.put(name, key, data)
        return f"s3://{name}"

    def put(self, bucket: str, key: str, data: bytes) -> None:
        self.store.pipe_file(f"{bucket}/{key}", data)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    if not s3_server.answers():  # a test that failed has left it stopped
        s3_server.stop()
        s3_server.start()
    return S3(s3_server)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
