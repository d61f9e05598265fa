"""Taking the face that somebody points at on the page for a reference."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from avatarrig.detectors.faces.references import template_of
from avatarrig.detectors.faces.refused import ReferenceRefusedError, SeveralFacesError
from avatarrig.detectors.fetching.models import ModelUnavailableError
from avatarrig.errors import AvatarRigError
from avatarrig.files import read_file
from avatarrig.photos.sizes import LARGEST_FILE
from avatarrig.wire.identity import is_photo

if TYPE_CHECKING:
    from avatarrig.detectors.faces.refused import Point

_SAID: Final = "reference "
_NO_TEXT: Final = re.compile(r"\\x[89a-f][0-9a-f]")
"""How a path is written whose bytes are no text."""


class NoFaceError(AvatarRigError, ValueError):
    """A photo cannot be a reference; says why."""


class Pointing:
    """Reads the faces of photos in the watched folder.

    Args:
        folder: The folder; None where none is watched, or it is a store.
        models: Folder to look for model files in first.
    """

    def __init__(self, folder: Path | None, models: Path | None = None) -> None:
        self._folder = folder
        self._models = models

    def face(self, path: str, photo: str, place: Point | None) -> bytes:
        """Reads one face, in a process of its own; nothing of it is kept here.

        Args:
            path: Of the photo, within the folder.
            photo: Its image_id.
            place: Where the face is; None where one face alone is to be seen.

        Returns:
            The face as a template.

        Raises:
            SeveralFacesError: Somebody has to say which one.
            NoFaceError: It shows no face that could be compared, or is not there any more.
        """
        file = self._file(path, photo)
        try:
            return template_of([file], [] if place is None else [place], self._models)
        except SeveralFacesError:
            raise
        except (ReferenceRefusedError, ModelUnavailableError) as error:
            raise NoFaceError(str(error).removeprefix(f"{_SAID}{file}: ")) from error

    def _file(self, path: str, photo: str) -> Path:
        if self._folder is None:
            raise NoFaceError("this page reaches no folder of photos: give --reference instead")
        within = PurePosixPath(path)
        if within.is_absolute() or ".." in within.parts:
            raise NoFaceError("the photo does not lie in the watched folder")
        file = self._folder / within
        try:
            if file.stat().st_size > LARGEST_FILE:
                raise NoFaceError("the file is too large")
            same = is_photo(photo, path, hashlib.sha256(read_file(file)).hexdigest())
        except (OSError, ValueError) as error:
            if _NO_TEXT.search(path) and not file.exists():
                raise NoFaceError(
                    "the file's name is not UTF-8, so the page cannot find it: rename the file"
                ) from error
            raise NoFaceError("the photo cannot be read any more") from error
        if not same:
            raise NoFaceError("another picture lies there by now, or it is a frame of a video")
        return file.resolve()
