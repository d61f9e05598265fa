"""The reference of all metrics, made from the metrics themselves."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from prometheus_client import CollectorRegistry

from avatarrig.metrics.aggregate import AggregateMetrics
from avatarrig.metrics.detect import DetectMetrics
from avatarrig.metrics.ingest import IngestMetrics
from avatarrig.metrics.service import KafkaMetrics, PartsCollector, service_registry


class Described(msgspec.Struct, frozen=True):
    """One metric.

    Attributes:
        name: As queries name it; a histogram's without ``_bucket``, ``_sum`` and ``_count``.
        kind: ``counter``, ``gauge`` or ``histogram``.
    """

    name: str
    kind: str
    text: str


def all_metrics() -> dict[str, list[Described]]:
    """Lists every metric by who tells it: a stage, or every service."""
    every = service_registry()
    every.register(PartsCollector(tuple))
    every.register(KafkaMetrics())
    stages = {"every service": every}
    for stage, make in (
        ("ingest", IngestMetrics),
        ("detect", DetectMetrics),
        ("aggregate", AggregateMetrics),
    ):
        stages[stage] = CollectorRegistry()
        make(stages[stage])
    return {stage: list(_described(registry)) for stage, registry in stages.items()}


def reference() -> str:
    """Writes the reference as Markdown."""
    lines = []
    for stage, metrics in all_metrics().items():
        lines += [f"### {stage[0].upper()}{stage[1:]}", "", "| metric | kind | what it tells |"]
        lines += ["|---|---|---|"]
        lines += [f"| `{each.name}` | {each.kind} | {each.text} |" for each in metrics]
        lines.append("")
    return "\n".join(lines)


def _described(registry: CollectorRegistry) -> Iterator[Described]:
    for metric in registry.collect():
        suffix = "_total" if metric.type == "counter" else ""
        yield Described(metric.name + suffix, metric.type, metric.documentation)
