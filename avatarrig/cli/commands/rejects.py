"""``avatarrig rejects``: what was rejected, why, and trying it again."""

from __future__ import annotations

import datetime as dt
import re
import sys
import time
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.padding import Padding

from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.options.connection import broker_options, reach
from avatarrig.cli.options.kafka import KafkaArguments
from avatarrig.cli.screen.clock import local_time
from avatarrig.cli.screen.console import make_console
from avatarrig.cli.screen.printable import say, words
from avatarrig.errors import CommandError, ExitCode
from avatarrig.pipeline.replaying import replay
from avatarrig.views.feed import look
from avatarrig.views.rejects import RejectedPhoto, to_be_mended
from avatarrig.wire.counted import counted
from avatarrig.wire.reasons import verdict

_SPAN = re.compile(r"(\d{1,9})([mhd])")
_SECONDS = {"m": 60, "h": 3600, "d": 86400}

_filters = (
    click.option("--reason", help="Only those with this reason, such as crashed."),
    click.option("--since", help="Only those from then on: 2026-11-22, 2026-11-22T16:00 or 2h."),
)


@click.group("rejects")
def rejects() -> None:
    """List what was rejected, show why, or try it again."""


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
    """List what is rejected, the latest first."""
    with fail_clearly():
        earliest = _moment(since)
        with reach(run_directory, kafka) as reached:
            photos = look(reached).rejects.standing(reason=reason, since=earliest)
    if as_json:
        for photo in photos:
            sys.stdout.write(msgspec.json.encode(photo.latest).decode() + "\n")
        return
    console = make_console()
    if not photos:
        console.print(words("nothing is rejected"))
    _list(console, photos)


@rejects.command("show")
@broker_options
@click.argument("text")
def show_command(*, run_directory: Path | None, kafka: KafkaArguments, text: str) -> None:
    """Show all that is known about what TEXT names: a path, an image_id, or a part of one."""
    with fail_clearly():
        with reach(run_directory, kafka) as reached:
            photos = look(reached).rejects.find(text)
        if not photos:
            raise CommandError(f"nothing that is rejected matches {text!r}")
    console = make_console()
    for photo in photos:
        _show(console, photo)


@rejects.command("replay")
@broker_options
@_filters[0]
@_filters[1]
def replay_command(
    *, run_directory: Path | None, kafka: KafkaArguments, reason: str | None, since: str | None
) -> None:
    """Publish what is rejected again, after its cause was mended.

    A photo leaves the list when it is observed. Photos that could not even be read are found
    again by the dataset's own command. Near-copies are published with --reason near_copy alone.
    """
    with fail_clearly():
        earliest = _moment(since)
        with reach(run_directory, kafka) as reached:
            listed = look(reached).rejects.standing(reason=reason, since=earliest)
            photos = listed if reason else to_be_mended(listed)
            replayed = replay(reached, photos)
    say(f"{counted(replayed, 'photo is', 'photos are')} published again")
    if replayed < len(photos):
        say(
            f"{len(photos) - replayed} others could not be read or were no photos; "
            "once mended, the dataset's own command finds them"
        )
    if run_directory is not None and replayed:
        say("run the same avatarrig command again to have them detected")


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


def _list(console: Console, photos: list[RejectedPhoto]) -> None:
    """Names are never cut: they are what a person looks for, and a pipe has no width."""
    for photo in photos:
        reject = photo.latest
        tried = reject.attempts * photo.times
        again = f", tried {tried} times" if tried > 1 else ""
        console.print(words(f"{_clock(reject.rejected_at)}  {photo.name}"), soft_wrap=True)
        why = words(f"{verdict(reject.reason)} ({reject.reason}{again})", style="yellow")
        for line in (why, words(reject.message, style="dim")):
            if console.is_terminal:
                console.print(Padding(line, (0, 0, 0, 4)))
            else:
                console.print("   ", line, soft_wrap=True)


def _show(console: Console, photo: RejectedPhoto) -> None:
    reject, reference = photo.latest, photo.latest.reference
    rows = {
        "photo": photo.name,
        "reason": f"{verdict(reject.reason)} ({reject.reason})",
        "message": reject.message,
        "tried": f"{counted(reject.attempts, 'time')}, rejected {counted(photo.times, 'time')}",
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
        console.print(words(f"{name + ':':<10} {value}"), soft_wrap=True)
    console.print()


def _clock(seconds: float) -> str:
    return local_time(seconds).strftime("%Y-%m-%d %H:%M:%S")
