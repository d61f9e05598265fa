"""Small pictures of photos with what was seen in them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageOps

from avatarrig.files import read_file
from avatarrig.photos.damage import unless_damaged
from avatarrig.photos.decode import decode_photo
from avatarrig.photos.refused import PhotoRefusedError
from avatarrig.photos.sizes import LARGEST_FILE
from avatarrig.pictures import style
from avatarrig.pictures.overlay import draw_overlay
from avatarrig.pictures.style import Pixels
from avatarrig.wire.reasons import RejectReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avatarrig.runs import RunDirectory
    from avatarrig.wire import Observation

SIZE: Final = (360, 300)
"""Largest width and height of a thumbnail in pixels."""

HARMLESS: Final = frozenset(
    {RejectReason.TOO_LARGE, RejectReason.DETECTOR_FAILED, RejectReason.NEAR_COPY}
)
"""Reasons for which photos are rejected that say nothing against opening them."""

_QUALITY: Final = 72
_COLUMNS: Final = 6
_GAP: Final = 12
_CAPTION: Final = 18


class Thumbnails:
    """Draws thumbnails of a run's photos.

    A photo's overlay is taken from the run where a whole one is there, and drawn on the photo
    itself otherwise.

    Args:
        dataset: Folder of the photos; None where it is not known.
    """

    def __init__(self, run: RunDirectory, dataset: Path | None) -> None:
        self._run = run
        self._dataset = None if dataset is None else dataset.resolve()

    def of(self, seen: Observation) -> Image.Image | None:
        """Draws one photo, at most `SIZE`; None where neither overlay nor photo is there."""
        overlay = self._run.overlay(seen.image_id)
        if (drawn := unless_damaged(lambda: _reduced(Image.open(overlay)), None)) is not None:
            return drawn
        rgb = self._decoded(seen.path)
        if rgb is None:
            return None
        pose = None if seen.pose is None else seen.pose.unpack()
        return _reduced(Image.open(io.BytesIO(draw_overlay(rgb, pose))))

    def of_rejected(self, path: str, reason: str) -> Image.Image | None:
        """Draws a photo that was rejected; None where it cannot be opened, or must not be.

        What crashed or held up the detector is not opened: it would do the same here.
        """
        rgb = self._decoded(path) if reason in HARMLESS else None
        return None if rgb is None else _reduced(Image.fromarray(rgb))

    def _decoded(self, path: str) -> Pixels | None:
        photo = self._photo(path)
        try:
            if photo is None or photo.stat().st_size > LARGEST_FILE:
                return None
            return decode_photo(read_file(photo)).rgb
        except (OSError, PhotoRefusedError):
            return None

    def _photo(self, path: str) -> Path | None:
        """Finds a photo of the dataset; a path that leads out of it is none."""
        if self._dataset is None:
            return None
        photo = (self._dataset / path).resolve()
        return photo if photo.is_relative_to(self._dataset) and photo.is_file() else None


def to_webp(picture: Image.Image) -> bytes:
    """Encodes a thumbnail; 5 to 15 KB."""
    data = io.BytesIO()
    picture.save(data, "WEBP", quality=_QUALITY, method=4)
    return data.getvalue()


def draw_sheet(pictures: Sequence[tuple[Image.Image, str]]) -> bytes:
    """Draws pictures in rows of six, each with a line of words below.

    Args:
        pictures: At least one picture with its words.
    """
    columns = min(_COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    cell = (SIZE[0] + _GAP, SIZE[1] + _CAPTION + 2 * _GAP)
    sheet = Image.new("RGB", (columns * cell[0] + _GAP, rows * cell[1] + _GAP), tuple(style.PAPER))
    pen = ImageDraw.Draw(sheet)
    for index, (picture, words) in enumerate(pictures):
        left = _GAP + index % columns * cell[0]
        top = _GAP + index // columns * cell[1]
        sheet.paste(picture, (left + (SIZE[0] - picture.width) // 2, top))
        place = (left + SIZE[0] / 2, top + SIZE[1] + _GAP / 2)
        pen.text(place, words, fill=tuple(style.INK), font=style.font(_CAPTION), anchor="ma")
    data = io.BytesIO()
    sheet.save(data, "PNG", optimize=True)
    return data.getvalue()


def _reduced(picture: Image.Image) -> Image.Image:
    with picture:
        return ImageOps.contain(picture.convert("RGB"), SIZE, Image.Resampling.LANCZOS)
