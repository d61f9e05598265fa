"""Which pictures are detected, where many show the same: frames of clips, bursts."""

from __future__ import annotations

import importlib.util
from typing import TypeVar

import click

WantedT = TypeVar("WantedT")


def _with_opencv(_: click.Context, option: click.Parameter, wanted: WantedT) -> WantedT:
    if wanted and importlib.util.find_spec("cv2") is None:
        raise click.UsageError(
            f"{option.opts[0]} needs OpenCV, which this image does without: ingest with the full "
            "one"
        )
    return wanted


videos_option = click.option(
    "--videos",
    "clips",
    is_flag=True,
    callback=_with_opencv,
    help="Take frames of clips, too: the sharpest that show something new, at most 40 of each.",
)

sharpest_option = click.option(
    "--sharpest-of-moment",
    metavar="N",
    type=click.IntRange(1),
    callback=_with_opencv,
    help="Of photos that follow each other and are nearly the same, such as bursts, detect the N "
    "sharpest alone; 3 tell what all tell.",
    show_default="all",
)
