"""``avatarrig ingest``: publishes a folder's photos, once or as a service."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.options.kafka import KafkaArguments, kafka_options
from avatarrig.cli.options.metrics import metrics_options
from avatarrig.cli.options.reference import Asking, asking_options, check_one_person
from avatarrig.detectors.faces.refused import ReferenceRefusedError
from avatarrig.detectors.fetching.models import ModelUnavailableError
from avatarrig.errors import CommandError, ExitCode
from avatarrig.kafka.errors import TransportError
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import require_topics
from avatarrig.metrics.ingest import IngestMetrics
from avatarrig.photos.object_store import is_store_url
from avatarrig.pipeline.measured import MetricsAddress, measured
from avatarrig.pipeline.service import stop_on_signals
from avatarrig.process.logs import configure_logs
from avatarrig.wire.topics import DETECTOR_GROUPS, IMAGES, pipeline_topics
from producers.references import Dataset
from producers.scan import DatasetError
from producers.settings import IngestSettings
from producers.source import SourceAwayError

_OPTIONS = (
    click.option("--dataset", help="Name of the dataset.", show_default="the folder's name"),
    click.option("--subject", help="Whose skeleton it is.", show_default="the dataset's name"),
    click.option(
        "--subject-from-folder",
        is_flag=True,
        help="Each first-level folder holds the photos of somebody else, by the folder's name.",
    ),
    click.option(
        "--rescan",
        type=click.FloatRange(1.0, 86400.0),
        default=30.0,
        show_default=True,
        help="Seconds between two looks at everything: finds what the file system does not tell, "
        "as on network shares, and what is new in a store.",
    ),
)


def ingest_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the argument DIR and the options that say whose photos are in it.

    It is called with one argument ``plan``, which makes the settings for a Kafka.
    """

    @functools.wraps(command)
    def gathered(  # noqa: PLR0913 - click's parameters
        *,
        location: str,
        dataset: str | None,
        subject: str | None,
        subject_from_folder: bool,
        rescan: float,
        asking: Asking,
        **given: Any,  # noqa: ANN401 - click's parameters
    ) -> Any:  # noqa: ANN401 - the command's own
        if subject is not None and subject_from_folder:
            raise click.UsageError("--subject and --subject-from-folder exclude each other")
        check_one_person(asking, subject_from_folder=subject_from_folder)
        whose = Dataset(
            name=dataset or _name_of(location),
            subject=subject,
            subject_per_folder=subject_from_folder,
        )
        at = location if is_store_url(location) else str(Path(location).absolute())

        def plan(kafka: KafkaSettings, *, watch: bool, template: bytes = b"") -> IngestSettings:
            asked = msgspec.structs.replace(whose, template=template, person=asking.person)
            return IngestSettings(
                kafka=kafka, location=at, dataset=asked, watch=watch, rescan=rescan
            )

        return command(plan=plan, asking=asking, **given)

    decorated: Callable[..., Any] = asking_options()(gathered)
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return click.argument("location", metavar="DIR")(decorated)


@click.command("ingest")
@ingest_options
@click.option("--watch", is_flag=True, help="Go on, and publish what comes, until Ctrl-C.")
@click.option("--once", is_flag=True, help="Publish what is there and end; this is the default.")
@kafka_options
@metrics_options
def ingest(  # noqa: PLR0913 - click's parameters
    *,
    plan: Callable[..., IngestSettings],
    asking: Asking,
    watch: bool,
    once: bool,
    kafka: KafkaArguments,
    metrics: MetricsAddress,
) -> None:
    """Publish a reference to each photo in DIR: a folder, or s3://BUCKET/PREFIX.

    Every photo is published once, however often this is called: Kafka itself is asked what it
    knows. A file is published when it is whole, not while it is being copied. Where a store is,
    and who asks, is in Amazon's own variables, such as AWS_ENDPOINT_URL.
    """
    if watch and once:
        raise click.UsageError("--watch and --once exclude each other")
    from producers.service import ingest as carry_out  # noqa: PLC0415 - --help needs none of it
    from producers.service import source_at  # noqa: PLC0415

    configure_logs()
    with (
        fail_clearly(
            wrong_usage=(DatasetError, ReferenceRefusedError),
            failed=(TransportError, SourceAwayError, ModelUnavailableError),
        ),
        stop_on_signals() as stop,
    ):
        reached = kafka.required()
        settings = plan(reached, watch=watch, template=asking.template(None, click.echo))
        source_at(settings.location).check()  # a mistake is told at once, not waited for
        require_topics(reached, pipeline_topics())
        with measured(metrics, reached, {DETECTOR_GROUPS: IMAGES}) as service:
            totals = carry_out(
                settings,
                stop,
                metrics=IngestMetrics(service.registry),
                on_working=service.ready,
            )
        if not (totals.found or watch or stop.is_set()):
            raise CommandError(f"no photos in {settings.location}", ExitCode.NOTHING_PROCESSED)
    click.echo(
        f"{totals.published} photos published"
        + (f", {totals.rejected} set aside: avatarrig rejects list" if totals.rejected else "")
        + (f"; looked at {totals.files}" if totals.files else "")
    )


def _name_of(location: str) -> str:
    if is_store_url(location):
        return location.rstrip("/").rpartition("/")[2]
    return Path(location).absolute().resolve().name or "photos"
