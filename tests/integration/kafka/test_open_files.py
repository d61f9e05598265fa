"""How many files may be open: told before Kafka fails of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")

_PROGRAM = """
import resource, sys
from avatarrig.kafka.embedded.errors import BrokerError
from avatarrig.kafka.embedded.open_files import allow_open_files
soft, hard = (int(text) for text in sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
try:
    allow_open_files()
except BrokerError as error:
    print(error)
else:
    print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(
    ("soft", "hard", "said"),
    [(64, 64, "only 64 files may be open at once here"), (64, 1000, "1000"), (300, 300, "300")],
)
def test_open_files_are_taken_as_far_as_one_may_or_asked_for(
    soft: int, hard: int, said: str
) -> None:
    """In a process of its own: what is given up once cannot be had back."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(soft), str(hard)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(said)
    assert ("ulimit -n" in done.stdout) == (hard < 256)
