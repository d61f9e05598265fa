"""What the files say about who is in a photo: in the photo itself, or in a file beside it."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from avatarrig.files import opened, read_file
from avatarrig.photos.named_people.picasa import people_in_picasa
from avatarrig.photos.named_people.written import NamedFace, people_in_photo, people_in_takeout

HEAD_BYTES: Final = 8 << 20
"""As much of a photo is searched for names."""

_LARGEST_SIDECAR: Final = 1 << 20
_LARGEST_OF_FOLDER: Final = 16 << 20
_PICASA: Final = (".picasa.ini", "Picasa.ini", "picasa.ini")
_CONTACTS: Final = "contacts.xml"

_LONGEST_STEM: Final = 51
_SHORTEST_STEM: Final = 40
"""Google cuts the names of its files off, the photo's and the extension's together, mostly at 46;
of shorter names than this nothing was cut."""

_NUMBERED: Final = re.compile(r"(?P<stem>.+)(?P<number>\(\d{1,4}\))$")
_EDITED: Final = tuple(
    f"-{word}"
    for word in (
        *("edited", "bearbeitet", "bewerkt", "modifié", "editado", "editada", "modificato"),
        *("modificata", "edytowane", "redigeret", "redigerad", "redigert", "muokattu"),
        *("upraveno", "編集済み", "已修改", "已編輯", "수정됨"),
    )
)
"""What Google's export writes behind the name of a photo that was edited, in its languages."""


def people_named(photo: Path) -> tuple[NamedFace, ...]:
    """Reads whom a photo's files name.

    Args:
        photo: Where the photo lies.

    Returns:
        Everybody once; with their places where the photo itself, or XMP beside it, says so.
    """
    try:
        with opened(photo) as (stream, _):
            head = stream.read(HEAD_BYTES)
    except OSError:  # whoever reads the photo says what is wrong with it
        return ()
    beside = _first_of(_xmp_beside(photo))
    return people_in_photo(head, beside) or _of_picasa(photo, head) or _of_google(photo)


def _of_picasa(photo: Path, head: bytes) -> tuple[NamedFace, ...]:
    for name in _PICASA:
        if notes := _read(photo.with_name(name), _LARGEST_OF_FOLDER):
            return people_in_picasa(notes, photo.name, head, lambda: _contacts(photo))
    return ()


def _contacts(photo: Path) -> bytes:
    """Reads Picasa's list of people from the photo's folder or the nearest one above."""
    files = (folder / _CONTACTS for folder in photo.absolute().parents)
    return next((data for file in files if (data := _read(file, _LARGEST_OF_FOLDER))), b"")


def _of_google(photo: Path) -> tuple[NamedFace, ...]:
    for sidecar in _json_beside(photo):
        if named := people_in_takeout(_read(sidecar)):
            return named
    return ()


def _first_of(sidecars: Iterator[Path]) -> bytes:
    return next((data for sidecar in sidecars if (data := _read(sidecar))), b"")


def _read(sidecar: Path, largest: int = _LARGEST_SIDECAR) -> bytes:
    with contextlib.suppress(OSError, ValueError):
        return read_file(sidecar, largest)
    return b""


def _xmp_beside(photo: Path) -> Iterator[Path]:
    """What digiKam and darktable write, and what Lightroom and Apple Photos do."""
    for stem in (photo.name, photo.stem):
        yield photo.with_name(f"{stem}.xmp")
        yield photo.with_name(f"{stem}.XMP")


def _json_beside(photo: Path) -> Iterator[Path]:
    """The JSON files that may be a photo's, the surest first; no folder is listed for it."""
    for title, number in _titles(photo):
        whole = f"{title}.supplemental-metadata"
        longest = min(_LONGEST_STEM, len(whole) - 1)
        cut = (whole[:length] for length in range(longest, _SHORTEST_STEM - 1, -1))
        for stem in dict.fromkeys((title, whole, *cut)):
            yield photo.with_name(f"{stem}{number}.json")
    yield photo.with_name(f"{photo.stem}.json")


def _titles(photo: Path) -> Iterator[tuple[str, str]]:
    """Which photo Google's file may name, and the number that tells it from others of that name.

    The number of ``a(1).jpg`` stands behind the whole name there: ``a.jpg(1).json``. What was
    edited has no file of its own.
    """
    yield photo.name, ""
    numbered = _NUMBERED.fullmatch(photo.stem)
    stem = photo.stem if numbered is None else numbered["stem"]
    number = "" if numbered is None else numbered["number"]
    if number:
        yield f"{stem}{photo.suffix}", number
    composed = unicodedata.normalize("NFC", stem)
    for word in _EDITED:
        if composed.lower().endswith(word):
            yield f"{composed[: -len(word)]}{photo.suffix}", number
