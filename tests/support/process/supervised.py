"""A child for the supervisor's tests: run as a module, it does as its settings say."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import msgspec

from avatarrig.errors import ExitCode
from avatarrig.process.child import held_back, when_parent_ends
from avatarrig.process.protocol import Status


class Behaviour(msgspec.Struct, frozen=True):
    """What the child does: ``work``, ``die``, ``ignore`` (SIGTERM), ``unusable``, ``full``,
    ``babble``, ``held``."""

    name: str
    held: bool = False


def say(state: str, message: str = "") -> None:
    sys.stdout.write(msgspec.json.encode(Status(state, message)).decode() + "\n")
    sys.stdout.flush()


def main() -> None:
    with open(0, "rb", buffering=0, closefd=False) as unbuffered:
        behaviour = msgspec.json.decode(unbuffered.readline(), type=Behaviour)
    say("starting")
    if behaviour.name == "unusable":
        say("failed", "install the models")
        sys.exit(ExitCode.UNUSABLE)
    if behaviour.name == "full":
        say("failed", "no space left")
        sys.exit(ExitCode.CANNOT_WRITE)
    if behaviour.name == "ignore":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(ExitCode.DONE))
    if behaviour.name == "babble":
        sys.stdout.write("printed by a library\n")
    if behaviour.name == "held":
        told = when_parent_ends(lambda: os._exit(ExitCode.FAILED))
        held_back(told, threading.Event())
    say("working")
    if behaviour.name == "die":
        sys.exit(ExitCode.FAILED)
    time.sleep(600)


if __name__ == "__main__":
    main()
