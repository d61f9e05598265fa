"""Whether clips are looked into."""

from __future__ import annotations

import importlib.util

import click


def _with_opencv(_: click.Context, __: click.Parameter, wanted: bool) -> bool:  # noqa: FBT001 - click's
    if wanted and importlib.util.find_spec("cv2") is None:
        raise click.UsageError(
            "--videos needs OpenCV, which this image does without: ingest with the full one"
        )
    return wanted


videos_option = click.option(
    "--videos",
    "clips",
    is_flag=True,
    callback=_with_opencv,
    help="Take frames of clips, too: the sharpest that show something new, at most 40 of each.",
)
