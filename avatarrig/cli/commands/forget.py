"""``avatarrig forget``: removes everything that is stored about a subject."""

from __future__ import annotations

from pathlib import Path

import click

from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.options.connection import broker_options, reach
from avatarrig.cli.options.kafka import KafkaArguments
from avatarrig.cli.options.naming import SUBJECT
from avatarrig.cli.screen.printable import say
from avatarrig.photos.object_store import lies_in_store
from avatarrig.process.printable import printable


@click.command("forget")
@click.argument("subject", type=SUBJECT)
@broker_options
@click.option(
    "--out",
    "outs",
    multiple=True,
    help="Folder, or s3://BUCKET/PREFIX, that detectors write files to (their --out). May be given "
    "several times.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(
    *,
    subject: str,
    run_directory: Path | None,
    kafka: KafkaArguments,
    outs: tuple[str, ...],
    yes: bool,
) -> None:
    """Remove all that is stored about SUBJECT: observations, tallies, estimates, files.

    Kafka gets tombstones at once and deletes for good within a week. The photos themselves are
    yours to delete, and first of all: photos that are still there are found again.
    """
    from avatarrig.pipeline.forgetting import forget_subject
    from avatarrig.pipeline.forgotten_files import forget_files, forget_stored_files

    stores = [out for out in outs if lies_in_store(out)]
    places = [_folder(out) for out in outs if out not in stores]
    if run_directory is not None:
        places.append(run_directory)
    if not yes:
        click.confirm(f"Remove everything about {printable(subject)}, for ever?", abort=True)
    with fail_clearly():
        with reach(run_directory, kafka) as reached:
            removed = forget_subject(reached, subject)
        files = sum(forget_files(place, subject) for place in places)
        files += sum(forget_stored_files(store, subject) for store in stores)
    for topic, messages in removed.items():
        say(f"{messages:>7} messages of {topic}")
    say(f"{files:>7} files")
    for place in places:
        left = sorted(file.name for file in place.iterdir() if file.is_file())
        if left:
            say(f"left in {place}, to be looked through: {', '.join(left)}")


def _folder(out: str) -> Path:
    folder = Path(out)
    if not folder.is_dir():
        raise click.UsageError(f"--out: there is no folder {folder}")
    return folder
