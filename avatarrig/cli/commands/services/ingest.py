"""``avatarrig ingest``: publishes a folder's photos, once or as a service."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.options.gathering import gathered
from avatarrig.cli.options.kafka import KafkaArguments, kafka_options
from avatarrig.cli.options.measure import Measuring, measuring_options
from avatarrig.cli.options.metrics import metrics_options
from avatarrig.cli.options.naming import NAME, check_folder
from avatarrig.cli.options.period import period_options
from avatarrig.cli.options.reference import Asking, asking_options, check_one_person
from avatarrig.cli.options.videos import videos_option
from avatarrig.cli.screen.printable import say
from avatarrig.errors import CommandError, ExitCode
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.kafka.topics import require_topics
from avatarrig.photos.object_store import is_store_url
from avatarrig.photos.period import ALWAYS, Period
from avatarrig.pipeline.measured import MetricsAddress, measured
from avatarrig.process.logs import configure_logs
from avatarrig.process.signals import stop_on_signals
from avatarrig.wire.counted import counted
from avatarrig.wire.topics import DETECTOR_GROUPS, IMAGES, pipeline_topics
from producers.references import Dataset
from producers.settings import IngestSettings


class Ingesting(msgspec.Struct, frozen=True):
    """Which photos are published, and whose they are.

    Attributes:
        location: Absolute path of a folder, or a store's URL.
        rescan: Seconds between two looks at everything.
        prune: Whether photos that are gone stop counting, however many they are at once.
        clips: Whether frames of clips are taken, too.
    """

    location: str
    dataset: Dataset
    rescan: float
    prune: bool
    clips: bool = False

    @property
    def only_subject(self) -> str | None:
        """Whose photos they all are; None where each folder is somebody else's."""
        return None if self.dataset.subject_per_folder else self.dataset.subject_of("")

    def check(self, asking: Asking, measuring: Measuring) -> None:
        """Refuses to look for one person, or to measure one, in the folders of several.

        Raises:
            click.UsageError: Both are asked for.
        """
        check_one_person(asking, subject_from_folder=self.dataset.subject_per_folder)
        measuring.of_one(subject_from_folder=self.dataset.subject_per_folder)

    def tell(self, kafka: KafkaSettings, measuring: Measuring) -> None:
        """Tells aggregators what was measured, if anything was said of it."""
        from avatarrig.pipeline.measuring import tell_measured

        if measuring.told and self.only_subject is not None:
            tell_measured(kafka, self.only_subject, measuring.height, measuring.measured)

    def settings(
        self,
        kafka: KafkaSettings,
        *,
        watch: bool,
        asking: Asking,
        template: bytes = b"",
        period: Period = ALWAYS,
    ) -> IngestSettings:
        """Makes the settings of the process that publishes them.

        Args:
            kafka: Where to publish them.
            watch: Whether to go on.
            asking: Who is meant.
            template: Of the person whom references show.
            period: When photos that count were taken.
        """
        asked = msgspec.structs.replace(self.dataset, template=template, person=asking.person)
        return IngestSettings(
            kafka=kafka,
            location=self.location,
            dataset=asked,
            watch=watch,
            rescan=self.rescan,
            prune=self.prune,
            clips=self.clips,
            period=period,
        )


def _ingesting(
    *,
    location: str,
    dataset: str | None,
    subject: str | None,
    subject_from_folder: bool,
    rescan: float,
    prune: bool,
    clips: bool,
) -> Ingesting:
    if subject is not None and subject_from_folder:
        raise click.UsageError("--subject and --subject-from-folder exclude each other")
    if not is_store_url(location):
        check_folder(location)
    whose = Dataset(
        name=dataset or _name_of(location), subject=subject, subject_per_folder=subject_from_folder
    )
    if is_store_url(location):
        return Ingesting(location, whose, rescan, prune, clips)
    return Ingesting(str(Path(location).absolute()), whose, rescan, prune, clips)


ingest_options = gathered(
    "ingesting",
    _ingesting,
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
    click.option(
        "--rescan",
        type=click.FloatRange(1.0, 86400.0),
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
    ingesting: Ingesting,
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
    ingesting.check(asking, measuring)
    from producers.service import ingest as carry_out
    from producers.service import source_at

    configure_logs()
    with fail_clearly(), stop_on_signals() as stop:
        reached = kafka.required()
        template = asking.template(None, click.echo)
        settings = ingesting.settings(
            reached, watch=watch, asking=asking, template=template, period=period
        )
        source_at(settings.location).check()  # a mistake is told at once, not waited for
        require_topics(reached, pipeline_topics())
        ingesting.tell(reached, measuring)
        with measured(metrics, reached, {DETECTOR_GROUPS: IMAGES}) as service:
            totals = carry_out(settings, stop, registry=service.registry, on_working=service.ready)
        if not (totals.found or watch or stop.is_set()):
            raise CommandError(f"no photos in {settings.location}", ExitCode.NOTHING_PROCESSED)
    say(
        f"{counted(totals.published, 'photo')} published"
        + (f", {totals.rejected} rejected: avatarrig rejects list" if totals.rejected else "")
        + (f"; looked at {totals.files}" if totals.files else "")
    )


def _name_of(location: str) -> str:
    if is_store_url(location):
        return location.rstrip("/").rpartition("/")[2]
    return Path(location).absolute().resolve().name or "photos"
