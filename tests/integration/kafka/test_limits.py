"""What the system allows: taken as far as one may, told before Kafka fails of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")

_PROGRAM = """
import resource, sys
from avatarrig.kafka.embedded.errors import BrokerError
from avatarrig.kafka.embedded.limits import raise_limits
which = getattr(resource, sys.argv[1])
resource.setrlimit(which, (int(sys.argv[2]), int(sys.argv[3])))
try:
    raise_limits()
except BrokerError as error:
    print(error)
else:
    print(resource.getrlimit(which)[0])
"""
_GIGABYTE = 2**30


@pytest.mark.parametrize(
    ("limit", "soft", "hard", "said"),
    [
        ("RLIMIT_NOFILE", 64, 64, "only 64 files may be open at once here"),
        ("RLIMIT_NOFILE", 64, 1000, "1000"),
        ("RLIMIT_NOFILE", 300, 300, "300"),
        ("RLIMIT_NOFILE", 300, 8000, "4096"),
        ("RLIMIT_AS", 2 * _GIGABYTE, 2 * _GIGABYTE, "only 2048 MiB of memory may be reserved"),
        ("RLIMIT_AS", 2 * _GIGABYTE, 8 * _GIGABYTE, str(8 * _GIGABYTE)),
        ("RLIMIT_FSIZE", 2**20, 2**20, "a file may have only 1 MiB here"),
        ("RLIMIT_FSIZE", 2**20, _GIGABYTE, str(_GIGABYTE)),
    ],
)
def test_limits_are_raised_as_far_as_one_may_or_asked_for(
    limit: str, soft: int, hard: int, said: str
) -> None:
    """In a process of its own: what is given up once cannot be had back."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, limit, str(soft), str(hard)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(said)
    assert ("ulimit -" in done.stdout) == (not said.isdigit())
