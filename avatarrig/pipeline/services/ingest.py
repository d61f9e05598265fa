"""Publishes photos, once or until it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec

from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import require_topics
from avatarrig.pipeline.request import Asking, Measuring
from avatarrig.pipeline.services.measured import MetricsAddress, measured
from avatarrig.pipeline.services.service import tell_measures, with_asked
from avatarrig.wire.topics import DETECTOR_GROUPS, IMAGES, pipeline_topics
from producers import service as producer
from producers.settings import IngestSettings, SourceSettings


class IngestRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for.

    Attributes:
        source: Photos, and whose they are; who is meant in them, ``asking`` says.
        watch: Whether to go on and publish what comes.
    """

    kafka: KafkaSettings
    source: SourceSettings
    asking: Asking
    measuring: Measuring
    watch: bool
    metrics: MetricsAddress


def ingest(
    request: IngestRequest, stop: threading.Event, report: Callable[[str], None]
) -> producer.Totals:
    """Publishes photos, and tells aggregators what was measured.

    Args:
        report: Hears of models that are fetched.

    Raises:
        AvatarRigError: It cannot work until a person does something.
    """
    kafka = request.kafka
    source = with_asked(request.source, request.asking, None, report)
    producer.source_at(source).check()  # a mistake is told at once, not waited for
    require_topics(kafka, pipeline_topics())
    tell_measures(kafka, source, request.measuring)
    settings = IngestSettings(kafka=kafka, source=source, watch=request.watch)
    with measured(request.metrics, kafka, {DETECTOR_GROUPS: IMAGES}) as service:
        return producer.ingest(settings, stop, registry=service.registry, on_working=service.ready)
