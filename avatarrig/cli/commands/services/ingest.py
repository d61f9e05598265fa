"""``avatarrig ingest``: publishes a folder's photos, once or as a service."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.options.gathering import gathered
from avatarrig.cli.options.kafka import KafkaArguments, kafka_options
from avatarrig.cli.options.measure import check_one_measured, measuring_options
from avatarrig.cli.options.metrics import metrics_options
from avatarrig.cli.options.naming import NAME, check_folder
from avatarrig.cli.options.numbers import Within
from avatarrig.cli.options.period import period_options
from avatarrig.cli.options.reference import asking_options, check_one_person
from avatarrig.cli.options.videos import sharpest_option, videos_option
from avatarrig.cli.screen.printable import say
from avatarrig.errors import CommandError, ExitCode
from avatarrig.photos.object_store import is_store_url
from avatarrig.photos.period import Period
from avatarrig.pipeline.request import Asking, Measuring
from avatarrig.pipeline.services.measured import MetricsAddress
from avatarrig.process.logs import configure_logs
from avatarrig.process.signals import stop_on_signals
from avatarrig.wire.counted import counted
from producers.references import Dataset
from producers.settings import SourceSettings


def check_whose(source: SourceSettings, asking: Asking, measuring: Measuring) -> None:
    """Refuses to look for one person, or to measure one, in the folders of several.

    Raises:
        click.UsageError: Both are asked for.
    """
    several = source.dataset.subject_per_folder
    check_one_person(asking, subject_from_folder=several)
    check_one_measured(measuring, subject_from_folder=several)


def _source(
    *,
    location: str,
    dataset: str | None,
    subject: str | None,
    subject_from_folder: bool,
    rescan: float,
    prune: bool,
    clips: bool,
    sharpest_of_moment: int | None,
) -> SourceSettings:
    if subject is not None and subject_from_folder:
        raise click.UsageError("--subject and --subject-from-folder exclude each other")
    if not is_store_url(location):
        check_folder(location)
    whose = Dataset(
        name=dataset or _name_of(location),
        subject=subject,
        subject_per_folder=subject_from_folder,
        sharpest_of_moment=sharpest_of_moment,
    )
    return SourceSettings(
        location=location if is_store_url(location) else str(Path(location).absolute()),
        dataset=whose,
        rescan=rescan,
        prune=prune,
        clips=clips,
    )


ingest_options = gathered(
    "source",
    _source,
    click.argument("location", metavar="DIR"),
    click.option(
        "--dataset", type=NAME, help="Name of the dataset.", show_default="the folder's name"
    ),
    click.option(
        "--subject", type=NAME, help="Whose skeleton it is.", show_default="the dataset's name"
    ),
    click.option(
        "--subject-from-folder",
        is_flag=True,
        help="Each first-level folder holds the photos of somebody else, by the folder's name.",
    ),
    videos_option,
    sharpest_option,
    click.option(
        "--rescan",
        type=Within(1.0, 86400.0),
        default=30.0,
        show_default=True,
        help="Seconds between two looks at everything: finds what the file system does not tell, "
        "as on network shares, and what is new in a store.",
    ),
    click.option(
        "--prune",
        is_flag=True,
        help="Photos that are no longer in DIR stop counting, however many they are. Without it "
        "they do as well, unless more than a tenth is gone at once: a disk that is away must not "
        "empty an estimate.",
    ),
)
"""Gives a command the argument DIR and the options that say whose photos are in it."""


@click.command("ingest")
@ingest_options
@asking_options()
@period_options
@measuring_options
@click.option("--watch", is_flag=True, help="Go on, and publish what comes, until Ctrl-C.")
@click.option("--once", is_flag=True, help="Publish what is there and end; this is the default.")
@kafka_options
@metrics_options
def ingest(
    *,
    source: SourceSettings,
    asking: Asking,
    period: Period,
    measuring: Measuring,
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
    check_whose(source, asking, measuring)
    from avatarrig.pipeline.services.ingest import IngestRequest
    from avatarrig.pipeline.services.ingest import ingest as carry_out

    configure_logs()
    with fail_clearly(), stop_on_signals() as stop:
        request = IngestRequest(
            kafka=kafka.required(),
            source=msgspec.structs.replace(source, period=period),
            asking=asking,
            measuring=measuring,
            watch=watch,
            metrics=metrics,
        )
        totals = carry_out(request, stop, say)
        if not (totals.found or watch or stop.is_set()):
            raise CommandError(f"no photos in {source.location}", ExitCode.NOTHING_PROCESSED)
    say(
        f"{counted(totals.published, 'photo')} published"
        + (f", {totals.rejected} rejected: avatarrig rejects list" if totals.rejected else "")
        + (f", {totals.near_copies} near-copies of others left out" if totals.near_copies else "")
        + (f"; looked at {totals.files}" if totals.files else "")
    )


def _name_of(location: str) -> str:
    if is_store_url(location):
        return location.rstrip("/").rpartition("/")[2]
    return Path(location).absolute().resolve().name or "photos"
