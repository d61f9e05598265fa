"""One aggregator worker, until it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec

from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import require_topics
from avatarrig.page.settings import PageSettings
from avatarrig.pipeline.groups import membership
from avatarrig.pipeline.parts import service_aggregator
from avatarrig.pipeline.services.service import coordinating, instance_name
from avatarrig.wire.topics import pipeline_topics


class AggregateRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for.

    Attributes:
        group: Consumer group that shares the subjects.
        window: Days of the newest photos that are estimated apart as well.
    """

    kafka: KafkaSettings
    group: str
    window: int
    page: PageSettings


def aggregate(
    request: AggregateRequest, stop: threading.Event, announce: Callable[[], None]
) -> None:
    """Runs a worker.

    Args:
        announce: Says where the page will be.

    Raises:
        AvatarRigError: It cannot work until a person does something.
    """
    kafka, group = request.kafka, request.group
    require_topics(kafka, pipeline_topics())
    with (
        instance_name(group) as instance,
        membership(kafka, group, [instance]),
        coordinating() as coordinator,
    ):
        coordinator.use(kafka)
        announce()
        child = service_aggregator(
            kafka, group=group, worker=instance, window=request.window, page=request.page
        )
        coordinator.start([child])
        coordinator.work(stop)
