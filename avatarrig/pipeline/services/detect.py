"""Detector replicas of one machine, until they are told to stop."""

from __future__ import annotations

import threading

import msgspec
import structlog

from avatarrig.detectors.fetching.models import locate_models
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import require_topics
from avatarrig.pipeline.groups import membership
from avatarrig.pipeline.parts import members, replicas, sandbox_settings, service_replica
from avatarrig.pipeline.request import Asking, Detecting
from avatarrig.pipeline.services.measured import MetricsAddress, measured
from avatarrig.pipeline.services.service import coordinating, instance_name
from avatarrig.wire.topics import IMAGES, pipeline_topics
from producers.references import Dataset

_log = structlog.get_logger(__name__)


class DetectRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What detectors are asked to do.

    Attributes:
        group: Consumer group that shares the photos.
        workers: How many replicas.
        photo_roots: Folders, or stores' URLs, that photos may lie in.
        out: Folder or store for files; None keeps none.
        asking: Who is meant where a photo's reference does not say.
    """

    kafka: KafkaSettings
    group: str
    workers: int
    photo_roots: tuple[str, ...]
    out: str | None
    detecting: Detecting
    asking: Asking
    metrics: MetricsAddress


def detect(request: DetectRequest, stop: threading.Event) -> None:
    """Runs replicas.

    Raises:
        AvatarRigError: They cannot work until a person does something.
    """
    kafka, group, models = request.kafka, request.group, request.detecting.models
    require_topics(kafka, pipeline_topics())
    locate_models(request.detecting.options, models, report=_log.info)
    template = request.asking.template(models, _log.info)
    sandbox = sandbox_settings(
        request.detecting, photo_roots=request.photo_roots, run_directory=request.out
    )
    sandbox = msgspec.structs.replace(
        sandbox, sought=Dataset(name="", template=template).sought(())
    )
    with instance_name(group) as instance:
        replica = service_replica(kafka, sandbox, group=group, instance=instance)
        with (
            measured(request.metrics, kafka, {group: IMAGES}) as service,
            membership(kafka, group, members(replica, request.workers)),
            coordinating() as coordinator,
        ):
            coordinator.use(kafka)
            service.follow(lambda: coordinator.states)
            coordinator.start(
                replicas(replica, request.workers), metrics_directory=service.directory
            )
            coordinator.work(stop)
