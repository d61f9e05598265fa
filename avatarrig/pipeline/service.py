"""Runs parts as a service: until Ctrl-C or SIGTERM, then drained within ten seconds."""

from __future__ import annotations

import contextlib
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType

import structlog
from filelock import FileLock, Timeout

from avatarrig.errors import CommandError
from avatarrig.kafka import KafkaSettings, TransportError, leave_group
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.pipeline.measured import Measured
from avatarrig.process.supervision import Child, ChildState, Supervisor

DRAIN_SECONDS = 8.0
"""What a part has in hand is finished within that; with what follows it stays under ten."""
LOOK_SECONDS = 0.25
_log = structlog.get_logger(__name__)


@contextlib.contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Gives an event that Ctrl-C and SIGTERM set. Must be entered on the main thread."""
    stop = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def serve(
    children: Sequence[Child],
    stop: threading.Event,
    *,
    broker: EmbeddedBroker | None = None,
    service: Measured | None = None,
    on_state: Callable[[ChildState], None] | None = None,
) -> None:
    """Keeps parts at work until told to stop, then has them finish what they have in hand.

    Args:
        children: The parts.
        stop: Is set to end.
        broker: An embedded broker to look after as well; it is stopped by its owner.
        service: Whose metrics are served, and its readiness.
        on_state: Hears of each change of a part's state.

    Raises:
        CommandError: A part cannot work until a person does something.
    """
    supervisor = Supervisor(
        children, metrics_directory=None if service is None else service.directory
    )
    if service is not None:
        service.follow(lambda: supervisor.states)
    supervisor.start()
    told: dict[str, ChildState] = {}
    try:
        while not stop.wait(LOOK_SECONDS):
            for state in supervisor.states:
                if _is_news(told.get(state.name), state):
                    told[state.name] = state
                    _tell(state)
                    if on_state is not None:
                        on_state(state)
            if supervisor.failure is not None:
                raise CommandError(supervisor.failure)
            if broker is not None and not broker.alive:
                _log.warning("Apache Kafka ended and is started again")
                broker.restart()
        _log.info("stopping: what is in hand is finished first")
    finally:
        supervisor.stop(DRAIN_SECONDS)


def _is_news(known: ChildState | None, state: ChildState) -> bool:
    return known is None or (known.state, known.message) != (state.state, state.message)


def _tell(state: ChildState) -> None:
    words = {"why": state.message} if state.message else {}
    if state.state in {"restarting", "waiting", "failed"}:
        _log.warning(f"{state.name} is {state.state}", **words)
    else:
        _log.info(f"{state.name} is {state.state}", **words)


@contextlib.contextmanager
def membership(kafka: KafkaSettings, group: str, members: Sequence[str]) -> Iterator[None]:
    """Leaves a group for parts that have ended in order, so that others go on with their share.

    Members are static: they keep their place over a crash, and only this gives it up.
    """
    yield
    try:
        leave_group(kafka, group, members)
    except TransportError as error:
        # It misses them by itself, after some seconds.
        _log.info("the group was not left", group=group, why=str(error))


@contextlib.contextmanager
def instance_name(group: str) -> Iterator[str]:
    """Gives a name that no other process of this machine has in a group, the same if possible.

    The machine's name, with a number where several services share the machine. Whoever starts
    again under a name takes over what was left open under it.
    """
    host = socket.gethostname() or "local"
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
