"""``avatarrig broker``: run the embedded Apache Kafka in the foreground, or fetch it."""

from __future__ import annotations

from pathlib import Path

import click

from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.screen.printable import say
from avatarrig.kafka.embedded import (
    EmbeddedBroker,
    FetchProgress,
    default_cache,
    default_data_folder,
    fetch,
)
from avatarrig.kafka.settings import KafkaSettings
from avatarrig.pipeline.services.broker import keep_broker
from avatarrig.process.signals import stop_on_signals

PERCENT_STEP = 20


@click.group("broker", invoke_without_command=True)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where records and logs are kept; this user's state folder unless told otherwise.",
)
@click.pass_context
def broker(context: click.Context, data_dir: Path | None) -> None:
    """Run the embedded Apache Kafka on this machine's loopback until Ctrl-C, or fetch it."""
    if context.invoked_subcommand is not None:
        return
    folder = data_dir or default_data_folder()
    with fail_clearly():
        _run(folder)


@broker.command("fetch")
def fetch_command() -> None:
    """Get Apache Kafka (45 MB) ahead of time, so that a run needs no network for it."""
    with fail_clearly():
        folder = fetch(on_progress=_Lines())
    say(f"Apache Kafka is in {folder}")


def _run(folder: Path) -> None:
    def listens(kafka: KafkaSettings) -> None:
        say(f"Kafka listens at {kafka.bootstrap_servers}; its data is in {folder}")

    with stop_on_signals() as stop:
        keep_broker(
            EmbeddedBroker(folder, default_cache(), on_progress=_Lines()),
            stop,
            tell=lambda note: say(note, err=True),
            listens=listens,
        )


class _Lines:
    """Prints progress as a few lines; they read the same in a terminal and in a log."""

    def __init__(self) -> None:
        self._told = -1

    def __call__(self, progress: FetchProgress) -> None:
        if progress.step == "startup cache":
            if progress.done == 0:
                say("Preparing quick starts of the broker (once)", err=True)
            return
        share = progress.done * 100 // progress.total // PERCENT_STEP
        if share > self._told:
            self._told = share
            say(f"Apache Kafka: {progress.done >> 20} of {progress.total >> 20} MB", err=True)
