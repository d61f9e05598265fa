"""A service that somebody asks for its metrics, its health and its readiness."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry

from avatarrig.errors import CommandError
from avatarrig.kafka.lag import KafkaWatch
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.metrics.endpoint import Endpoint, EndpointError, Readiness
from avatarrig.metrics.service import KafkaMetrics, PartsCollector, part_of, service_registry
from avatarrig.process.supervision import ChildState

_STARTING = Readiness(ready=False, message="starting")


class MetricsAddress(msgspec.Struct, frozen=True):
    """Where metrics are served.

    Attributes:
        host: Address to bind to.
        port: None serves none.
    """

    host: str
    port: int | None


class Measured:
    """A service whose metrics somebody asks for, or nobody.

    Args:
        directory: Where its child processes leave theirs; None where nobody asks.
    """

    def __init__(self, directory: Path | None) -> None:
        self.directory = directory
        self.registry: CollectorRegistry = service_registry(directory)
        self._ask: Callable[[], Readiness] = lambda: _STARTING

    def readiness(self) -> Readiness:
        """Tells whether the service does its work."""
        return self._ask()

    def follow(self, states: Callable[[], Iterable[ChildState]]) -> None:
        """Shows child processes, and makes readiness depend on them."""
        self.registry.register(PartsCollector(states))
        self._ask = lambda: readiness_of(states())

    def ready(self) -> None:
        """Notes that the work has begun."""
        self._ask = lambda: Readiness(ready=True)


@contextlib.contextmanager
def measured(
    address: MetricsAddress, kafka: KafkaSettings, groups: Mapping[str, str]
) -> Iterator[Measured]:
    """Serves a service's metrics while it works.

    Args:
        address: Where; without a port nothing is served or measured.
        kafka: Is asked how far its groups are behind.
        groups: Groups of this service to what they read.

    Raises:
        CommandError: The port cannot be had.
    """
    if address.port is None:
        yield Measured(None)
        return
    with contextlib.ExitStack() as stack:
        folder = tempfile.TemporaryDirectory(
            prefix="avatarrig-metrics-", ignore_cleanup_errors=True
        )
        service = Measured(Path(stack.enter_context(folder)))
        kafka_metrics = KafkaMetrics()
        service.registry.register(kafka_metrics)
        try:
            endpoint = Endpoint(
                address.host, address.port, registry=service.registry, readiness=service.readiness
            )
        except EndpointError as error:
            raise CommandError(str(error)) from error
        stack.enter_context(endpoint)
        stack.enter_context(KafkaWatch(kafka, kafka_metrics, groups))
        yield service


def readiness_of(states: Iterable[ChildState]) -> Readiness:
    """A service is ready when every part of it has a process that works."""
    parts: dict[str, list[ChildState]] = {}
    for state in states:
        parts.setdefault(part_of(state), []).append(state)
    for part, children in parts.items():
        if not any(child.state == "working" for child in children):
            words = next((child.message for child in children if child.message), "")
            message = f"{part} is {children[0].state}{f': {words}' if words else ''}"
            return Readiness(ready=False, message=message)
    return Readiness(ready=bool(parts), message="" if parts else "starting")
