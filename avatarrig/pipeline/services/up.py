"""Everything on one machine, for photos that go on arriving."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec
import structlog

from avatarrig.detectors.fetching.models import locate_models
from avatarrig.kafka.embedded import EmbeddedBroker
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import create_topics, existing_partitions
from avatarrig.page.settings import PageSettings
from avatarrig.pipeline.coordinator import Coordinator
from avatarrig.pipeline.groups import membership
from avatarrig.pipeline.parts import (
    members,
    replicas,
    sandbox_settings,
    service_aggregator,
    service_replica,
)
from avatarrig.pipeline.request import Asking, Detecting, Measuring
from avatarrig.pipeline.services.keeping_estimates import KeepingEstimates, files_at
from avatarrig.pipeline.services.measured import MetricsAddress, measured
from avatarrig.pipeline.services.service import (
    coordinating,
    instance_name,
    tell_measures,
    with_asked,
)
from avatarrig.process.supervision import Child
from avatarrig.wire.topics import (
    AGGREGATORS,
    DEFAULT_PARTITIONS,
    DETECTOR_GROUPS,
    IMAGES,
    OBSERVATIONS,
    pipeline_topics,
)
from processors.settings import ReplicaSettings
from producers.service import source_at
from producers.settings import IngestSettings, SourceSettings

_log = structlog.get_logger(__name__)


class UpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for.

    Attributes:
        source: Photos, and whose they are; who is meant in them, ``asking`` says.
        workers: How many detector replicas.
        out: Folder or store for files; None keeps none.
        kafka: Apache Kafka to use; an embedded one where None.
        data: Where the embedded one keeps its records.
        window: Days of the newest photos that are estimated apart as well.
    """

    source: SourceSettings
    asking: Asking
    measuring: Measuring
    detecting: Detecting
    workers: int
    out: str | None
    kafka: KafkaSettings | None
    data: Path
    window: int
    page: PageSettings
    metrics: MetricsAddress


class UpScreen(Protocol):
    """Where the way up is shown."""

    def begins(self, kafka: KafkaSettings) -> None:
        """All is well so far; an embedded Kafka is still starting."""

    def kafka_listens(self, kafka: KafkaSettings) -> None:
        """The embedded Kafka answers."""


class _Parts(msgspec.Struct, frozen=True):
    """The processes of one ``up``.

    Attributes:
        source: With the template of the person who is meant.
        detectors: What its replicas are called in their group.
        worker: The same of its aggregator.
    """

    request: UpRequest
    source: SourceSettings
    detectors: str
    worker: str

    def children(self, kafka: KafkaSettings) -> list[Child]:
        """Lists them, the page first: it says that Kafka is not there yet."""
        request = self.request
        aggregator = service_aggregator(
            kafka, group=AGGREGATORS, worker=self.worker, window=request.window, page=request.page
        )
        ingest = Child("ingest", "producers", IngestSettings(kafka=kafka, source=self.source))
        return [aggregator, *replicas(self._replica(kafka), request.workers), ingest]

    def enter_groups(self, kafka: KafkaSettings, stack: ExitStack) -> None:
        """Has the parts leave their groups when they have ended."""
        names = members(self._replica(kafka), self.request.workers)
        stack.enter_context(membership(kafka, DETECTOR_GROUPS, names))
        stack.enter_context(membership(kafka, AGGREGATORS, [self.worker]))

    def _replica(self, kafka: KafkaSettings) -> ReplicaSettings:
        sandbox = sandbox_settings(
            self.request.detecting,
            photo_roots=(self.source.location,),
            run_directory=self.request.out,
        )
        return service_replica(kafka, sandbox, group=DETECTOR_GROUPS, instance=self.detectors)


def up(request: UpRequest, stop: threading.Event, screen: UpScreen) -> None:
    """Keeps ingest, replicas and aggregator at work until told to stop.

    Raises:
        AvatarRigError: They cannot work until a person does something.
    """
    source_at(request.source).check()
    locate_models(request.detecting.options, request.detecting.models, report=_log.info)
    source = with_asked(request.source, request.asking, request.detecting.models, _log.info)
    with ExitStack() as stack:
        coordinator = stack.enter_context(coordinating())
        kafka = _launched(coordinator, request)
        detectors = stack.enter_context(instance_name(DETECTOR_GROUPS))
        worker = stack.enter_context(instance_name(AGGREGATORS))
        parts = _Parts(request, source, detectors, worker)
        screen.begins(kafka)
        groups = {DETECTOR_GROUPS: IMAGES, AGGREGATORS: OBSERVATIONS}
        service = stack.enter_context(measured(request.metrics, kafka, groups))
        service.follow(lambda: coordinator.states)
        if request.kafka is None:
            coordinator.start(parts.children(kafka), metrics_directory=service.directory, held=True)
            kafka = coordinator.await_broker(stop)
            if stop.is_set():
                return
            screen.kafka_listens(kafka)
        coordinator.patiently(partial(_create_topics, kafka), stop)
        coordinator.patiently(partial(tell_measures, kafka, source, request.measuring), stop)
        parts.enter_groups(kafka, stack)
        if request.out is not None:
            keeping = KeepingEstimates(kafka, files_at(request.out), source.only_subject)
            stack.callback(keeping.stop)  # after the aggregator's last word
            keeping.start(coordinator.background)
        # Before the groups are left, and before the broker is stopped.
        stack.callback(coordinator.stop_parts)
        if not coordinator.has_parts:
            coordinator.start(parts.children(kafka), metrics_directory=service.directory)
        coordinator.release()
        coordinator.work(stop)
        _log.info("stopping: what is in hand is finished first")


def _launched(coordinator: Coordinator, request: UpRequest) -> KafkaSettings:
    """Says how Kafka is reached; an embedded one is still starting."""
    if request.kafka is not None:
        return coordinator.use(request.kafka)
    return coordinator.launch(
        EmbeddedBroker(request.data, on_progress=lambda progress: _log.info(progress.words))
    )


def _create_topics(kafka: KafkaSettings) -> None:
    create_topics(kafka, pipeline_topics(existing_partitions(kafka) or DEFAULT_PARTITIONS))
