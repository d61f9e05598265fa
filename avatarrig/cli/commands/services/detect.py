"""``avatarrig detect``: detector replicas for this machine, as a service."""

from __future__ import annotations

import os
from pathlib import Path

import click

from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.options.detector import detector_options
from avatarrig.cli.options.kafka import KafkaArguments, kafka_options
from avatarrig.cli.options.metrics import metrics_options
from avatarrig.cli.options.naming import check_folder
from avatarrig.cli.options.reference import asking_options
from avatarrig.errors import CommandError, ExitCode
from avatarrig.photos.object_store import StoreUrlError, from_store_url, is_store_url, lies_in_store
from avatarrig.photos.uri import FileUriError, from_file_uri
from avatarrig.pipeline.request import Asking, Detecting
from avatarrig.pipeline.services.detect import DetectRequest
from avatarrig.pipeline.services.detect import detect as carry_out
from avatarrig.pipeline.services.measured import MetricsAddress
from avatarrig.process.logs import configure_logs
from avatarrig.process.signals import stop_on_signals
from avatarrig.runs import RunStorageError
from avatarrig.runs.store import RunStore
from avatarrig.wire.topics import DETECTOR_GROUPS

out_option = click.option(
    "--out",
    help="Folder, or s3://BUCKET/PREFIX, for observation files, overlays and masks.",
    show_default="none are kept",
)


@click.command("detect", context_settings={"show_default": True})
@kafka_options
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=os.cpu_count() or 1,
    show_default="one per core",
    help="Detector replicas, each a process of its own.",
)
@click.option(
    "--allow-root",
    "allow_root",
    multiple=True,
    help="Folder, or s3://BUCKET/PREFIX, that photos may lie in; anything else is refused. May be "
    "given several times.",
)
@out_option
@click.option(
    "--group",
    default=DETECTOR_GROUPS,
    help="Consumer group that shares the photos; those of other groups get all of them as well.",
)
@detector_options
@asking_options(person=False)
@metrics_options
def detect(
    *,
    kafka: KafkaArguments,
    workers: int,
    allow_root: tuple[str, ...],
    out: str | None,
    group: str,
    detecting: Detecting,
    asking: Asking,
    metrics: MetricsAddress,
) -> None:
    """Run detector replicas until Ctrl-C or SIGTERM.

    They share the photos that ``avatarrig ingest`` publishes with all other replicas of their
    group, on this machine and elsewhere. Asked to stop, they finish the photo in hand.
    """
    configure_logs()
    with fail_clearly(), stop_on_signals() as stop:
        request = DetectRequest(
            photo_roots=photo_roots(allow_root),
            out=place_for_files(out),
            kafka=kafka.required(),
            group=group,
            workers=workers,
            detecting=detecting,
            asking=asking,
            metrics=metrics,
        )
        carry_out(request, stop)


def photo_roots(allowed: tuple[str, ...]) -> tuple[str, ...]:
    """Checks the folders that photos may lie in.

    Raises:
        CommandError: There is none, or one is no folder.
    """
    if not allowed:
        raise CommandError(
            "name the folders that photos may lie in: --allow-root FOLDER", ExitCode.WRONG_USAGE
        )
    return tuple(_root(root) for root in allowed)


def _root(text: str) -> str:
    if not is_store_url(text):
        return str(local_folder("--allow-root", text))
    try:
        from_store_url(text)
    except StoreUrlError as error:
        raise CommandError(f"--allow-root: {error}", ExitCode.WRONG_USAGE) from error
    return text


def place_for_files(out: str | None) -> str | None:
    """Checks the place that files shall be kept at.

    Raises:
        CommandError: Files cannot be kept there.
        StoreAwayError: A store that shall keep them does not answer.
    """
    if out is None:
        return None
    if not lies_in_store(out):
        return str(local_folder("--out", out))
    try:
        RunStore(out).check()
    except StoreUrlError as error:
        raise CommandError(f"--out: {error}", ExitCode.WRONG_USAGE) from error
    except RunStorageError as error:
        raise CommandError(f"--out: {error.filename}: {error.strerror}") from error
    return out


def local_folder(option: str, text: str) -> Path:
    """Reads a folder that is given as a path or as a file:// URL.

    Raises:
        CommandError: It is neither.
        click.BadParameter: No folder can be there; see `check_folder`.
    """
    try:
        folder = from_file_uri(text) if "://" in text else Path(text)
    except FileUriError as error:
        raise CommandError(f"{option}: {error}", ExitCode.WRONG_USAGE) from error
    check_folder(folder)
    return folder.resolve()
