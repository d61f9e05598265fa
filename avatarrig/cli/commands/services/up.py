"""``avatarrig up``: everything on one machine, for photos that go on arriving."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path

import click
import msgspec
import structlog

from avatarrig.cli.commands.services.aggregate import window_option
from avatarrig.cli.commands.services.detect import local_folder, out_option, place_for_files
from avatarrig.cli.commands.services.ingest import Ingesting, ingest_options
from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.options.detector import Detecting, detector_options, workers_option
from avatarrig.cli.options.kafka import KafkaArguments, check_connection, kafka_options
from avatarrig.cli.options.measure import Measuring, measuring_options
from avatarrig.cli.options.metrics import check_metrics_address, metrics_options
from avatarrig.cli.options.period import period_options
from avatarrig.cli.options.reference import Asking, asking_options
from avatarrig.cli.options.web import announce_page, check_page_address, web_options
from avatarrig.cli.screen.printable import say
from avatarrig.detectors.fetching.models import locate_models
from avatarrig.kafka.embedded import EmbeddedBroker, default_data_folder
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import create_topics, existing_partitions
from avatarrig.page.settings import PageSettings
from avatarrig.photos.object_store import lies_in_store
from avatarrig.photos.period import Period
from avatarrig.pipeline.coordinator import Coordinator
from avatarrig.pipeline.keeping_estimates import KeepingEstimates, files_at
from avatarrig.pipeline.measured import MetricsAddress, measured
from avatarrig.pipeline.parts import (
    members,
    replicas,
    sandbox_settings,
    service_aggregator,
    service_replica,
)
from avatarrig.pipeline.service import DRAIN_SECONDS, StateLog, instance_name, membership
from avatarrig.process.logs import configure_logs
from avatarrig.process.signals import stop_on_signals
from avatarrig.process.supervision import Child
from avatarrig.wire.topics import (
    AGGREGATORS,
    DEFAULT_PARTITIONS,
    DETECTOR_GROUPS,
    IMAGES,
    OBSERVATIONS,
    pipeline_topics,
)
from producers.service import source_at

_log = structlog.get_logger(__name__)


@click.command("up", context_settings={"show_default": True})
@ingest_options
@asking_options()
@period_options
@measuring_options
@workers_option
@out_option
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the embedded Apache Kafka keeps its records.",
    show_default="this user's state folder",
)
@kafka_options
@detector_options
@window_option
@web_options
@metrics_options
def up(
    *,
    ingesting: Ingesting,
    asking: Asking,
    period: Period,
    measuring: Measuring,
    workers: int,
    out: str | None,
    data_dir: Path | None,
    kafka: KafkaArguments,
    detecting: Detecting,
    window: int,
    page: PageSettings,
    metrics: MetricsAddress,
) -> None:
    """Watch DIR and keep its people's skeletons up to date, until Ctrl-C or SIGTERM.

    Runs an embedded Apache Kafka (unless --bootstrap-servers names another), the ingest,
    detector replicas and the aggregator under one supervisor. What was done is remembered: the
    same command goes on where it stopped.
    """
    configure_logs()
    ingesting.check(asking, measuring)
    with fail_clearly(), stop_on_signals() as stop, ExitStack() as stack:
        check_page_address(page)
        check_metrics_address(metrics)
        location, whose = ingesting.location, ingesting.only_subject
        source_at(location).check()
        sandbox = sandbox_settings(
            detecting.options,
            detecting.models,
            detecting.wanted,
            photo_roots=(location,),
            run_directory=place_for_files(out),
        )
        locate_models(detecting.options, detecting.models, report=_log.info)
        template = asking.template(detecting.models, _log.info)
        coordinator = stack.enter_context(
            Coordinator(_log.warning, drain=DRAIN_SECONDS, on_state=StateLog())
        )
        folder = data_dir or default_data_folder()
        launched = _launched(coordinator, kafka, folder)
        detector_instance = stack.enter_context(instance_name(DETECTOR_GROUPS))
        worker = stack.enter_context(instance_name(AGGREGATORS))
        shown = _with_overlays(_with_folder(page, ingesting, detecting.models), out)

        replica = partial(
            service_replica, sandbox=sandbox, group=DETECTOR_GROUPS, instance=detector_instance
        )

        def children(reached: KafkaSettings) -> list[Child]:
            return [
                # The page first: it says that Kafka is not there yet.
                service_aggregator(
                    reached, group=AGGREGATORS, worker=worker, window=window, page=shown
                ),
                *replicas(replica(reached), workers),
                Child(
                    "ingest",
                    "producers",
                    ingesting.settings(
                        reached, watch=True, asking=asking, template=template, period=period
                    ),
                ),
            ]

        say(f"photos are taken from {location}; Ctrl-C stops")
        if kafka.optional() is None:
            say(f"Kafka is starting at {launched.bootstrap_servers}; its data is in {folder}")
        announce_page(page)
        groups = {DETECTOR_GROUPS: IMAGES, AGGREGATORS: OBSERVATIONS}
        service = stack.enter_context(measured(metrics, launched, groups))
        service.follow(lambda: coordinator.states)
        reached = launched
        if kafka.optional() is None:
            coordinator.start(children(launched), metrics_directory=service.directory, held=True)
            reached = coordinator.await_broker(stop)
            if stop.is_set():
                return
            say(f"Kafka listens at {reached.bootstrap_servers}")
        coordinator.patiently(lambda: _create_topics(reached), stop)
        coordinator.patiently(lambda: ingesting.tell(reached, measuring), stop)
        names = members(replica(reached), workers)
        stack.enter_context(membership(reached, DETECTOR_GROUPS, names))
        stack.enter_context(membership(reached, AGGREGATORS, [worker]))
        if out is not None:
            keeping = KeepingEstimates(reached, files_at(sandbox.run_directory or out), whose)
            stack.callback(keeping.stop)  # after the aggregator's last word
            keeping.start(coordinator.background)
        # Before the groups are left, and before the broker is stopped.
        stack.callback(coordinator.stop_parts)
        if not coordinator.has_parts:
            coordinator.start(children(reached), metrics_directory=service.directory)
        coordinator.release()
        coordinator.work(stop)
        _log.info("stopping: what is in hand is finished first")


def _launched(coordinator: Coordinator, kafka: KafkaArguments, folder: Path) -> KafkaSettings:
    """Says how Kafka is reached; an embedded one is still starting."""
    named = kafka.optional()
    if named is not None:
        check_connection(named)
        return coordinator.use(named)
    return coordinator.launch(
        EmbeddedBroker(folder, on_progress=lambda progress: _log.info(progress.words))
    )


def _create_topics(kafka: KafkaSettings) -> None:
    create_topics(kafka, pipeline_topics(existing_partitions(kafka) or DEFAULT_PARTITIONS))


def _with_overlays(page: PageSettings, out: str | None) -> PageSettings:
    """Lets the page show what the detectors of the same command draw."""
    if out is None:
        return page
    if lies_in_store(out):
        if page.port is not None:
            say(f"the page shows no overlays: they lie in {out}")
        return page
    overlays = (*page.overlays, str(local_folder("--out", out)))
    return msgspec.structs.replace(page, overlays=overlays)


def _with_folder(page: PageSettings, ingesting: Ingesting, models: Path | None) -> PageSettings:
    """Tells the page where photos are taken from, whose they are there, and what reads them."""
    return msgspec.structs.replace(
        page,
        watched=ingesting.location,
        people=ingesting.dataset.subject_per_folder,
        models="" if models is None else str(models.absolute()),
    )
