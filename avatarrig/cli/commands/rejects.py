"""``avatarrig rejects``: what was set aside, why, and trying it again."""

from __future__ import annotations

import datetime as dt
import re
import sys
import time
from pathlib import Path

import click
import msgspec
from kafka import KafkaConsumer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from avatarrig.cli.errors import CommandError, ExitCode, fail_clearly
from avatarrig.cli.options.connection import broker_options, reach
from avatarrig.cli.options.kafka import KafkaArguments
from avatarrig.kafka import KafkaSettings, open_producer, open_reader, places_of, read_to_end
from avatarrig.views.rejects import RejectsView, SetAsidePhoto, replayable
from avatarrig.wire import Observation, RecordRefusedError, Reject, decode, keys
from avatarrig.wire.reasons import RejectReason
from avatarrig.wire.topics import OBSERVATIONS, REJECTS
from producers.publish import publish

_SPAN = re.compile(r"(\d+)([mhd])")
_SECONDS = {"m": 60, "h": 3600, "d": 86400}

_filters = (
    click.option("--reason", help="Only those with this reason, such as crashed."),
    click.option("--since", help="Only those from then on: 2026-11-22, 2026-11-22T16:00 or 2h."),
)


@click.group("rejects")
def rejects() -> None:
    """List what was set aside, show why, or try it again."""


@rejects.command("list")
@broker_options
@click.option("--json", "as_json", is_flag=True, help="One JSON record per line.")
@_filters[0]
@_filters[1]
def list_command(
    *,
    run_directory: Path | None,
    kafka: KafkaArguments,
    as_json: bool,
    reason: str | None,
    since: str | None,
) -> None:
    """List what is set aside, the latest first."""
    with fail_clearly(), reach(run_directory, kafka) as reached:
        photos = read_rejects(reached).standing(reason=reason, since=_moment(since))
    if as_json:
        for photo in photos:
            sys.stdout.write(msgspec.json.encode(photo.latest).decode() + "\n")
        return
    console = Console(highlight=False)
    console.print(_table(photos) if photos else Text("nothing is set aside"))


@rejects.command("show")
@broker_options
@click.argument("text")
def show_command(*, run_directory: Path | None, kafka: KafkaArguments, text: str) -> None:
    """Show all that is known about what TEXT names: a path, an image_id, or a part of one."""
    with fail_clearly():
        with reach(run_directory, kafka) as reached:
            photos = read_rejects(reached).find(text)
        if not photos:
            raise CommandError(f"nothing that is set aside matches {text!r}")
    console = Console(highlight=False)
    for photo in photos:
        _show(console, photo)


@rejects.command("replay")
@broker_options
@_filters[0]
@_filters[1]
def replay_command(
    *,
    run_directory: Path | None,
    kafka: KafkaArguments,
    reason: str | None,
    since: str | None,
) -> None:
    """Publish what is set aside again, after its cause was mended.

    A photo leaves the list when it is observed. Photos that could not even be read are found
    again by the dataset's own command.
    """
    with fail_clearly(), reach(run_directory, kafka) as reached:
        photos = read_rejects(reached).standing(reason=reason, since=_moment(since))
        references = [
            reference
            for photo in photos
            for reference in replayable([photo], run=photo.latest.run, now=time.time())
        ]
        producer = open_producer(reached)
        try:
            publish(references, producer)
        finally:
            producer.close(timeout=1)
    click.echo(f"{len(references)} photos are published again")
    if len(references) < len(photos):
        click.echo(
            f"{len(photos) - len(references)} others could not be read or were no photos; "
            "once mended, the dataset's own command finds them"
        )
    if run_directory is not None and references:
        click.echo("run the same avatarrig command again to have them detected")


def read_rejects(kafka: KafkaSettings) -> RejectsView:
    """Reads what is set aside.

    Raises:
        TransportError: Kafka does not answer, or has no such topics.
    """
    view = RejectsView()
    consumer = open_reader(kafka)
    try:
        starts = consumer.beginning_offsets(places_of(consumer, REJECTS))
        rejects: dict[bytes, Reject] = {}
        for place, message in read_to_end(consumer, starts):
            origin = keys.origin(place.topic, place.partition, message.offset)
            if message.value is None:  # a tombstone
                rejects.pop(message.key, None)
            else:
                rejects[message.key or origin.encode()] = _reject(message, origin)
        for reject in rejects.values():
            view.reject(reject)
        oldest = min((reject.rejected_at for reject in rejects.values()), default=time.time())
        _note_observations(consumer, view, since=oldest)
    finally:
        consumer.close()
    return view


def _reject(message: object, origin: str) -> Reject:
    try:
        return decode(getattr(message, "value", None), Reject)
    except RecordRefusedError as error:
        when = getattr(message, "timestamp", 0) / 1000
        return Reject(
            reason=RejectReason.MALFORMED,
            message=str(error),
            attempts=1,
            rejected_at=when,
            origin=origin,
        )


def _note_observations(consumer: KafkaConsumer, view: RejectsView, *, since: float) -> None:
    """Only observations younger than the oldest reject can take one off the list."""
    places = places_of(consumer, OBSERVATIONS)
    ends = consumer.end_offsets(places)
    found = consumer.offsets_for_times(dict.fromkeys(places, max(0, round(since * 1000) - 1)))
    starts = {p: found[p].offset if found.get(p) else ends[p] for p in places}
    for _, message in read_to_end(consumer, starts):
        try:
            view.observation(decode(message.value, Observation))
        except RecordRefusedError:  # the aggregator sets it aside
            continue


def _moment(text: str | None) -> float:
    if text is None:
        return 0.0
    span = _SPAN.fullmatch(text)
    if span:
        return time.time() - int(span[1]) * _SECONDS[span[2]]
    try:
        return dt.datetime.fromisoformat(text).astimezone().timestamp()
    except ValueError as error:
        raise CommandError(
            f"--since {text!r} is no time: write 2026-11-22, 2026-11-22T16:00, 30m, 2h or 7d",
            ExitCode.WRONG_USAGE,
        ) from error


def _table(photos: list[SetAsidePhoto]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("when", "reason", "tries", "photo", "what is wrong"):
        table.add_column(column, no_wrap=column not in {"photo", "what is wrong"})
    for photo in photos:
        reject = photo.latest
        cells = (_clock(reject.rejected_at), reject.reason, str(reject.attempts * photo.times))
        table.add_row(*cells, Text(photo.name), Text(reject.message))
    return table


def _show(console: Console, photo: SetAsidePhoto) -> None:
    reject, reference = photo.latest, photo.latest.reference
    rows = {
        "photo": photo.name,
        "reason": reject.reason,
        "message": reject.message,
        "tried": f"{reject.attempts} times, set aside {photo.times} times",
        "when": _clock(reject.rejected_at),
    }
    if reference is not None:
        rows |= {
            "image_id": reference.image_id,
            "uri": reference.uri,
            "dataset": reference.dataset,
            "subject": reference.subject,
            "sha-256": reference.content_hash or "not known: it could not be read",
            "run": reference.run,
        }
    for name, value in rows.items():
        console.print(Text(f"{name + ':':<10} {value}"), soft_wrap=True)
    console.print()


def _clock(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")
