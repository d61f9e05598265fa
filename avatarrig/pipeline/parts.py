"""The processes of a pipeline, as every command starts them: detector replicas, the aggregator."""

from __future__ import annotations

import msgspec

from aggregators.settings import AggregatorSettings
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.page.settings import PageSettings
from avatarrig.pipeline.request import Detecting
from avatarrig.process.supervision import Child
from processors.sandbox.settings import Limits, SandboxSettings
from processors.settings import ReplicaSettings

DRAIN_SECONDS = 8.0
"""What a part has in hand is finished within that; with what follows it stays under ten."""
_LIMITS = Limits(drain=DRAIN_SECONDS - 3.0)


def replicas(settings: ReplicaSettings, workers: int) -> list[Child]:
    """Lists the replicas of a machine, each in a slot of its own."""
    return [
        Child(f"detector-{slot}", "processors", msgspec.structs.replace(settings, slot=slot))
        for slot in range(workers)
    ]


def members(settings: ReplicaSettings, workers: int) -> list[str]:
    """Lists what these replicas are called in their consumer group."""
    return [msgspec.structs.replace(settings, slot=slot).member for slot in range(workers)]


def service_replica(
    kafka: KafkaSettings, sandbox: SandboxSettings, *, group: str, instance: str
) -> ReplicaSettings:
    """What the replicas of a service are told."""
    return ReplicaSettings(
        kafka=kafka, group=group, instance=instance, sandbox=sandbox, limits=_LIMITS
    )


def sandbox_settings(
    detecting: Detecting, *, photo_roots: tuple[str, ...], run_directory: str | None
) -> SandboxSettings:
    """What the detector processes are told."""
    models = detecting.models
    return SandboxSettings(
        photo_roots=photo_roots,
        options=detecting.options,
        models=None if models is None else str(models.resolve()),
        run_directory=run_directory,
        wanted=detecting.wanted,
    )


def aggregator(settings: AggregatorSettings) -> Child:
    """An aggregator worker."""
    return Child("aggregator", "aggregators", settings)


def service_aggregator(
    kafka: KafkaSettings, *, group: str, worker: str, window: int, page: PageSettings
) -> Child:
    """The aggregator worker of a service, the page beside it."""
    return aggregator(
        AggregatorSettings(
            kafka=kafka,
            group=group,
            worker=worker,
            window_days=window,
            page=page,
            die_with_parent=True,
        )
    )
