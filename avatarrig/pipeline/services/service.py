"""What services have in common: who looks after their parts, their names, what they log."""

from __future__ import annotations

import contextlib
import re
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec
import structlog
from filelock import FileLock, Timeout

from avatarrig.errors import CommandError, ExitCode
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.pipeline.coordinator import Coordinator
from avatarrig.pipeline.measuring import tell_measured
from avatarrig.pipeline.parts import DRAIN_SECONDS
from avatarrig.pipeline.request import Asking, Measuring
from avatarrig.process.supervision import ChildState
from avatarrig.runs.estimates import folder_name
from avatarrig.wire import shortened
from producers.settings import SourceSettings

_IN_NAMES: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")
_MOST_QUOTED: Final = 80
_log = structlog.get_logger(__name__)


def coordinating() -> Coordinator:
    """Looks after a service's parts, and logs how they are."""
    return Coordinator(_log.warning, drain=DRAIN_SECONDS, on_state=StateLog())


def with_asked(
    source: SourceSettings, asking: Asking, models: Path | None, report: Callable[[str], None]
) -> SourceSettings:
    """The photos, and who is meant in them; arguments and errors as those of `Asking.template`."""
    template = asking.template(models, report)
    dataset = msgspec.structs.replace(source.dataset, template=template, person=asking.person)
    return msgspec.structs.replace(source, dataset=dataset)


def tell_measures(kafka: KafkaSettings, source: SourceSettings, measuring: Measuring) -> None:
    """Tells aggregators what was measured, if anything was said of it."""
    if measuring.told and source.only_subject is not None:
        tell_measured(kafka, source.only_subject, measuring.height, measuring.measured)


class StateLog:
    """Writes to the log how parts are: an outage that all of them notice in two lines."""

    def __init__(self) -> None:
        self._interrupted: set[str] = set()
        """Parts that ended since something was away, and do not work again yet."""

    def __call__(self, state: ChildState) -> None:
        """Takes note of a change."""
        words = {"why": state.message} if state.message else {}
        match state.state:
            case "restarting" if state.ended_with == ExitCode.TRY_AGAIN:
                if not self._interrupted:
                    _log.warning("interrupted: the parts go on by themselves", **words)
                self._interrupted.add(state.name)
            case "restarting" | "waiting":
                _log.warning(f"{state.name} is {state.state}", **words)
            case "working" if state.name in self._interrupted:
                self._interrupted.remove(state.name)
                if not self._interrupted:
                    _log.info("the parts work again")
            case "failed":  # where it is for good, the command ends and says why
                _log.debug(f"{state.name} is failed", **words)
            case "starting" if state.name in self._interrupted:
                _log.debug(f"{state.name} is starting")
            case _:
                _log.info(f"{state.name} is {state.state}")


def _host() -> str:
    """The machine's name, in letters that the name of a group's member may have."""
    host = socket.gethostname() or "local"
    return host if _IN_NAMES.fullmatch(host) else folder_name(host)


def _check_group(group: str) -> None:
    """Refuses a group after which no member, no transaction and no topic may be named."""
    if not _IN_NAMES.fullmatch(group):
        raise CommandError(
            f"--group {shortened(group, _MOST_QUOTED)!r}: write 1 to 100 letters from a to z, "
            "digits, dots, dashes and underscores",
            ExitCode.WRONG_USAGE,
        )


@contextlib.contextmanager
def instance_name(group: str) -> Iterator[str]:
    """Gives a name that no other process of this machine has in a group, the same if possible.

    The machine's name, with a number where several services share the machine. Whoever starts
    again under a name takes over what was left open under it.

    Raises:
        CommandError: The group's name is none that Kafka takes everywhere.
    """
    _check_group(group)
    host = _host()
    folder = Path(tempfile.gettempdir()) / "avatarrig-instances"
    try:
        folder.mkdir(mode=0o777, parents=True, exist_ok=True)
    except OSError:  # a read-only machine, such as a container, which runs one service
        yield host
        return
    for number in range(1000):
        name = host if number == 0 else f"{host}-{number + 1}"
        lock = FileLock(folder / f"{group}.{name}.lock", blocking=False, mode=0o666)
        try:
            lock.acquire()
        except Timeout:
            continue
        except OSError:
            yield host
            return
        try:
            yield name
        finally:
            lock.release()
        return
    raise CommandError(f"1000 services of {group} run on this machine already")
