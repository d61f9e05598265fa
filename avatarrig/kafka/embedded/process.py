"""One broker process and the guard that ends it when this process ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from avatarrig.kafka.embedded import guard
from avatarrig.kafka.embedded.errors import BrokerEndedError, DataInUseError
from avatarrig.kafka.own_broker import is_process
from avatarrig.process.supervision import KILLED

STOP_GRACE_S = 15.0
"""A broker that has not closed its logs by then is killed; it recovers them at its next start."""

HANDOVER_S = 30.0
"""How long a broker whose owner has died may take to leave its data directory."""


class GuardedProcess:
    """A child process that does not outlive this one, in a session of its own.

    A Ctrl-C in the terminal does not reach it, so the pipeline can drain first. The lock file
    is held from construction until the child has ended, whoever is killed in between.
    """

    def __init__(self, lock_file: Path) -> None:
        """Takes the lock and waits for an order.

        Args:
            lock_file: In the directory that only one broker may use at a time.

        Raises:
            DataInUseError: Another live process holds the lock.
            BrokerEndedError: The guard ended.
        """
        self._guard = _locked_guard(lock_file)
        self._grace_s = STOP_GRACE_S
        self._pid = 0
        self._child: psutil.Process | None = None

    def run(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        console: Path,
        grace_s: float = STOP_GRACE_S,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Starts the child.

        Args:
            console: File for what it prints; the previous content is lost.
            grace_s: Seconds between the request to end and the kill.
            environment: Variables that replace this process's; None for the broker's usual.

        Raises:
            BrokerError: It could not be started.
        """
        self._grace_s = grace_s
        order = {
            "command": list(command),
            "folder": str(folder),
            "console": str(console),
            "grace": grace_s,
            "environment": dict(java_environment() if environment is None else environment),
        }
        answer = _ask(self._guard, order)
        if "pid" not in answer:
            self.stop()
            raise BrokerEndedError(
                f"{command[0]} cannot be run: {answer.get('error', 'its guard ended')}",
                was_killed="error" not in answer and self.was_killed,
            )
        self._pid = int(answer["pid"])
        with contextlib.suppress(psutil.Error):
            self._child = psutil.Process(self._pid)

    @property
    def pid(self) -> int:
        """The child's process id; 0 before it was started."""
        return self._pid

    @property
    def exit_code(self) -> int | None:
        """The child's exit code; None while it runs."""
        return self._guard.poll()

    @property
    def was_killed(self) -> bool:
        """Whether somebody has ended the child or its guard; False while they run."""
        code = self.exit_code
        return code is not None and (code in KILLED or 128 - code in KILLED)

    def stop(self) -> None:
        """Ends the child in an orderly way, after its grace with force, and waits for that."""
        if self._guard.stdin is not None:
            with contextlib.suppress(OSError):
                self._guard.stdin.close()
        self._guard.wait()
        if self._guard.stdout is not None:
            self._guard.stdout.close()
        if self._child is not None:
            _end_orphan(self._child, self._grace_s)
            self._child = None

    def kill(self) -> None:
        """Ends the child at once, as a power failure would."""
        if self._pid and self.exit_code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        self.stop()


def _end_orphan(child: psutil.Process, grace_s: float) -> None:
    """Ends a child whose guard was killed; on Linux the kernel has told it to end already."""
    for ask, seconds in ((child.terminate, grace_s), (child.kill, grace_s)):
        with contextlib.suppress(psutil.Error):
            if not child.is_running() or child.status() == psutil.STATUS_ZOMBIE:
                return
            ask()
            child.wait(seconds)


def java_environment() -> dict[str, str]:
    """Returns this process's environment, less what would change a Java run-time's options.

    Java decodes paths by the locale; a plain C locale would make it lose non-ASCII ones.
    """
    altering = {"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH"}
    environment = {name: value for name, value in os.environ.items() if name not in altering}
    if sys.platform not in {"win32", "darwin"}:
        environment["LC_ALL"] = "C.UTF-8"
    return environment


def _locked_guard(lock_file: Path) -> subprocess.Popen[str]:
    deadline = time.monotonic() + HANDOVER_S
    while True:
        process = _start_guard(lock_file)
        answer = _read(process)
        if answer.get("locked"):
            return process
        process.communicate()
        if not answer:
            code = process.returncode
            raise BrokerEndedError(
                f"the broker's guard ended with status {code}", was_killed=code in KILLED
            )
        owner = int(answer.get("owner", 0))
        if owner == os.getpid():  # a broker of our own, on its way out where its guard was killed
            in_use = _is_guarded(lock_file)
        else:
            in_use = bool(owner) and is_process(owner)
        if time.monotonic() > deadline or in_use:
            raise DataInUseError(
                f"A broker is running on {lock_file.parent} already"
                f"{f' (started by process {owner})' if owner else ''}: "
                "stop that one first, or choose another directory."
            )
        # Its owner was killed, and the broker is on its way out.
        time.sleep(0.1)


def _is_guarded(lock_file: Path) -> bool:
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if {guard.__file__, str(lock_file)}.issubset(child.cmdline()):
                return True
    return False


def _start_guard(lock_file: Path) -> subprocess.Popen[str]:
    options: dict[str, Any] = {}
    if sys.platform == "win32":
        options["creationflags"] = subprocess.CREATE_NEW_PROCESS_GROUP
    else:
        options["start_new_session"] = True
    return subprocess.Popen(  # noqa: S603 - this package's own program
        [sys.executable, "-I", "-S", guard.__file__, str(os.getpid()), str(lock_file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        **options,
    )


def _ask(process: subprocess.Popen[str], order: dict[str, Any]) -> dict[str, Any]:
    if process.stdin is None:
        return {}
    with contextlib.suppress(OSError):
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
    return _read(process)


def _read(process: subprocess.Popen[str]) -> dict[str, Any]:
    line = process.stdout.readline() if process.stdout is not None else ""
    try:
        answer = json.loads(line)
    except ValueError:  # it was killed while it spoke, or before
        return {}
    return answer if isinstance(answer, dict) else {}
