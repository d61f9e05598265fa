"""From reference photos to the template of a person, in a process of its own.

``python -m avatarrig.detectors.faces.references`` reads a `Wanted` from standard input and writes
the template or what is wrong to standard output: a photo that takes the native decoder over is
alone with the other references.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from avatarrig.detectors.faces.models import locate_face_models
from avatarrig.detectors.faces.refused import (
    Point,
    ReferenceRefusedError,
    SeveralFacesError,
)
from avatarrig.photos.formats import PHOTO_SUFFIXES
from avatarrig.process.isolated import run_module
from avatarrig.wire.packing import UNREADABLE

MOST: Final = 50
"""More references than this say nothing new."""

_SECONDS: Final = 300
_MODULE: Final = "avatarrig.detectors.faces.references"


class Wanted(msgspec.Struct, frozen=True):
    """What the other process is asked for.

    Attributes:
        photos: Absolute paths.
        places: Which face is meant in those that show several, in their order.
    """

    photos: tuple[str, ...]
    places: tuple[Point, ...]
    finder: str
    embedder: str


class Given(msgspec.Struct, frozen=True):
    """What the other process answers.

    Attributes:
        template: Of the person; empty where something is wrong.
        places: Where several faces are, and one of them has to be chosen.
        remarks: What is to be looked at, though nothing is wrong.
    """

    template: bytes = b""
    wrong: str = ""
    places: tuple[Point, ...] = ()
    remarks: tuple[str, ...] = ()


def template_of(
    references: Sequence[Path],
    places: Sequence[Point] = (),
    models: Path | None = None,
    *,
    report: Callable[[str], None] = lambda _: None,
) -> bytes:
    """Makes the template of the person whom reference photos show.

    Args:
        references: Photos, and folders whose photos are taken.
        places: Which face is meant: one for each photo, or for each that shows several faces, in
            their order.
        models: Folder to look for model files in first.
        report: Hears of what takes time, and of references that are to be looked at.

    Returns:
        The template, packed as `avatarrig.detectors.faces.template.Template` has it.

    Raises:
        SeveralFacesError: A photo shows several people, and nobody said who is meant.
        ReferenceRefusedError: A photo does not show whom to look for.
        ModelUnavailableError: A model file is nowhere to be had.
    """
    photos = tuple(str(photo.resolve()) for photo in _photos(references))
    files = locate_face_models(models, report=report)
    wanted = Wanted(photos, tuple(places), str(files.finder), str(files.embedder))
    try:
        done = run_module(_MODULE, given=msgspec.msgpack.encode(wanted), seconds=_SECONDS)
        given = msgspec.msgpack.decode(done.stdout, type=Given)
    except subprocess.TimeoutExpired as error:
        raise ReferenceRefusedError(
            f"the references could not be read within {_SECONDS} s: give fewer, or smaller ones"
        ) from error
    except UNREADABLE as error:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ReferenceRefusedError(
            "the references could not be read: "
            + (said[-1] if said else f"the program ended with status {done.returncode}")
            + ". Save them anew in a photo program."
        ) from error
    if given.places:
        raise SeveralFacesError(given.wrong, given.places)
    if given.wrong:
        raise ReferenceRefusedError(given.wrong)
    for remark in given.remarks:
        report(remark)
    return given.template


def _photos(references: Sequence[Path]) -> list[Path]:
    photos: list[Path] = []
    for reference in references:
        if reference.is_dir():
            inside = sorted(
                path
                for path in reference.iterdir()
                if path.suffix.lower() in PHOTO_SUFFIXES and not path.name.startswith(".")
            )
            if not inside:
                raise ReferenceRefusedError(
                    f"reference {reference}: there are no photos in it (folders in it are not "
                    "looked into)"
                )
            photos += islice(inside, MOST)
        elif reference.is_file():
            photos.append(reference)
        else:
            raise ReferenceRefusedError(f"reference {reference}: there is no such file or folder")
    if len(photos) > MOST:
        raise ReferenceRefusedError(f"{len(photos)} references are given; {MOST} are enough")
    return photos


def main() -> None:
    """Answers one request."""
    wanted = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Wanted)
    from avatarrig.detectors.faces.enrolling import enrol  # noqa: PLC0415 - loads OpenCV

    try:
        photos = [Path(photo) for photo in wanted.photos]
        files = (Path(wanted.finder), Path(wanted.embedder))
        template, remarks = enrol(photos, wanted.places, *files)
        given = Given(template, remarks=remarks)
    except SeveralFacesError as error:
        given = Given(wrong=str(error), places=error.places)
    except ReferenceRefusedError as error:
        given = Given(wrong=str(error))
    sys.stdout.buffer.write(msgspec.msgpack.encode(given))


if __name__ == "__main__":
    # Not the module that `python -m` loaded: its error is another class than everybody else's.
    from avatarrig.detectors.faces.references import main as answer

    answer()
