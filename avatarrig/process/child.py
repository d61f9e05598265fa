"""The child's half of supervision; `avatarrig.process.supervision` has the parent's."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec

from avatarrig.errors import ExitCode
from avatarrig.process.logs import configure_logs
from avatarrig.process.protocol import Status
from avatarrig.process.sharing import share_metrics
from avatarrig.process.signals import set_soon

SettingsT = TypeVar("SettingsT", bound=msgspec.Struct)
_LOOK_SECONDS = 0.1
Ended = tuple[ExitCode, str]
"""How a child ends, and why, for a person."""


def serve(
    kind: type[SettingsT], work: Callable[[SettingsT], Ended], *, variable: str = ""
) -> ExitCode:
    """Is the whole of a child: reads its settings, works, and tells how it goes.

    Args:
        work: Returns when it is told to stop or cannot go on.
        variable: Environment variable that may hold the settings instead, for those who start
            the module by hand.
    """
    configure_logs()
    share_metrics()
    text = os.environ.pop(variable, None) if variable else None
    try:
        line = _first_line() if text is None else text
        settings = msgspec.json.decode(line, type=kind)
    except (msgspec.MsgspecError, ValueError) as error:
        report(Status("failed", f"the settings do not fit: {error}"))
        return ExitCode.UNUSABLE
    report(Status("starting"))
    code, message = work(settings)
    report(Status("stopped" if code is ExitCode.DONE else "failed", message))
    return code


def _first_line() -> bytes:
    """Reads the settings and nothing behind them, which is for `when_parent_ends`."""
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as unbuffered:
        return unbuffered.readline()


def report(status: Status) -> None:
    """Tells the parent, one line of JSON in UTF-8; one that is gone does not hear it.

    Standard output's own encoding is the system's, which may lack the letters of a name.
    """
    message = status.message.encode("utf-8", "backslashreplace").decode()
    line = msgspec.json.encode(msgspec.structs.replace(status, message=message))
    try:
        sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()
    except OSError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - to the end


def working() -> None:
    """Tells the parent that the work has begun."""
    report(Status("working"))


def stop_on_signals() -> threading.Event:
    """Gives an event that SIGTERM and Ctrl-C set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: set_soon(stop))
    return stop


def when_parent_ends(do: Callable[[], object]) -> threading.Event:
    """Does something when the parent's end of standard input closes, however the parent ended.

    Returns:
        Is set when the parent has a child begin that was held back.
    """
    told = threading.Event()

    def wait() -> None:
        # Not through a buffered stream: the interpreter cannot end while a thread reads one.
        while os.read(sys.stdin.fileno(), 1):
            told.set()
        do()

    threading.Thread(target=wait, name="lifeline", daemon=True).start()
    return told


class Stop(Protocol):
    """A threading's or an asyncio's event."""

    def is_set(self) -> bool:
        """Whether to end."""


def held_back(told: threading.Event, stop: Stop, alive: Callable[[], None] = lambda: None) -> bool:
    """Waits until a child that is held back may begin, however long the parent takes.

    Args:
        told: As `when_parent_ends` gives it.
        alive: Is called now and then meanwhile.

    Returns:
        Whether to begin; False where the child is to end.
    """
    while not (stop.is_set() or told.wait(_LOOK_SECONDS)):
        alive()
    return not stop.is_set()
