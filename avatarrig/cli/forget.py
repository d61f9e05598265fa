"""``avatarrig forget``: removes everything that is stored about a subject."""

from __future__ import annotations

from pathlib import Path

import click

from avatarrig.cli.connection import broker_options, reach
from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.kafka_options import KafkaArguments
from avatarrig.transport import TransportError


@click.command("forget")
@click.argument("subject")
@broker_options
@click.option(
    "--out",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder that detectors write files to (their --out). May be given several times.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(
    *,
    subject: str,
    run_directory: Path | None,
    kafka: KafkaArguments,
    folders: tuple[Path, ...],
    yes: bool,
) -> None:
    """Remove all that is stored about SUBJECT: observations, tallies, estimates, files.

    Kafka gets tombstones at once and deletes for good within a week. The photos themselves are
    yours to delete, and first of all: photos that are still there are found again.
    """
    from avatarrig.cli.forgetting import (  # noqa: PLC0415 - --help needs none of it
        forget_files,
        forget_subject,
    )

    if not yes:
        click.confirm(f"Remove everything about {subject}, for ever?", abort=True)
    with fail_clearly(failed=(TransportError, OSError)):
        with reach(run_directory, kafka) as reached:
            removed = forget_subject(reached, subject)
        places = [*folders, *([run_directory] if run_directory is not None else [])]
        files = sum(forget_files(place, subject) for place in places)
    for topic, messages in removed.items():
        click.echo(f"{messages:>7} messages of {topic}")
    click.echo(f"{files:>7} files")
    for place in places:
        left = sorted(file.name for file in place.iterdir() if file.is_file())
        if left:
            click.echo(f"left in {place}, to be looked through: {', '.join(left)}")
