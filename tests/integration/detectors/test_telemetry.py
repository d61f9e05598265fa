"""The detector process calls nobody.

MediaPipe posts usage figures through libcurl, which takes its proxy from the environment. So a
sink that poses as the proxy of the whole process sees every attempt; that it would is shown by
taking the switch out.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.photos import RENDERED
from support.waiting import wait_for

from avatarrig.detectors.fetching.models import locate_models
from avatarrig.detectors.options import DetectorOptions

DETECT = """
import sys
from pathlib import Path
from avatarrig.detectors import tasks
from avatarrig.detectors.detector import Detector
from avatarrig.detectors.fetching.models import locate_models
from avatarrig.detectors.options import DetectorOptions

if sys.argv[1] == "chatty":
    tasks.switch_telemetry_off = lambda: None
options = DetectorOptions()
detector = Detector(options, locate_models(options))
print(detector.detect(Path(sys.argv[2]).read_bytes()).people, flush=True)
detector.close()
"""


class Sink:
    """Poses as a proxy, writes down what it is asked for, and hangs up."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self.requests: list[str] = []
        self.port = server.getsockname()[1]
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return  # closed by the fixture
            with closing(connection):
                connection.settimeout(10)
                first = connection.recv(4096).split(b"\r\n")[0]
                self.requests.append(first.decode("ascii", "replace"))


@pytest.fixture
def sink() -> Iterator[Sink]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        sink = Sink(server)
        yield sink
        server.shutdown(socket.SHUT_RDWR)
    sink.thread.join()


def detect(sink: Sink, manner: str) -> int:
    """Detects one photo in a process of its own and gives the number of people found."""
    locate_models(DetectorOptions())  # fetched by now: the process below has no way out
    proxy = f"http://127.0.0.1:{sink.port}"
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"), proxy)
    environment = {**os.environ, **proxies, "no_proxy": "", "NO_PROXY": ""}
    done = subprocess.run(
        [sys.executable, "-c", DETECT, manner, str(RENDERED)],
        env=environment,
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.models
def test_the_detector_process_calls_nobody(sink: Sink) -> None:
    assert detect(sink, "quiet") == 1
    assert sink.requests == []


@pytest.mark.models
def test_the_sink_would_see_a_call_if_the_switch_were_taken_out(sink: Sink) -> None:
    assert detect(sink, "chatty") == 1
    wait_for(lambda: sink.requests)
    assert all(request.startswith("CONNECT ") for request in sink.requests)
