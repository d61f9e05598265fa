"""``avatarrig status``: how far the photos are, what lags, who is alive."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.options.connection import broker_options, is_at_work, reach
from avatarrig.cli.options.kafka import KafkaArguments
from avatarrig.cli.screen.console import make_console
from avatarrig.cli.screen.printable import words
from avatarrig.cli.screen.tail_lines import that_do_not_count
from avatarrig.photos.passed_over import words_for_files
from avatarrig.process.printable import printable
from avatarrig.runs import RunDirectory, read_file_counts
from avatarrig.views.pipeline_status import (
    PipelineStatus,
    SkeletonStatus,
    read_status,
    with_decisions_since,
)
from avatarrig.views.snapshot import departed_words
from avatarrig.views.view import duration
from avatarrig.wire.counted import counted
from avatarrig.wire.reasons import words_for

_MOST_LISTED: Final = 20
"""Skeletons that fit on a screen, beside the rest."""


@click.command("status")
@broker_options
@click.option("--all", "everybody", is_flag=True, help="List all subjects, however many.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def status(
    *, run_directory: Path | None, kafka: KafkaArguments, everybody: bool, as_json: bool
) -> None:
    """Show photos found, waiting, observed and rejected, lags, replicas and estimates.

    "Waiting" means not yet processed, never failed.
    """
    at_work = is_at_work(run_directory)
    with fail_clearly(), reach(run_directory, kafka) as reached:
        state = read_status(reached, at_work=at_work)
        if run_directory is not None and not at_work:
            state = with_decisions_since(state, RunDirectory(run_directory), time.time())
    files = None if run_directory is None else read_file_counts(RunDirectory(run_directory))
    if as_json:
        document = msgspec.to_builtins(state) | {"files": files}
        sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    else:
        console = make_console()
        _print(console, state, most=None if everybody else _MOST_LISTED)
        if files is not None:
            console.print(words(f"           looked at {words_for_files(files)}"), soft_wrap=True)


def _print(console: Console, state: PipelineStatus, *, most: int | None) -> None:
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
        f"           {counted(state.replicas, 'replica')} alive · "
        f"{state.photos_per_second:.1f} photos/s over the last minute · {oldest}"
    )
    for reason, count in sorted(state.rejected_by_reason.items()):
        console.print(words(f"           rejected: {count} × {words_for(reason)}", style="yellow"))
    for topic, count in sorted(state.refused.items()):
        messages = counted(count, "message")
        passed = f"passed over, since they hold no record: {messages} of {topic}"
        console.print(words(f"           {passed}", style="yellow"))
    for dataset, count in sorted(state.departed.items()):
        gone = words(departed_words(printable(dataset), count), style="yellow")
        console.print(Padding(gone, (0, 0, 0, 11)))
    if state.groups:
        console.print(_groups(state))
    if state.skeletons:
        console.print()
        console.print(words(_summary(state.skeletons), style="bold"))
        shown = state.skeletons if most is None else state.skeletons[:most]
        console.print(_skeletons(shown))
        for skeleton in shown:
            if said := that_do_not_count(skeleton.excluded):
                console.print(words(f"{printable(skeleton.subject)}: {said}"), soft_wrap=True)
        if len(shown) < len(state.skeletons):
            more = len(state.skeletons) - len(shown)
            console.print(words(f"… and {more:,} more; --all lists them", style="dim"))


def _summary(skeletons: list[SkeletonStatus]) -> str:
    stable = sum(0 < one.stable == one.bones for one in skeletons)
    none = sum(one.stable == 0 for one in skeletons)
    return (
        f"{counted(len(skeletons), 'skeleton')}: {stable:,} with all bones stable, "
        f"{len(skeletons) - stable - none:,} with some, {none:,} with none"
    )


def _groups(state: PipelineStatus) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), title_justify="left")
    for column in ("group", "alive", "topic", "lag"):
        table.add_column(column, justify="right" if column in {"alive", "lag"} else "left")
    for group in state.groups:
        for topic, lag in sorted(group.lag.items()):
            table.add_row(words(group.group), str(group.members), topic, str(lag))
    return table


def _skeletons(skeletons: list[SkeletonStatus]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("subject", "photos", "count", "moments", "stable", "estimated"):
        table.add_column(column, justify="left" if column == "subject" else "right")
    for skeleton in skeletons:
        table.add_row(
            words(skeleton.subject),
            str(skeleton.observations),
            str(skeleton.used),
            "" if skeleton.moments is None else str(skeleton.moments),
            f"{skeleton.stable} of {skeleton.bones}",
            f"{duration(skeleton.age)} ago",
        )
    return table
