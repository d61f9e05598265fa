"""``avatarrig report``: a run as one HTML file to look at and to send on."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.screen.printable import say
from avatarrig.report.collect import collect
from avatarrig.runs import write_atomically

if TYPE_CHECKING:
    from avatarrig.report.page import ReportFiles

PAGE_NAME = "report.html"


@click.command("report")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="HTML file to write, PNG files beside it; RUN/report.html unless told otherwise.",
)
@click.option(
    "--photos",
    "pictures",
    type=click.IntRange(0, 500),
    default=24,
    show_default=True,
    help="How many of the best photos to show; 0 leaves all photos out, for strangers' eyes.",
)
def report(run: Path, out: Path | None, pictures: int) -> None:
    """Write RUN as one HTML file: skeleton, convergence, photos, quality and settings.

    It needs no other file and no network. Beside it lie PNG files of the skeleton, of its
    convergence and of the best photos.
    """
    from avatarrig.report.page import (
        ReportOptions,
        make_report,
    )

    page_file = out or run / PAGE_NAME
    options = ReportOptions(pictures=pictures, written_at=dt.datetime.now().astimezone())
    with fail_clearly():
        files = make_report(collect(run), options)
        for file, data in _named(files, page_file):
            write_atomically(file, data)
            say(f"{file}  {len(data) / 1024:.0f} KB")


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
