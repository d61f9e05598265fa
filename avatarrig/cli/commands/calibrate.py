"""``avatarrig calibrate``: thresholds suggested from runs, ready to paste."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.screen.printable import say
from avatarrig.report.calibration.labels import labelled, read_labels
from avatarrig.report.calibration.measured import measure_run, runs_in
from avatarrig.report.calibration.report import Calibration, to_document, to_text
from avatarrig.report.calibration.report import calibrate as calibrate_runs
from avatarrig.runs import write_atomically

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("calibrate")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=_FOLDER)
@click.option(
    "--labels",
    "labels_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV with the columns image and label (good or bad); 'avatarrig audit' writes one.",
)
@click.option(
    "--report",
    "report_file",
    type=_FILE,
    help="Write the report to this file as well; as JSON where its name ends in .json.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def calibrate(
    runs: tuple[Path, ...], labels_file: Path | None, report_file: Path | None, *, as_json: bool
) -> None:
    """Suggest --min-pose-* and --overlay-thr from what RUNs have shown.

    A RUN may also be a folder with runs in it, such as outputs/runs: each of them is taken.

    Without labels the values come from the distributions of the quality metrics; with labels
    from precision and recall on the photos that a person called good or bad.
    """
    with fail_clearly():
        calibration = _calibrate(runs, labels_file)
        if report_file is not None:
            rendered = _render(calibration, as_json=report_file.suffix == ".json")
            write_atomically(report_file, rendered)
    for line in _render(calibration, as_json=as_json).decode().splitlines():
        say(line)


def _calibrate(runs: tuple[Path, ...], labels_file: Path | None) -> Calibration:
    measured = [measure_run(run) for folder in runs for run in runs_in(folder)]
    if labels_file is None:
        return calibrate_runs(measured)
    photos = [photo for run in measured for photo in run.photos]
    return calibrate_runs(measured, labelled(photos, read_labels(labels_file)))


def _render(calibration: Calibration, *, as_json: bool) -> bytes:
    if not as_json:
        return to_text(calibration).encode()
    return msgspec.json.format(msgspec.json.encode(to_document(calibration)), indent=2) + b"\n"
