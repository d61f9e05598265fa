"""``avatarrig DATASET --out RUN``: the main job with one command."""

from __future__ import annotations

import os
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click
import msgspec

from avatarrig.body.estimate import EstimateOptions
from avatarrig.cli import COMMANDS
from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.options.detector import detector_options, workers_option
from avatarrig.cli.options.kafka import KafkaArguments, kafka_options
from avatarrig.cli.options.measure import check_one_measured, measuring_options
from avatarrig.cli.options.naming import NAME, check_folder
from avatarrig.cli.options.period import period_options
from avatarrig.cli.options.reference import asking_options, check_one_person
from avatarrig.cli.options.videos import sharpest_option, videos_option
from avatarrig.cli.options.web import DEFAULT_PORT, check_address
from avatarrig.cli.options.window import WINDOW
from avatarrig.cli.screen.console import make_console
from avatarrig.cli.screen.printable import say
from avatarrig.errors import ExitCode
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.pipeline.request import Asking, Measuring, RunRequest
from avatarrig.wire.counted import counted


class _Dataset(click.Path):
    """A folder of photos; what looks like a misspelt command is told apart."""

    def __init__(self) -> None:
        super().__init__(exists=True, file_okay=False, path_type=Path)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """Checks the folder."""
        alike = get_close_matches(str(value), COMMANDS, 1)
        if alike and not Path(value).exists():
            self.fail(
                f"there is no folder {str(value)!r}. Did you mean the command {alike[0]!r}?",
                param,
                ctx,
            )
        check_folder(value)
        return super().convert(value, param, ctx)


@click.command(name="run", context_settings={"show_default": True})
@click.argument("dataset", type=_Dataset())
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("outputs/runs/run1"),
    help="Run directory; the same command on it resumes.",
)
@workers_option
@measuring_options
@click.option(
    "--window", type=WINDOW, help="Estimate the newest days apart, such as 30d, by capture time."
)
@click.option(
    "--subject", type=NAME, help="Whose skeleton it is.", show_default="the dataset's name"
)
@click.option(
    "--subject-from-folder",
    is_flag=True,
    help="Each first-level folder holds the photos of somebody else, by the folder's name.",
)
@asking_options()
@period_options
@videos_option
@sharpest_option
@click.option("--max-images", type=click.IntRange(1), help="Stop after so many photos.")
@click.option(
    "--prune",
    is_flag=True,
    help="Photos that are no longer in the dataset stop counting even if they are more than a "
    "tenth of all.",
)
@detector_options
@kafka_options
@click.option(
    "--partitions",
    type=click.IntRange(1, 1000),
    show_default="twice the replicas; 12 in a Kafka that runs already",
    help="Partitions of new topics: the ceiling of replicas.",
)
@click.option(
    "--web-port",
    type=click.IntRange(0, 65535),
    default=0,
    help=f"Serve the live page at this port of 127.0.0.1 while it runs, such as {DEFAULT_PORT}; "
    "0 serves none.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the final result as JSON.")
def run(*, as_json: bool, kafka: KafkaArguments, **given: Any) -> None:
    """Photos in, skeleton out: the whole pipeline on one folder.

    Starts an embedded Apache Kafka, unless --bootstrap-servers names one, publishes a reference
    to each photo, runs detector replicas and the aggregator, and leaves a run directory. Ctrl-C
    stops; the same command resumes.

    Exit code: 0 all photos were processed (rejects are listed), 1 it could not go on and says why,
    2 wrong usage, 3 nothing could be processed, 130 stopped with Ctrl-C.
    """
    from avatarrig.cli.screen.run_screen import RunScreen
    from avatarrig.pipeline.run import run_photos

    console = make_console(stderr=as_json)
    with fail_clearly():
        check_address("--web-port", "127.0.0.1", given["web_port"] or None, "or 0 for no page")
        request = _request(given, kafka.optional())
        outcome = run_photos(request, RunScreen(console))
        if outcome.exit_code == ExitCode.DONE and _shall_prune(outcome.departed):
            pruning = msgspec.structs.replace(request, prune=True)
            outcome = run_photos(pruning, RunScreen(console))
    if as_json:
        sys.stdout.write(msgspec.json.encode(outcome.document).decode() + "\n")
    sys.exit(outcome.exit_code)


def _shall_prune(departed: int) -> bool:
    """Asks, where photos are gone and somebody is there to answer."""
    if not (departed and sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    question = (
        f"Shall the {counted(departed, 'photo')} no longer in the dataset stop counting? "
        "(Not if a disk is just away.)"
    )
    try:
        return click.confirm(question)
    except click.Abort:  # the run is done, whatever is answered
        say("", err=True)
        return False


def _request(given: dict[str, Any], kafka: KafkaSettings | None) -> RunRequest:
    asking: Asking = given["asking"]
    check_folder(given["out"])
    if given["subject"] is not None and given["subject_from_folder"]:
        raise click.UsageError("--subject and --subject-from-folder exclude each other")
    measuring: Measuring = given["measuring"]
    check_one_measured(measuring, subject_from_folder=given["subject_from_folder"])
    check_one_person(asking, subject_from_folder=given["subject_from_folder"])
    return RunRequest(
        dataset=given["dataset"],
        out=given["out"],
        workers=given["workers"],
        detecting=given["detecting"],
        clips=given["clips"],
        sharpest_of_moment=given["sharpest_of_moment"],
        max_images=given["max_images"],
        period=given["period"],
        prune=given["prune"],
        subject=given["subject"],
        subject_per_folder=given["subject_from_folder"],
        asking=asking,
        kafka=kafka,
        partitions=given["partitions"],
        web_port=given["web_port"] or None,
        estimate=EstimateOptions(
            height=measuring.height, measured=measuring.measured, window_days=given["window"]
        ),
        tells_measured=measuring.told and not given["subject_from_folder"],
    )
