"""A child process that ends when its parent does, however the parent ended."""

from __future__ import annotations

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent_thread() -> None:
    """Has the kernel kill this process when the thread that started it ends (Linux only).

    It works while native code hangs and holds Python's lock, which no thread of our own could.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
