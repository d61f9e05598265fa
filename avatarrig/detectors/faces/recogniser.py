"""Faces of a photo beside a template: where each is, and how alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatarrig.body.recognition import TINY, Compared
from avatarrig.detectors.faces.align import align
from avatarrig.detectors.faces.embedding import FaceEmbedder
from avatarrig.detectors.faces.finding import Face, FaceFinder
from avatarrig.detectors.faces.models import FaceModelFiles
from avatarrig.detectors.faces.template import Template

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Head = tuple[float, float, float, float]
"""Left, top, right and bottom of a place where a head is, in shares of the photo."""

WHOLE_SIDE: Final = 640
"""Long side at which a whole photo is searched."""

HEAD_SIDE: Final = 320
"""Long side at which a crop around a head is searched."""

FILLED_SIDE: Final = 160
"""Long side at which a photo without a face is searched again: one that fills it was too large for
the finder."""

SHARP: Final = 80.0
"""A face is embedded from the full picture where the working picture has fewer pixels of it."""

_SAME_FACE: Final = 0.6
"""Two faces whose middles are closer than this, in widths of the larger, are one."""

_REACH: Final = 1.5
"""How far around a face its crop reaches, in its widths: at `HEAD_SIDE` a face of 107 pixels, on
which the finder places points well. With points from the whole photo, one reference took 65 of 83
faces in groups, with those from the crop 72, of strangers fewer."""


class Recogniser:
    """The two models, opened once, for one photo at a time."""

    def __init__(self, models: FaceModelFiles) -> None:
        self._finder = FaceFinder(models.finder)
        self._embedder = FaceEmbedder(models.embedder)

    def faces(
        self,
        rgb: Pixels,
        heads: Iterable[Head] = (),
        full: Callable[[], Pixels] | None = None,
        *,
        long_side: int = WHOLE_SIDE,
    ) -> tuple[Face, ...]:
        """Finds the faces of a photo.

        Args:
            rgb: The working picture, uint8.
            heads: Where poses have their heads. Where no face was found there, a crop of the
                full picture is searched.
            full: Gives the picture as it lies there, where that shows more.
            long_side: At which the whole picture is searched.

        Returns:
            Each face once, in pixels of the working picture.
        """
        found = list(self._finder.find(rgb, long_side))
        if not found:
            found = list(self._finder.find(rgb, FILLED_SIDE))
        height, width = rgb.shape[:2]
        for left, top, right, bottom in heads:
            place = (left * width, top * height, right * width, bottom * height)
            if not any(_lies_in(face, place) for face in found):
                found += self._look_closer(rgb, full() if full else rgb, place)
        return _each_once(found)

    def compare(
        self,
        faces: Iterable[Face],
        template: Template,
        rgb: Pixels,
        full: Callable[[], Pixels],
        scale: float,
    ) -> tuple[Compared, ...]:
        """Compares faces with the one that is looked for.

        Args:
            faces: In pixels of the working picture.
            scale: How many of its pixels one of the working picture's is.
        """
        compared = []
        for face in faces:
            width = face.width * scale
            likeness = -1.0
            if width >= TINY:
                likeness = template.likeness(self.embed(face, rgb, full, scale))
            compared.append(Compared(likeness, width))
        return tuple(compared)

    def embed(
        self,
        face: Face,
        rgb: Pixels,
        full: Callable[[], Pixels] | None = None,
        scale: float = 1.0,
    ) -> Floats:
        """Turns one face into numbers, from the full picture where it is small.

        Args:
            face: In pixels of the working picture.
            full: Gives the picture as it lies there, where that shows more.
            scale: How many of its pixels one of the working picture's is.
        """
        picture, there = rgb, face
        if face.width < SHARP and scale > 1 and full is not None:
            picture, there = full(), face.moved(scale, 0.0, 0.0)
        return self._embedder.embed(align(picture, self._again(picture, there).points))

    def _again(self, picture: Pixels, face: Face) -> Face:
        """Places the five points anew in a crop: of few pixels, and of many, they are coarse."""
        (across, down), reach = face.centre, _REACH * face.width
        place = (across - reach, down - reach, across + reach, down + reach)
        there = [again for again in self._crop(picture, place) if _are_one(again, face)]
        return there[0] if there else face

    def _look_closer(self, rgb: Pixels, full: Pixels, place: Head) -> list[Face]:
        scale = full.shape[1] / rgb.shape[1]
        left, top, right, bottom = (edge * scale for edge in place)
        return [
            face.moved(1 / scale, 0.0, 0.0) for face in self._crop(full, (left, top, right, bottom))
        ]

    def _crop(self, picture: Pixels, place: Head) -> list[Face]:
        height, width = picture.shape[:2]
        left, top = (max(int(edge), 0) for edge in place[:2])
        right, bottom = min(int(place[2]) + 1, width), min(int(place[3]) + 1, height)
        if min(right - left, bottom - top) < TINY / 2:
            return []
        crop = np.ascontiguousarray(picture[top:bottom, left:right])
        return [face.moved(1.0, left, top) for face in self._finder.find(crop, HEAD_SIDE)]


def _lies_in(face: Face, place: Head) -> bool:
    across, down = face.centre
    return place[0] <= across <= place[2] and place[1] <= down <= place[3]


def _are_one(first: Face, second: Face) -> bool:
    across = first.centre[0] - second.centre[0]
    down = first.centre[1] - second.centre[1]
    return float(np.hypot(across, down)) < _SAME_FACE * max(first.width, second.width)


def _each_once(found: list[Face]) -> tuple[Face, ...]:
    kept: list[Face] = []
    for face in found:
        if not any(_are_one(face, known) for known in kept):
            kept.append(face)
    return tuple(kept)
