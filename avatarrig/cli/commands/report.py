"""``avatarrig report``: a run as one HTML file to look at and to send on."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.options.estimate import asked
from avatarrig.cli.options.kafka import KafkaArguments, kafka_options
from avatarrig.cli.options.naming import SUBJECT
from avatarrig.cli.screen.clock import local_time
from avatarrig.cli.screen.printable import say
from avatarrig.pipeline.estimate_source import observations_on
from avatarrig.report.collect import collect
from avatarrig.runs import write_atomically
from avatarrig.runs.estimate_file import listed

if TYPE_CHECKING:
    from avatarrig.report.page import ReportFiles

PAGE_NAME = "report.html"


@click.command("report")
@click.argument(
    "run", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--subject", type=SUBJECT, help="Whose photos, where there are several people's.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="HTML file to write, PNG files beside it; report.html in RUN, or here without one, "
    "unless told otherwise.",
)
@click.option(
    "--photos",
    "pictures",
    type=click.IntRange(0, 500),
    default=24,
    show_default=True,
    help="How many of the best photos to show; 0 leaves all photos out, for strangers' eyes.",
)
@kafka_options
def report(
    run: Path | None, subject: str | None, out: Path | None, pictures: int, kafka: KafkaArguments
) -> None:
    """Write RUN as one HTML file: skeleton, convergence, photos, quality and settings.

    It needs no other file and no network. Beside it lie PNG files of the skeleton, of its
    convergence and of the best photos. RUN is what a run, or `avatarrig up --out`, has left;
    without one Kafka is asked what was observed, and no photos are shown.
    """
    page_file = out or (run or Path()) / PAGE_NAME
    with fail_clearly():
        if run is not None:
            _write(run, subject, page_file, pictures)
            return
        with tempfile.TemporaryDirectory(prefix="avatarrig-report-") as folder:
            whose = observations_on(asked(kafka), subject, Path(folder))
            _write(Path(folder), whose, page_file, 0)


def _write(run: Path, subject: str | None, page_file: Path, pictures: int) -> None:
    from avatarrig.report.page import ReportOptions, make_report

    options = ReportOptions(pictures=pictures, written_at=local_time(time.time()))
    collected = collect(run, subject)
    for file, data in _named(make_report(collected, options), page_file):
        write_atomically(file, data)
        say(f"{file}  {len(data) / 1024:.0f} KB")
    if len(collected.courses) > 1:
        say(f"it is about {listed(list(collected.courses))}; --subject NAME takes one of them")


def _named(files: ReportFiles, page_file: Path) -> list[tuple[Path, bytes]]:
    several = len(files.skeletons) > 1
    named = [(page_file, files.page)]
    for number, (subject, skeleton) in enumerate(files.skeletons.items(), 1):
        which = f"-{number}" if several else ""
        named.append((page_file.with_name(f"{page_file.stem}-skeleton{which}.png"), skeleton))
        if subject in files.courses:
            course = page_file.with_name(f"{page_file.stem}-convergence{which}.png")
            named.append((course, files.courses[subject]))
    if files.sheet is not None:
        named.append((page_file.with_name(f"{page_file.stem}-photos.png"), files.sheet))
    return named
