"""Guards around native libraries: no call home, no chatter, no idle threads."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator

import cv2

_NOWHERE = b"http://127.0.0.1:9"
"""The discard port of this machine: libcurl gives up there before it looks up any name."""

_STDERR = 2


def switch_telemetry_off() -> None:
    """Sends MediaPipe's usage reports nowhere.

    Since 1.0 every task posts usage figures to its makers once a minute and when it is closed,
    and its API has no switch. libcurl inside the library reads its proxy from the C
    environment, which is set here without touching `os.environ`: Python's own HTTP clients in
    this process are left alone, while programs started from it inherit the setting.
    """
    _set_native_environment({b"https_proxy": _NOWHERE, b"no_proxy": b"", b"NO_PROXY": b""})


def keep_to_one_thread() -> None:
    """Keeps OpenCV from starting a worker for each core.

    Its workers wait for work by spinning, which takes a core's time from the other replicas;
    what is done for one photo is too little to be shared out.
    """
    cv2.setNumThreads(1)


def _set_native_environment(values: dict[bytes, bytes]) -> None:
    if sys.platform == "win32":
        runtime = ctypes.CDLL("ucrtbase")
        for name, value in values.items():
            runtime._putenv_s(name, value)  # noqa: SLF001 - the C runtime's public name
        return
    libc = ctypes.CDLL(None)
    for name, value in values.items():
        libc.setenv(name, value, 1)


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Discards what native code writes to file descriptor 2 meanwhile.

    The library's log settings do not silence it. Python's own messages on standard error are
    lost as well, so this is for creating a task and its first inference only.
    """
    sys.stderr.flush()
    try:
        saved = os.dup(_STDERR)
    except OSError:  # closed by whoever started this process: nothing to silence
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, _STDERR)
        yield
    finally:
        os.dup2(saved, _STDERR)
        os.close(saved)
        os.close(nowhere)
