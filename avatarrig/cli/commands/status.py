"""``avatarrig status``: how far the photos are, what lags, who is alive."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.options.connection import broker_options, is_at_work, reach
from avatarrig.cli.options.kafka import KafkaArguments
from avatarrig.cli.screen.printable import words
from avatarrig.photos.passed_over import words_for_files
from avatarrig.runs import RunDirectory, read_file_counts
from avatarrig.views.pipeline_status import PipelineStatus, read_status
from avatarrig.views.view import duration


@click.command("status")
@broker_options
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def status(*, run_directory: Path | None, kafka: KafkaArguments, as_json: bool) -> None:
    """Show photos found, waiting, observed and rejected, lags, replicas and estimates.

    "Waiting" means not yet processed, never failed.
    """
    at_work = is_at_work(run_directory)
    with fail_clearly(), reach(run_directory, kafka) as reached:
        state = read_status(reached, at_work=at_work)
    files = None if run_directory is None else read_file_counts(RunDirectory(run_directory))
    if as_json:
        document = msgspec.to_builtins(state) | {"files": files}
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    else:
        console = Console(highlight=False)
        _print(console, state)
        if files is not None:
            console.print(words(f"           looked at {words_for_files(files)}"), soft_wrap=True)


def _print(console: Console, state: PipelineStatus) -> None:
    console.print(
        Text.assemble(
            ("photos     ", "bold"),
            f"published {state.found} · waiting {state.waiting} (in work {state.in_work}) · "
            f"observed {state.observed} · rejected {state.rejected}",
        )
    )
    oldest = "photos wait" if state.waiting else "nothing waits"
    if state.oldest_waiting is not None:
        oldest = f"the oldest waits {duration(state.oldest_waiting)}"
    console.print(
        f"           {state.replicas} replicas alive · {state.photos_per_second:.1f} photos/s "
        f"over the last minute · {oldest}"
    )
    for reason, count in sorted(state.rejected_by_reason.items()):
        console.print(words(f"           rejected: {count} {reason}", style="yellow"))
    for topic, count in sorted(state.refused.items()):
        passed = f"passed over: {count} messages of {topic} that are no records"
        console.print(words(f"           {passed}", style="yellow"))
    if state.groups:
        console.print(_groups(state))
    if state.skeletons:
        console.print(_skeletons(state))


def _groups(state: PipelineStatus) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), title_justify="left")
    for column in ("group", "alive", "topic", "lag"):
        table.add_column(column, justify="right" if column in {"alive", "lag"} else "left")
    for group in state.groups:
        for topic, lag in sorted(group.lag.items()):
            table.add_row(words(group.group), str(group.members), topic, str(lag))
    return table


def _skeletons(state: PipelineStatus) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("subject", "photos", "count", "moments", "stable", "estimated"):
        table.add_column(column, justify="left" if column == "subject" else "right")
    for skeleton in state.skeletons:
        table.add_row(
            words(skeleton.subject),
            str(skeleton.observations),
            str(skeleton.used),
            "" if skeleton.moments is None else str(skeleton.moments),
            f"{skeleton.stable} of {skeleton.bones}",
            f"{duration(skeleton.age)} ago",
        )
    return table
