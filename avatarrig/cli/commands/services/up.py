"""``avatarrig up``: everything on one machine, for photos that go on arriving."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from avatarrig.cli.commands.services.aggregate import window_option
from avatarrig.cli.commands.services.detect import local_folder, out_option, place_for_files
from avatarrig.cli.commands.services.ingest import check_whose, ingest_options
from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.options.detector import detector_options, workers_option
from avatarrig.cli.options.kafka import KafkaArguments, check_connection, kafka_options
from avatarrig.cli.options.measure import measuring_options
from avatarrig.cli.options.metrics import check_metrics_address, metrics_options
from avatarrig.cli.options.period import period_options
from avatarrig.cli.options.reference import asking_options
from avatarrig.cli.options.web import announce_page, check_page_address, web_options
from avatarrig.cli.screen.printable import say
from avatarrig.kafka.embedded import default_data_folder
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.page.settings import PageSettings
from avatarrig.photos.object_store import lies_in_store
from avatarrig.photos.period import Period
from avatarrig.pipeline.request import Asking, Detecting, Measuring
from avatarrig.pipeline.services.measured import MetricsAddress
from avatarrig.pipeline.services.up import UpRequest
from avatarrig.pipeline.services.up import up as carry_out
from avatarrig.process.logs import configure_logs
from avatarrig.process.signals import stop_on_signals
from producers.settings import SourceSettings


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
    source: SourceSettings,
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
    check_whose(source, asking, measuring)
    with fail_clearly(), stop_on_signals() as stop:
        check_page_address(page)
        check_metrics_address(metrics)
        named = kafka.optional()
        if named is not None:
            check_connection(named)
        request = UpRequest(
            source=msgspec.structs.replace(source, period=period),
            asking=asking,
            measuring=measuring,
            detecting=detecting,
            workers=workers,
            out=place_for_files(out),
            kafka=named,
            data=data_dir or default_data_folder(),
            window=window,
            page=_with_overlays(_with_folder(page, source, detecting.models), out),
            metrics=metrics,
        )
        carry_out(request, stop, _Screen(request))


class _Screen:
    """Says on the way up what a person may want to know."""

    def __init__(self, request: UpRequest) -> None:
        self._request = request

    def begins(self, kafka: KafkaSettings) -> None:
        """Says where photos are taken from, and where Kafka and page will be."""
        request = self._request
        say(f"photos are taken from {request.source.location}; Ctrl-C stops")
        if request.kafka is None:
            say(f"Kafka is starting at {kafka.bootstrap_servers}; its data is in {request.data}")
        announce_page(request.page)

    def kafka_listens(self, kafka: KafkaSettings) -> None:
        """Says where."""
        say(f"Kafka listens at {kafka.bootstrap_servers}")


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


def _with_folder(page: PageSettings, source: SourceSettings, models: Path | None) -> PageSettings:
    """Tells the page where photos are taken from, whose they are there, and what reads them."""
    return msgspec.structs.replace(
        page,
        watched=source.location,
        people=source.dataset.subject_per_folder,
        models="" if models is None else str(models.absolute()),
    )
