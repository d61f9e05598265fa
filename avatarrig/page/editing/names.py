"""What a photo is called that somebody sends: a path within the folder, whatever was said."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath
from typing import Final

from avatarrig.errors import AvatarRigError
from avatarrig.photos.passed_over import Passed, is_photo_name, junk_among, kind_of_file
from avatarrig.wire.identity import subject_name

_DEEPEST: Final = 8
_LONGEST_NAME: Final = 120
"""Bytes of a folder's or file's name; file systems take 255, and numbers are added."""

_FORBIDDEN: Final = re.compile(r'[<>:"|?*/\\]')
"""What a name must not hold, or some file systems do not take."""

_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_ON_THE_WAY: Final = re.compile(r"\.(tmp|temp|part|partial|crdownload|download|filepart)(?=\.)")
"""Endings of unfinished copies before a photo's own; a photo of such a name is waited for."""

_KINDS: Final = {
    Passed.VIDEO: "a video: only photos are taken",
    Passed.SIDECAR: "it says something of a photo and is none",
    Passed.HIDDEN: "a hidden file",
    Passed.SYSTEM: "a file of the system",
}


class UploadRefusedError(AvatarRigError, ValueError):
    """What somebody sends is not taken; the message says why."""

    def __init__(self, message: str, status: int = 415) -> None:
        super().__init__(message)
        self.status = status


def photo_path(said: str, *, person: str = "", people: bool = False) -> PurePosixPath:
    """Gives a photo its place within the watched folder.

    Args:
        said: What it is called where it comes from: a name, or a path within a folder.
        person: Whose photos it belongs to, where each folder is somebody else's.
        people: Whether each first-level folder holds the photos of somebody else.

    Returns:
        A path of harmless names, without ``..``.

    Raises:
        UploadRefusedError: It is no photo by its name, or it is not known whose it is.
    """
    parts = [part for part in said.replace("\\", "/").split("/") if part not in {"", ".", ".."}]
    if not parts:
        raise UploadRefusedError("it has no name", 400)
    *folders, name = parts
    if not is_photo_name(name):
        raise UploadRefusedError(_KINDS.get(kind_of_file(name), "no photo, by its name"))
    if junk_among(folders) is not None:
        raise UploadRefusedError("it lies in a hidden folder, or in one of the system")
    if people:
        folders = _of_person(folders, person)
    if len(folders) > _DEEPEST:
        raise UploadRefusedError(f"it lies more than {_DEEPEST} folders deep", 400)
    path = PurePosixPath(*(_clean(folder) for folder in folders), _clean(name, is_file=True))
    if not is_photo_name(path.name) or junk_among(path.parts[:-1]) is not None:
        raise UploadRefusedError("it has no usable name", 400)
    return path


def _of_person(folders: list[str], person: str) -> list[str]:
    if person and (not folders or subject_name(folders[0]) != person):
        return [person, *folders]
    if not folders:
        raise UploadRefusedError(
            "whose photo is it? Say the person's name, or send a folder that is called so",
            409,
        )
    return folders


def _clean(name: str, *, is_file: bool = False) -> str:
    """A name that every file system takes."""
    kept = "".join(
        "_" if unicodedata.category(character)[0] == "C" else character
        for character in unicodedata.normalize("NFC", name)
    )
    kept = _FORBIDDEN.sub("_", kept).strip().strip(".").strip()
    kept = _ON_THE_WAY.sub("_", kept)
    if _RESERVED.match(kept):
        kept = f"_{kept}"
    stem, dot, suffix = kept.rpartition(".") if is_file else (kept, "", "")
    return f"{_cut(stem) or 'photo'}{dot}{suffix}" if is_file else _cut(kept) or "folder"


def _cut(text: str) -> str:
    """At most so many bytes, no character halved."""
    return text.encode()[:_LONGEST_NAME].decode("utf-8", "ignore").strip()
