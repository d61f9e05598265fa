"""Reading reference photos: one face of each, and that they are of one person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from avatarrig.body.recognition import NOT_TAKEN, TAKEN
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
from avatarrig.wire.counted import counted

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

LEAST_WIDTH: Final = 40.0
"""A reference's face needs at least so many pixels."""

_LONG_SIDE: Final = 1920
_FULL_SIDE: Final = 8000
"""Of a photo on whose reduced picture no face is large enough, so much is looked at."""

_BYSTANDER: Final = 0.35
"""A face narrower than this share of the largest one is not who a picture was taken of."""

_SURE: Final = 0.9
_SURER: Final = 0.05
"""A face that is found with less than the first may lie on its side or upside down, where no EXIF
says so: its points would be anywhere. It is turned where it is found with more then, by the second
at least: of faces that lie as they shall, none was surer the other way."""

_REACH: Final = 1.5
"""A place is on a face no farther than this from its middle, in its widths and heights."""


class _Picture(NamedTuple):
    """A reference as it is looked at. `turned`: By how many quarters, against the clock."""

    rgb: Pixels
    faces: tuple[Face, ...]
    turned: int = 0


def enrol(
    photos: Sequence[Path], places: Sequence[Point], finder: Path, embedder: Path
) -> tuple[bytes, tuple[str, ...]]:
    """Makes a template of reference photos.

    Args:
        places: Which face is meant: one for each photo, or one for each that shows several, in
            their order.

    Returns:
        The template's bytes, and what is to be looked at all the same.

    Raises:
        ReferenceRefusedError: A photo does not show whom to look for.
    """
    recogniser = Recogniser(FaceModelFiles(finder, embedder))
    for_each = len(places) == len(photos)
    left = list(places)
    embeddings = []
    for photo in photos:
        picture = _look(recogniser, photo)
        known = _known(photo, picture.faces)
        place = left.pop(0) if left and (for_each or len(known) > 1) else None
        face = _chosen(photo, picture, known, place)
        _check_size(photo, face)
        embeddings.append(recogniser.embed(face, picture.rgb))
    if left:
        raise ReferenceRefusedError(
            f"{len(places)} places are given with --reference-at, but "
            f"{counted(len(places) - len(left), 'reference')} with several faces: give one for "
            "each such reference, or one for each of all"
        )
    return Template.mean(embeddings).data, tuple(_disagreements(photos, embeddings))


def _look(recogniser: Recogniser, photo: Path) -> _Picture:
    """Finds faces, in a photo that lies on its side and in a large one as well."""
    rgb = _decode(photo, _LONG_SIDE)
    picture = _Picture(rgb, recogniser.faces(rgb))
    if _score(picture) < _SURE:
        for quarters in (1, 2, 3):
            turned = np.ascontiguousarray(np.rot90(rgb, quarters))
            other = _Picture(turned, recogniser.faces(turned), quarters)
            if _score(other) >= max(_SURE, _score(picture) + _SURER):
                picture = other
    if max(rgb.shape) < _LONG_SIDE or _widest(picture.faces) >= LEAST_WIDTH:
        return picture
    full = np.ascontiguousarray(np.rot90(_decode(photo, _FULL_SIDE), picture.turned))
    closer = _Picture(full, recogniser.faces(full, long_side=_LONG_SIDE), picture.turned)
    return closer if closer.faces else picture


def _decode(photo: Path, long_side: int) -> Pixels:
    try:
        return decode_photo(read_file(photo), long_side=long_side).rgb
    except PhotoRefusedError as error:
        raise ReferenceRefusedError(f"reference {photo}: {error.message}") from error
    except OSError as error:
        raise ReferenceRefusedError(f"reference {photo}: {error.strerror}") from error


def _score(picture: _Picture) -> float:
    return max((face.score for face in picture.faces), default=0.0)


def _widest(faces: Sequence[Face]) -> float:
    return max((face.width for face in faces), default=0.0)


def _known(photo: Path, faces: Sequence[Face]) -> list[Face]:
    """The faces of whom a picture was taken."""
    if not faces:
        raise ReferenceRefusedError(
            f"reference {photo}: no face is to be seen in it, or too small a one. Choose a photo "
            "that shows the face from the front."
        )
    return [face for face in faces if face.width >= _BYSTANDER * _widest(faces)]


def _chosen(photo: Path, picture: _Picture, known: Sequence[Face], place: Point | None) -> Face:
    if place is None and len(known) == 1:
        return known[0]
    height, width = picture.rgb.shape[:2]
    middles = {
        _as_given((face.centre[0] / width, face.centre[1] / height), picture.turned): face
        for face in known
    }
    ordered = tuple(sorted(middles))
    words = " or ".join(f"{across:.2f},{down:.2f}" for across, down in ordered)
    if place is None:
        raise SeveralFacesError(
            f"reference {photo}: it shows {len(known)} faces. Say which one is meant with "
            f"--reference-at and its place, from left to right {words}",
            ordered,
        )
    across, down = _as_turned(place, picture.turned)
    near = [
        (float(np.hypot(*apart)), face)
        for face in known
        if (apart := _apart(face, across * width, down * height)) and max(apart) <= _REACH
    ]
    if not near:
        raise SeveralFacesError(
            f"reference {photo}: there is no face at {place[0]:.2f},{place[1]:.2f}, as "
            f"--reference-at has it. Faces are at {words}",
            ordered,
        )
    return min(near, key=lambda pair: pair[0])[1]


def _apart(face: Face, across: float, down: float) -> tuple[float, float]:
    return (
        abs(face.centre[0] - across) / max(face.width, 1.0),
        abs(face.centre[1] - down) / max(face.height, 1.0),
    )


def _as_turned(place: Point, quarters: int) -> Point:
    """A place of the picture as it was given, in one that was turned against the clock."""
    for _ in range(quarters):
        place = (place[1], 1 - place[0])
    return place


def _as_given(place: Point, quarters: int) -> Point:
    return _as_turned(place, -quarters % 4)


def _check_size(photo: Path, face: Face) -> None:
    if face.width < LEAST_WIDTH:
        raise ReferenceRefusedError(
            f"reference {photo}: the face is {face.width:.0f} pixels wide, {LEAST_WIDTH:.0f} are "
            "needed. Choose a photo that shows it larger."
        )


def _disagreements(photos: Sequence[Path], embeddings: Sequence[Floats]) -> list[str]:
    """Refuses references of several people; names those that may be, or one person in two ages."""
    remarks = []
    for index, embedding in enumerate(embeddings):
        others = [*embeddings[:index], *embeddings[index + 1 :]]
        likeness = Template.mean(others).likeness(embedding) if others else 1.0
        those = "that of the other reference" if len(others) == 1 else "those of the others"
        if likeness < NOT_TAKEN:
            raise ReferenceRefusedError(
                f"reference {photos[index]}: this face does not look like {those}. Leave out the "
                "one that shows somebody else."
            )
        if likeness < TAKEN and (index > 0 or len(others) > 1):  # of two it is said once
            remarks.append(
                f"reference {photos[index]}: this face looks little like {those} (likeness "
                f"{likeness:.2f}, of one person mostly {TAKEN} or more). If it is somebody "
                "else's, leave it out: photos of both would count."
            )
    return remarks
