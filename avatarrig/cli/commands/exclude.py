"""``avatarrig exclude`` and ``include``: which photos count."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.options.kafka import KafkaArguments, kafka_options
from avatarrig.cli.options.naming import SUBJECT
from avatarrig.cli.screen.printable import say
from avatarrig.wire.counted import counted

if TYPE_CHECKING:
    from avatarrig.body.evidence.standing import KnownPhoto

SHOWN = 10

_OPTIONS = (
    click.argument("names", nargs=-1, required=True, metavar="[RUN] PHOTO..."),
    click.option(
        "--subject",
        type=SUBJECT,
        help="The photos are this subject's, in a service: no RUN is given, but the address of "
        "its Kafka.",
    ),
    click.option("--reason", default="", help="Why, for whoever asks later.", show_default="none"),
)


def _deciding(command: Callable[..., Any]) -> Callable[..., Any]:
    decorated = kafka_options(command)
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return functools.wraps(command)(decorated)


@click.command("exclude")
@_deciding
def exclude(
    *, names: tuple[str, ...], subject: str | None, reason: str, kafka: KafkaArguments
) -> None:
    """Leave photos out of the estimate: of RUN, or of a --subject of a service.

    PHOTO is a path within the dataset, a folder of it, a pattern such as '2019/*.jpg', or an
    image_id. The decision outlives restarts, resumed runs and new detections; avatarrig include
    undoes it, and the estimate is that of before, bit for bit.
    """
    _decide(names, subject, reason, kafka, excluding=True)


@click.command("include")
@_deciding
def include(
    *, names: tuple[str, ...], subject: str | None, reason: str, kafka: KafkaArguments
) -> None:
    """Bring photos back that were left out, or have photos count of which nobody was sure.

    PHOTO is named as for avatarrig exclude. A photo that does not count since it is not sure
    who it shows, or as it shows somebody else, counts then, with the pose that was found. Of a
    folder or pattern, photos that were left out are brought back first, alone.
    """
    _decide(names, subject, reason, kafka, excluding=False)


def _decide(
    names: tuple[str, ...],
    subject: str | None,
    reason: str,
    kafka: KafkaArguments,
    *,
    excluding: bool,
) -> None:
    if subject is not None:
        _decide_in_service(names, subject, reason, kafka, excluding=excluding)
        return
    if len(names) <= 1:
        raise click.UsageError(
            "give the run directory, then the photos; of a service give --subject and the photos"
        )
    from avatarrig.pipeline.decisions import deciding

    run, *photos = names
    change = deciding.exclude_from_run if excluding else deciding.include_in_run
    with fail_clearly():
        changed = change(Path(run), photos, reason)
    _tell(list(changed.photos), list(changed.same), excluding=excluding)
    for name, estimate in changed.estimates.items():
        say(f"the estimate of {name} is that of {counted(estimate.used, 'photo')} now")


def _decide_in_service(
    names: tuple[str, ...], subject: str, reason: str, kafka: KafkaArguments, *, excluding: bool
) -> None:
    from avatarrig.kafka.deciding.service import decide_in_service

    with fail_clearly():
        changed, same = decide_in_service(
            kafka.required(), subject, names, reason, excluding=excluding
        )
    _tell(changed, same, excluding=excluding)


def _tell(
    changed: list[KnownPhoto], same: list[tuple[KnownPhoto, str]], *, excluding: bool
) -> None:
    did = "left out" if excluding else "brought back"
    say(f"{counted(len(changed), 'photo')} {did}")
    for photo in changed[:SHOWN]:
        say(f"  {photo.path}")
    if len(changed) > SHOWN:
        say(f"  … and {len(changed) - SHOWN} more")
    for photo, why in same[:SHOWN]:
        say(f"  unchanged: {photo.path}: {why}")
    if len(same) > SHOWN:
        say(f"  … and {len(same) - SHOWN} more")
