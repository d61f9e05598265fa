"""``avatarrig review``: the photos that matter most to look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.screen.printable import say
from avatarrig.wire.counted import counted

if TYPE_CHECKING:
    from avatarrig.report.review import Sorted

SHOWN = 5


@click.command("review", context_settings={"show_default": True})
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="HTML file to write.",
    show_default="RUN/review.html",
)
@click.option(
    "--photos",
    type=click.IntRange(1, 1000),
    default=60,
    help="How many photos of each subject to show.",
)
@click.option(
    "--apply",
    "labels",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A CSV file as avatarrig audit writes it, filled in: what is labelled bad is left out, "
    "what is labelled good counts again.",
)
def review(*, run: Path, out: Path | None, photos: int, labels: Path | None) -> None:
    """Write a page with the photos of RUN that matter most to look at, or apply labels.

    Most doubtful first: those of which nobody is sure who they show, those that look like
    somebody else, those that pull the estimate. On the page, keys decide; the commands that it
    gives carry the decisions out.
    """
    from avatarrig.report.calibration.labels import read_labels
    from avatarrig.report.review import PAGE_NAME, make_review, sorted_by
    from avatarrig.runs import write_atomically

    with fail_clearly():
        if labels is not None:
            _apply(run, sorted_by(run, read_labels(labels)))
            return
        page, shown = make_review(run, photos)
        file = out or run / PAGE_NAME
        write_atomically(file, page)
    say(f"{file}: {counted(shown, 'photo')} to look at, most doubtful first")


def _apply(run: Path, told: Sorted) -> None:
    from avatarrig.pipeline.decisions.deciding import exclude_from_run, include_in_run

    if not (told.bad or told.good or told.others):
        raise click.UsageError("no photo that is labelled was observed in this run")
    left_out = exclude_from_run(run, told.bad, "labelled bad").photos if told.bad else ()
    back = include_in_run(run, told.good, "labelled good").photos if told.good else ()
    say(f"left out: {len(left_out)}, brought back: {len(back)}")
    if told.others:
        say(
            f"{counted(len(told.others), 'photo')} labelled good of somebody else: a label tells "
            f"of the pose; avatarrig include has a photo count all the same: {listed(told.others)}"
        )
    if told.unknown:
        unknown = counted(len(told.unknown), "label is", "labels are")
        say(f"{unknown} of no photo of this run: {listed(told.unknown)}")


def listed(paths: list[str]) -> str:
    """Names the first few."""
    more = f" … and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return ", ".join(paths[:SHOWN]) + more
