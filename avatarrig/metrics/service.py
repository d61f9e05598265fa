"""What every service tells of itself: its processes, and how Kafka is."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector


class Part(Protocol):
    """A process that a service supervises."""

    @property
    def name(self) -> str:
        """That of its part, and its number."""

    @property
    def state(self) -> str:
        """One of `STATES`."""

    @property
    def restarts(self) -> int:
        """How often it ended and was started again."""


STATES = ("starting", "working", "waiting", "restarting", "stopped", "failed")


def service_registry(shared: Path | None = None) -> CollectorRegistry:
    """Makes the registry of a service.

    Args:
        shared: Folder into which its child processes write theirs; None where it has none.
    """
    registry = CollectorRegistry()
    registry.register(_Build())
    if shared is not None:
        MultiProcessCollector(registry, str(shared))  # type: ignore[no-untyped-call]
    return registry


class PartsCollector(Collector):
    """The processes that a service supervises, as they are when somebody asks.

    Args:
        states: Tells how each child is; its name without the number is its part's.
    """

    def __init__(self, states: Callable[[], Iterable[Part]]) -> None:
        self._states = states

    def collect(self) -> Iterable[Metric]:
        """Counts processes by part and state."""
        replicas = GaugeMetricFamily(
            "avatarrig_replicas",
            "Processes of this service, by `part` and `state`: starting, working, waiting (for "
            "storage or Kafka), restarting, stopped or failed.",
            labels=["part", "state"],
        )
        restarts = CounterMetricFamily(
            "avatarrig_restarts",
            "How often processes of this service ended and were started again, by `part`.",
            labels=["part"],
        )
        children = list(self._states())
        counted = Tally((part_of(child), child.state) for child in children)
        again: Tally[str] = Tally()
        for child in children:
            again[part_of(child)] += child.restarts
        for part, times in again.items():
            restarts.add_metric([part], times)
            for state in STATES:
                replicas.add_metric([part, state], counted[part, state])
        return (replicas, restarts)


class KafkaMetrics(Collector):
    """Whether Kafka answers, and how far each group is behind.

    A service tells it of itself, its child processes do not: hence no plain gauges, which they
    would share.
    """

    def __init__(self) -> None:
        self._lag: Mapping[tuple[str, str], int] | None = None

    def answered(self, lag: Mapping[tuple[str, str], int]) -> None:
        """Notes an answer. `lag`: Group and topic to messages not done with."""
        self._lag = lag

    def silent(self) -> None:
        """Notes that Kafka did not answer; an old lag would mislead."""
        self._lag = None

    def collect(self) -> Iterable[Metric]:
        """Shows the last answer."""
        known = self._lag
        lag = GaugeMetricFamily(
            "avatarrig_consumer_lag",
            "Messages that a consumer `group` has not done with, by `topic`. Behind "
            "transactions it stays at up to one a partition.",
            labels=["group", "topic"],
        )
        for where, messages in (known or {}).items():
            lag.add_metric(where, messages)
        up = GaugeMetricFamily(
            "avatarrig_kafka_up",
            "1 where Kafka answered this service the last time it was asked, otherwise 0.",
            value=0 if known is None else 1,
        )
        return (up, lag)


class _Build(Collector):
    def collect(self) -> Iterable[Metric]:
        info = GaugeMetricFamily(
            "avatarrig_build_info",
            "Always 1; the label `version` tells which AvatarRig this is.",
            labels=["version"],
        )
        info.add_metric([version("avatarrig")], 1)
        return (info,)


def part_of(child: Part) -> str:
    """Names the part that a child belongs to: its name without its number."""
    name, _, number = child.name.rpartition("-")
    return name if name and number.isdigit() else child.name
