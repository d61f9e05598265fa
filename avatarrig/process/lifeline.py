"""A child process that ends when its parent does, however the parent ended."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1


def die_with_parent_thread() -> None:
    """Has the kernel kill this process when the thread that started it ends (Linux only).

    It works while native code hangs and holds Python's lock, which no thread of our own could.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def exit_at_end_of(descriptor: int) -> None:
    """Ends this process at once when the parent's end of a pipe closes, on every system.

    Args:
        descriptor: File descriptor of the pipe. Nobody else may read from it any more.
    """
    threading.Thread(target=_exit_at_end, args=(descriptor,), name="lifeline", daemon=True).start()


def _exit_at_end(descriptor: int) -> None:
    # Not through a buffered stream: the interpreter cannot shut down while a thread reads one.
    while os.read(descriptor, 1):
        pass
    os._exit(1)
