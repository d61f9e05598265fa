"""``avatarrig models``: fetch the MediaPipe models ahead of time, or see where they are."""

from __future__ import annotations

from pathlib import Path

import click

from avatarrig.cli.errors import fail_clearly
from avatarrig.cli.screen.printable import say
from avatarrig.detectors.faces.models import SFACE, YUNET
from avatarrig.detectors.fetching.models import (
    MODELS,
    POSE_MODELS,
    ModelUnavailableError,
    cache_folder,
    fetch,
    find,
)
from avatarrig.errors import CommandError

_FACES = {"yunet": YUNET, "sface": SFACE}
_OTHERS = tuple(name for name in MODELS if name not in POSE_MODELS)


@click.group("models")
def models() -> None:
    """The MediaPipe models: fetch them, or see where they are."""


@models.command("fetch")
@click.option(
    "--pose-model",
    "pose_models",
    type=click.Choice([*POSE_MODELS, "all"]),
    default="full",
    show_default=True,
    help="Which pose model; face and person mask come with it.",
)
@click.option(
    "--into",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the files; this user's cache unless told otherwise.",
)
@click.option(
    "--faces", is_flag=True, help="Also the two models that --reference compares faces with."
)
def fetch_command(*, pose_models: str, folder: Path | None, faces: bool) -> None:
    """Fetch what a run needs, so that it needs no network later.

    Every file is checked against its SHA-256, wherever it came from.
    """
    poses = POSE_MODELS if pose_models == "all" else (pose_models,)
    missing = []
    wanted = {name: MODELS[name] for name in (*poses, *_OTHERS)} | (_FACES if faces else {})
    for name, model in wanted.items():
        try:
            path = None if folder else find(model)
            path = path or fetch(model, folder or cache_folder(), report=say)
        except ModelUnavailableError as error:
            missing.append(str(error))
            continue
        say(f"{name:<10} {path}")
    if missing:
        with fail_clearly():
            raise CommandError("\n".join(missing))


@models.command("where")
def where_command() -> None:
    """Show where each model lies, or where it would come from."""
    for name, model in (MODELS | _FACES).items():
        with fail_clearly():
            path = find(model)
        say(f"{name:<10} {path or f'not here: {model.url}'}")
