"""``avatarrig audit``: a sample of a run for a person to label."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.screen.printable import say
from avatarrig.errors import CommandError
from avatarrig.report.calibration.audit import (
    choose_sample,
    draw_contact_sheet,
    to_csv,
    verdicts_of,
    without_gone,
)
from avatarrig.report.calibration.measured import measure_run
from avatarrig.runs import write_atomically
from avatarrig.wire.counted import counted

CSV_NAME = "audit.csv"
SHEET_NAME = "audit.jpg"


@click.command("audit")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--sample",
    "size",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    help="Photos to label; they cover the range of scores evenly.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for audit.csv and audit.jpg; the run itself unless told otherwise.",
)
@click.option("--force", is_flag=True, help="Replace an audit.csv that is there already.")
def audit(run: Path, size: int, out: Path | None, *, force: bool) -> None:
    """Write a CSV of photos of RUN to label good or bad, and a sheet of their overlays."""
    folder = out or run
    csv_file, sheet_file = folder / CSV_NAME, folder / SHEET_NAME
    with fail_clearly():
        if csv_file.exists() and not force:
            raise CommandError(
                f"{csv_file} is there already and may hold labels; --force replaces it"
            )
        measured = without_gone(measure_run(run))
        sample = choose_sample(measured, size)
        verdicts = verdicts_of(run, sample)
        write_atomically(csv_file, to_csv(sample, verdicts))
        write_atomically(sheet_file, draw_contact_sheet(measured, sample, verdicts))
    say(
        f"{counted(len(sample), 'photo')}: look at {sheet_file}, write good or bad into "
        f"{csv_file}, then"
    )
    say(f"  avatarrig calibrate {shlex.quote(str(run))} --labels {shlex.quote(str(csv_file))}")
