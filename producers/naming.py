"""What the files say about who is in a photo: in the photo itself, or in a file beside it."""

from __future__ import annotations

import contextlib
import math
import os
import re
import time
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from avatarrig.files import opened, read_file
from avatarrig.photos.clips.address import is_clip_name
from avatarrig.photos.named_people.picasa import people_in_picasa
from avatarrig.photos.named_people.written import (
    NamedFace,
    named_by_any,
    people_in_photo,
    people_in_takeout,
)
from producers.hashing import HEAD_BYTES

_LARGEST_SIDECAR: Final = 4 << 20
_LARGEST_OF_FOLDER: Final = 16 << 20
_PICASA: Final = (".picasa.ini", "Picasa.ini", "picasa.ini")
_CONTACTS: Final = "contacts.xml"
_BESIDE: Final = (".xmp", ".json", "picasa.ini")
"""How the names of files end that may say who is in a photo, in lower case."""

_LISTED_SECONDS: Final = 1.0

_SHORTEST_STEM: Final = 40
"""Google cuts the names of its files off, the photo's and the extension's together, mostly at 46;
of a photo's own name at least so much is left."""

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

_ORIGINALS: Final = (".jpg", ".jpeg", ".heic", ".png")
"""How the name of a photo ends that was edited, or that a clip belongs to."""


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
    beside = (data for name in _xmp_names(photo) if (data := _read(photo.with_name(name))))
    return named_by_any(
        (people_in_photo(head, *beside), _of_picasa(photo, head), _of_google(photo))
    )


class Beside:
    """Finds the files that may say who is in a photo, for one photo after the other.

    A folder is listed for those that lie in it one after the other, and once more after a second:
    what came meanwhile is found at the next look.
    """

    def __init__(self) -> None:
        self._folder = Path()
        self._listed_at = -math.inf
        self._names: frozenset[str] = frozenset()

    def files(self, photo: Path) -> list[Path]:
        """Gives the files, in the same order each time.

        Raises:
            OSError: The photo's folder cannot be listed.
        """
        names = self._names_in(photo.parent)
        if not names:
            return []
        notes = [name for name in _PICASA if name in names]
        own = (name for name in (*_xmp_names(photo), *_json_names(photo)) if name in names)
        above = _contacts_of(photo) if notes else ()
        return [*(photo.with_name(name) for name in dict.fromkeys((*notes, *own))), *above]

    def _names_in(self, folder: Path) -> frozenset[str]:
        now = time.monotonic()
        if folder != self._folder or now - self._listed_at > _LISTED_SECONDS:
            with os.scandir(folder) as entries:
                names = (entry.name for entry in entries)
                self._names = frozenset(name for name in names if name.casefold().endswith(_BESIDE))
            self._folder, self._listed_at = folder, now
        return self._names


def _of_picasa(photo: Path, head: bytes) -> tuple[NamedFace, ...]:
    for name in _PICASA:
        if notes := _read(photo.with_name(name), _LARGEST_OF_FOLDER):
            return people_in_picasa(notes, photo.name, head, lambda: _contacts(photo))
    return ()


def _contacts(photo: Path) -> bytes:
    """Reads Picasa's list of people from the photo's folder or the nearest one above."""
    files = _contacts_of(photo)
    return next((data for file in files if (data := _read(file, _LARGEST_OF_FOLDER))), b"")


def _contacts_of(photo: Path) -> Iterator[Path]:
    return (folder / _CONTACTS for folder in photo.absolute().parents)


def _of_google(photo: Path) -> tuple[NamedFace, ...]:
    for name in _json_names(photo):
        if named := people_in_takeout(_read(photo.with_name(name))):
            return named
    return ()


def _read(sidecar: Path, largest: int = _LARGEST_SIDECAR) -> bytes:
    with contextlib.suppress(OSError, ValueError):
        return read_file(sidecar, largest)
    return b""


def _xmp_names(photo: Path) -> Iterator[str]:
    """How XMP beside a photo is called by digiKam and darktable, and by Lightroom and Apple."""
    for stem in (photo.name, photo.stem):
        yield f"{stem}.xmp"
        yield f"{stem}.XMP"


def _json_names(photo: Path) -> Iterator[str]:
    """How JSON that may be a photo's is called, the surest first; no folder is listed for it."""
    for title, number in dict.fromkeys(_titles(photo)):
        whole = f"{title}.supplemental-metadata"
        shortest = min(len(title) + 1, _SHORTEST_STEM)
        cut = (whole[:length] for length in range(len(whole) - 1, shortest - 1, -1))
        for stem in dict.fromkeys((title, whole, *cut)):
            yield f"{stem}{number}.json"
    yield f"{photo.stem}.json"


def _titles(photo: Path) -> Iterator[tuple[str, str]]:
    """Which photo Google's file may name, and the number that tells it from others of that name.

    The number of ``a(1).jpg`` stands behind the whole name there: ``a.jpg(1).json``. What was
    edited has no file of its own, nor has the clip of a photo that moves.
    """
    suffix = photo.suffix
    own = (suffix, suffix.lower(), suffix.upper())
    others = (*own, *_ORIGINALS, *(ending.upper() for ending in _ORIGINALS))
    for stem, number in _numbered(photo.stem):
        for form in _forms(stem):
            yield from ((f"{form}{ending}", number) for ending in own)
            if is_clip_name(photo.name):
                yield from ((f"{form}{ending}", number) for ending in others)
        composed = unicodedata.normalize("NFC", stem)
        for word in _EDITED:
            if not composed.lower().endswith(word):
                continue
            for plain, counter in _numbered(composed[: -len(word)]):
                for form in _forms(plain):
                    yield from ((f"{form}{ending}", counter or number) for ending in others)


def _numbered(stem: str) -> Iterable[tuple[str, str]]:
    """A name as it is, and without the number that it ends with, beside that number."""
    found = _NUMBERED.fullmatch(stem)
    return [(stem, "")] if found is None else [(stem, ""), (found["stem"], found["number"])]


def _forms(stem: str) -> Iterable[str]:
    """A name as it is written here, and as other systems write accents."""
    return dict.fromkeys((stem, *(unicodedata.normalize(form, stem) for form in ("NFC", "NFD"))))
