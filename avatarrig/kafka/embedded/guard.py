"""Stands between AvatarRig and the broker, and ends the broker when AvatarRig ends.

Runs as a program of its own (``python -I -S guard.py PARENT_PID LOCK_FILE``) with the standard
library alone, so that it is up in 20 ms. It notices its parent's end, even a SIGKILL, by the
end of its standard input; processes that the parent forked may hold that pipe open, so it
also asks once a second who its parent is. On Linux the kernel in turn ends the broker when
this process is killed: the broker is forked from this process's main thread, which lives as
long as the process does.

Protocol, one JSON document a line: it answers ``{"locked": true}`` or ``{"owner": PID}``, reads
the order (``command``, ``folder``, ``environment``, ``console``: file for what the broker prints,
``grace``: seconds), and answers ``{"pid": PID}`` or ``{"error": TEXT}``. The end of input, or
SIGTERM, stops the broker in an orderly way. Its exit code is the broker's.
"""

from __future__ import annotations

import _thread
import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

PARENT_CHECK_S = 1.0
PR_SET_PDEATHSIG = 1
LOCKED_BYTE = 1 << 30
"""Far behind the owner's number: Windows forbids others to read a locked range."""


def main() -> int:
    """Runs the guard until the broker has ended.

    Returns:
        The broker's exit code, or 1 when there was none to run.
    """
    parent, lock_path = int(sys.argv[1]), Path(sys.argv[2])
    wake = threading.Event()
    ending = threading.Event()

    def set_both() -> None:
        ending.set()
        wake.set()

    def end(*_: object) -> None:
        # A signal may come while this very thread holds an event's lock, as it waits for it.
        _thread.start_new_thread(set_both, ())

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lock = lock_path.open("a+b")
    if not _lock(lock.fileno()):
        _answer({"owner": _owner(lock_path)})
        return 1
    _write_owner(lock_path, parent)
    _answer({"locked": True})
    line = sys.stdin.readline()
    if not line:
        return 1
    order = json.loads(line)
    child = _start(order, lock.fileno())
    if child is None:
        return 1
    threading.Thread(target=_wait_for_end_of_input, args=(end,), daemon=True).start()
    threading.Thread(target=_wait_for_child, args=(child, wake), daemon=True).start()
    while not ending.is_set() and child.poll() is None:
        wake.wait(PARENT_CHECK_S)
        if os.name == "posix" and os.getppid() != parent:
            end()
    return _stop(child, float(order["grace"]))


def _start(order: dict[str, Any], lock: int) -> subprocess.Popen[bytes] | None:
    guard = os.getpid()

    def die_with_guard() -> None:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != guard:
            os._exit(1)

    options: dict[str, Any] = {"cwd": order["folder"], "env": order["environment"]}
    if os.name == "posix":
        # The broker inherits the lock: it is free when both are gone, not before.
        options["pass_fds"] = (lock,)
    if sys.platform == "linux":
        options["preexec_fn"] = die_with_guard
    try:
        with Path(order["console"]).open("wb") as console:
            child = subprocess.Popen(  # noqa: S603 - the command comes from the parent alone
                order["command"],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                **options,
            )
    except OSError as error:
        _answer({"error": str(error)})
        return None
    _answer({"pid": child.pid})
    return child


def _stop(child: subprocess.Popen[bytes], grace: float) -> int:
    if child.poll() is None:
        child.terminate()
    try:
        return child.wait(grace)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def _wait_for_end_of_input(end: Callable[[], object]) -> None:
    with contextlib.suppress(OSError, ValueError):
        while sys.stdin.readline():
            pass
    end()


def _wait_for_child(child: subprocess.Popen[bytes], wake: threading.Event) -> None:
    child.wait()
    wake.set()


def _lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - of this system alone

            os.lseek(descriptor, LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - of this system alone

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _owner(lock_path: Path) -> int:
    try:
        return int(lock_path.read_text("ascii").strip())
    except (OSError, ValueError):
        return 0


def _write_owner(lock_path: Path, owner: int) -> None:
    lock_path.write_text(f"{owner}\n", "ascii")


def _answer(message: dict[str, object]) -> None:
    with contextlib.suppress(OSError):
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    code = main()
    # A signal's negative number has no meaning as an exit code.
    sys.exit(code if code >= 0 else 128 - code)
