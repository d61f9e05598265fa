"""Reading reference photos: one face of each, and that they are of one person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from avatarrig.body.recognition import NOT_TAKEN
from avatarrig.detectors.faces.finding import Face
from avatarrig.detectors.faces.models import FaceModelFiles
from avatarrig.detectors.faces.recogniser import Recogniser
from avatarrig.detectors.faces.refused import (
    Point,
    ReferenceRefusedError,
    SeveralFacesError,
)
from avatarrig.detectors.faces.template import Template
from avatarrig.files import read_file
from avatarrig.photos.decode import decode_photo
from avatarrig.photos.refused import PhotoRefusedError

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

LEAST_WIDTH: Final = 40.0
"""A reference's face needs at least so many pixels."""

_LONG_SIDE: Final = 1920
_BYSTANDER: Final = 0.35
"""A face narrower than this share of the largest one is not who a picture was taken of."""


def enrol(photos: Sequence[Path], places: list[Point], finder: Path, embedder: Path) -> bytes:
    """Makes a template of reference photos.

    Args:
        places: Which face is meant in those that show several, in their order.

    Returns:
        The template's bytes.

    Raises:
        ReferenceRefusedError: A photo does not show whom to look for.
    """
    recogniser = Recogniser(FaceModelFiles(finder, embedder))
    left = list(places)
    embeddings = []
    for photo in photos:
        rgb = _decode(photo)
        face = _face(recogniser, photo, rgb, left)
        embeddings.append(recogniser.embed(face, rgb))
    if left:
        raise ReferenceRefusedError(
            f"--reference-at is given {len(places)} times, but only {len(places) - len(left)} of "
            "the references show several faces"
        )
    _check_that_they_agree(photos, embeddings)
    return Template.mean(embeddings).data


def _decode(photo: Path) -> Pixels:
    try:
        return decode_photo(read_file(photo), long_side=_LONG_SIDE).rgb
    except PhotoRefusedError as error:
        raise ReferenceRefusedError(f"reference {photo}: {error.message}") from error
    except OSError as error:
        raise ReferenceRefusedError(f"reference {photo}: {error.strerror}") from error


def _face(recogniser: Recogniser, photo: Path, rgb: Pixels, places: list[Point]) -> Face:
    faces = recogniser.faces(rgb)
    largest = max((face.width for face in faces), default=0.0)
    if largest == 0:
        raise ReferenceRefusedError(
            f"reference {photo}: no face is to be seen in it. Choose a photo that shows the face "
            "from the front."
        )
    height, width = rgb.shape[:2]
    known = [face for face in faces if face.width >= _BYSTANDER * largest]
    if len(known) == 1:
        face = known[0]
    elif places:
        face = _nearest(known, places.pop(0), width, height)
    else:
        middles = tuple(
            (face.centre[0] / width, face.centre[1] / height)
            for face in sorted(known, key=lambda face: face.centre[0])
        )
        words = " or ".join(f"{across:.2f},{down:.2f}" for across, down in middles)
        raise SeveralFacesError(
            f"reference {photo}: it shows {len(known)} faces. Say which one is meant with "
            f"--reference-at and its place, from left to right {words}",
            middles,
        )
    if face.width < LEAST_WIDTH:
        raise ReferenceRefusedError(
            f"reference {photo}: the face is {face.width:.0f} pixels wide, {LEAST_WIDTH:.0f} are "
            "needed. Choose a photo that shows it larger."
        )
    return face


def _nearest(faces: Sequence[Face], place: Point, width: int, height: int) -> Face:
    across, down = place[0] * width, place[1] * height
    return min(
        faces, key=lambda face: float(np.hypot(face.centre[0] - across, face.centre[1] - down))
    )


def _check_that_they_agree(photos: Sequence[Path], embeddings: Sequence[Floats]) -> None:
    for index, embedding in enumerate(embeddings):
        others = [*embeddings[:index], *embeddings[index + 1 :]]
        if others and Template.mean(others).likeness(embedding) < NOT_TAKEN:
            raise ReferenceRefusedError(
                f"reference {photos[index]}: this face does not look like "
                + ("that of the other reference" if len(others) == 1 else "those of the others")
                + ". Leave out the one that shows somebody else."
            )
