"""Native code says nothing on the terminal, and has an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from support.photos import RENDERED

pytestmark = pytest.mark.models

_QUIET = """
import sys
import cv2
from avatarrig.detectors.fetching.models import locate_models
from avatarrig.detectors.options import DetectorOptions
from avatarrig.detectors.detector import Detector
options = DetectorOptions()
detector = Detector(options, locate_models(options))
assert detector.detect(open(sys.argv[1], "rb").read()).pose is not None
print("matplotlib" in sys.modules, "sounddevice" in sys.modules)
import matplotlib.pyplot
print(matplotlib.pyplot.figure.__name__)
"""


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
        timeout=240,
    )


def test_a_detector_prints_nothing_and_ends_quietly_without_being_closed() -> None:
    run_python("import matplotlib.font_manager")  # which warns if it looks for fonts for long
    finished = run_python(_QUIET, str(RENDERED))
    assert finished.stderr == ""
    assert finished.stdout.split() == ["False", "False", "figure"]


_ENVIRONMENT = """
import ctypes, os
from avatarrig.detectors.native import switch_telemetry_off
switch_telemetry_off()
getenv = ctypes.CDLL(None).getenv
getenv.restype = ctypes.c_char_p
print(getenv(b"https_proxy").decode(), repr(getenv(b"no_proxy").decode()))
print("https_proxy" in os.environ, os.environ.get("no_proxy"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="reads the C library's environment")
def test_telemetry_is_cut_off_for_native_code_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.setenv("no_proxy", "*")  # it would exempt every host from the proxy
    lines = run_python(_ENVIRONMENT).stdout.splitlines()
    assert lines == ["http://127.0.0.1:9 ''", "False *"]


def test_native_chatter_is_discarded_and_python_speaks_again_afterwards() -> None:
    code = (
        "import os, sys\n"
        "from avatarrig.detectors.native import silenced\n"
        "with silenced():\n"
        "    os.write(2, b'chatter')\n"
        "print('heard', file=sys.stderr)\n"
        "os.close(2)\n"
        "with silenced():\n"
        "    pass\n"
    )
    assert run_python(code).stderr == "heard\n"
